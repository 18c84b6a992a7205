"""Define ``twap-server recordings``: list and verify."""

from pathlib import Path
from typing import Annotated

import typer

from twap_server.cli.running import say, told

app = typer.Typer(help="Look at what was recorded with start --record.", no_args_is_help=True)
Folder = Annotated[
    Path, typer.Argument(help="As given to --record, or an exchange's in it.", show_default=False)
]
_NOT_HELD = 1


@app.command("list")
def list_segments(folder: Folder) -> None:
    """List the files, oldest first, with their messages and times."""
    from twap_server.recordings import check  # noqa: PLC0415 - keeps --help fast

    with told():
        for one in check.folders_of(folder):
            for line in check.listed(one):
                say(line)


@app.command()
def verify(folder: Folder) -> None:
    """Check that the files are those that were written, and can be read. Exit: 0 they are, 1 one is not."""
    from twap_server.recordings import check  # noqa: PLC0415 - keeps --help fast

    held = True
    with told():
        for one in check.folders_of(folder):
            for is_right, line in check.verified(one):
                say(line if is_right else f"NOT HELD: {line}")
                held = held and is_right
    if not held:
        raise typer.Exit(_NOT_HELD)
