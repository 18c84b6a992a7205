"""Share what the commands need: common arguments, and how a command runs. Imports no network library."""

# ruff: noqa: PLC0415 -- `twap --help` must not wait for the network libraries

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from twap_client.cli import completion

if TYPE_CHECKING:
    from collections.abc import Callable

    from twap_client.cli.session import Question, Work

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print JSON, one value per line.")]


def not_empty(text: str | None) -> str | None:
    """Take a name that stands in an address, where nothing, . and .. lead elsewhere."""
    if text is not None and text.strip() in ("", ".", ".."):
        raise typer.BadParameter(f"expected a name, got {text!r}")
    return text


def none_empty(texts: list[str] | None) -> list[str] | None:
    """Take several such names."""
    for text in texts or ():
        not_empty(text)
    return texts


TokenArg = Annotated[
    str,
    typer.Argument(
        metavar="TOKEN",
        help="The order's token_id.",
        callback=not_empty,
        autocompletion=completion.open_orders,
    ),
]


class Commands(TyperGroup):
    """The commands; whoever writes an option on the wrong side of one is told the right side."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what stands before the command."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            _put_right(error, "{}: if it is a command's, it goes after the command")
            _in_plain_words(error)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            option = str(getattr(error, "option_name", None) or "")
            if option in ("--server", "--profile"):
                value = "URL" if option == "--server" else "NAME"
                _put_right(error, f"{{}}: it goes before the command: twap {option} {value} COMMAND")
            elif option[1:2].isdigit():
                error.message = f"a number below 0 is no quantity ({option}…): write sell to sell"  # type: ignore[attr-defined]
            _in_plain_words(error)
            raise


def _in_plain_words(error: Any) -> None:
    """Let no refusal speak the grammar of the library that checked the value."""
    if isinstance(getattr(error, "message", None), str):  # the end of --help is an error without one
        from twap_models.plain_words import plain

        error.message = plain(error.message)


def _put_right(error: Any, words: str) -> None:
    """Correct what an unknown option is answered with; other errors stay as they are."""
    if getattr(error, "option_name", None):
        error.message, error.possibilities = words.format(error.message), None


@dataclass(frozen=True, slots=True)
class Root:
    """The options before the command."""

    server: str | None
    as_json: bool
    profile: str | None = None


def run(
    ctx: typer.Context,
    as_json: bool,
    work: "Work",
    prepare: "Callable[[], bool] | None" = None,
    question: "Question | None" = None,
) -> None:
    """Do a command's work and end with its exit code."""
    from twap_client.cli import session

    root: Root = ctx.obj
    wants_json = as_json or root.as_json
    raise typer.Exit(session.run(root.server, wants_json, work, prepare, question, profile=root.profile))
