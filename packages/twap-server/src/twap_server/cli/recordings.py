"""Define ``twap-server recordings``: list, verify, cut and export."""

from pathlib import Path
from typing import Annotated

import typer

from twap_server.cli.running import moment, say, told

app = typer.Typer(help="Look at what was recorded with start --record.", no_args_is_help=True)
Folder = Annotated[
    Path, typer.Argument(help="As given to --record, or an exchange's in it.", show_default=False)
]
Recordings = Annotated[
    list[Path],
    typer.Argument(
        help="Files (.jsonl.gz), folders of them, or the folder given to --record.", show_default=False
    ),
]
Symbols = Annotated[
    list[str] | None, typer.Option("--symbol", help="Only this instrument. Repeatable.", show_default="all")
]
Instruments = Annotated[
    Path | None,
    typer.Option(help="The exchange's list of instruments, where the recording does not hold it."),
]
_NOT_HELD = 1


@app.command("list")
def list_segments(folder: Folder) -> None:
    """List the files, oldest first, with their rows, times and sizes."""
    from twap_server.recordings import check, folders  # noqa: PLC0415 - keeps --help fast

    with told():
        for one in folders.folders_of(folder):
            for line in check.listed(one):
                say(line)


@app.command()
def verify(folder: Folder) -> None:
    """Check that the files are those that were written, and can be read.

    Exit: 0 they are, as far as the manifest names them; 1 one is not, or nothing proves any of an exchange's.
    """
    from twap_server.recordings import check, folders  # noqa: PLC0415 - keeps --help fast

    held = True
    with told():
        for one in folders.folders_of(folder):
            for is_right, line in check.verified(one):
                say(line)
                held = held and is_right
    if not held:
        raise typer.Exit(_NOT_HELD)


@app.command()
def cut(
    recording: Recordings,
    begin: Annotated[
        str,
        typer.Option(
            "--from",
            help="Keep what was received from then on: ISO 8601, UTC without a zone; or +60s after the first "
            "message.",
        ),
    ],
    end: Annotated[str, typer.Option("--to", help="Keep what was received until then.")],
    output: Annotated[Path, typer.Option(help="A new folder; each exchange gets one in it.")],
    symbol: Symbols = None,
    exchange: Annotated[str | None, typer.Option(help="Only this exchange.", show_default="all")] = None,
    instruments: Instruments = None,
) -> None:
    """Cut a part out, a recording by itself: it begins with the last whole book before --from."""
    from twap_server import bootstrap  # noqa: PLC0415 - keeps --help fast

    with told():
        bootstrap.cut_recordings(
            recording,
            begin=moment(begin, "--from"),
            end=moment(end, "--to"),
            symbols=symbol or [],
            exchange=exchange,
            instruments=instruments,
            output=output,
            announce=say,
        )


@app.command()
def export(
    recording: Recordings,
    parquet: Annotated[Path | None, typer.Option(help="Write Parquet files into this folder.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write CSV files into this folder.")] = None,
    symbol: Symbols = None,
    instruments: Instruments = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the tables that are there.")] = False,
) -> None:
    """Write trades, best prices and the ten best levels of each second as tables. Numbers stay exact.

    They are there once all of them are whole. Exit: 0 done, 1 the recording cannot be read, 2 wrong usage.
    """
    from twap_server import bootstrap  # noqa: PLC0415 - keeps --help fast

    with told():
        bootstrap.export_recordings(
            recording,
            parquet=parquet,
            csv=csv,
            symbols=symbol or [],
            instruments=instruments,
            force=force,
            announce=say,
        )
