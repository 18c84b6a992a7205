"""Let a command that lists rows print them as a table, as JSON or as CSV. Imports no network library."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twap_client.cli.running import run

if TYPE_CHECKING:
    from twap_client.cli.session import Session, Work

Format = Literal["table", "json", "csv"]
Output = Annotated[
    Format | None,
    typer.Option("--output", "-o", case_sensitive=False, help="How rows are printed; json is --json."),
]
Relative = Annotated[
    bool, typer.Option("--relative", help="Beside each time, how far away it is: in 4 min, 2 h ago.")
]


def run_listing(
    ctx: typer.Context, as_json: bool, output: Format | None, work: "Work", *, relative: bool = False
) -> None:
    """Do the work of a command that lists rows."""
    chosen = one_format(output, as_json=as_json)

    async def formatted(session: "Session") -> int:
        return await work(replace(session, as_csv=chosen == "csv", relative=relative))

    run(ctx, chosen == "json", formatted)


def one_format(output: Format | None, *, as_json: bool) -> Format:
    """Choose among what the two options say; the table where neither is given."""
    if as_json and output not in (None, "json"):
        raise typer.BadParameter(f"--json is --output json, and not {output}", param_hint="--output")
    return "json" if as_json else output or "table"
