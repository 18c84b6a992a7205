"""What the commands share: arguments that many of them take, and how one runs. No network library here."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from twap_client.cli.session import Work

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value (watch, fills: one per line).")]
TokenArg = Annotated[str, typer.Argument(metavar="TOKEN", help="The order's token_id.")]


@dataclass(frozen=True, slots=True)
class Root:
    """The options before the command."""

    server: str | None
    as_json: bool


def run(ctx: typer.Context, as_json: bool, work: "Work", prepare: "Callable[[], bool] | None" = None) -> None:
    """Do a command's work and end with its exit code."""
    from twap_client.cli import session

    raise typer.Exit(session.run(ctx.obj.server, as_json or ctx.obj.as_json, work, prepare))
