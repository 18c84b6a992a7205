"""Define ``twap-server measure``: what recordings say about the assumptions of a simulated fill."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from twap_server.cli.running import say, told

app = typer.Typer(help="Measure on recordings what simulated fills assume.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep ``measure`` a group, however few commands it has."""


@app.command()
def refill(
    recording: Annotated[
        list[Path],
        typer.Argument(
            help="What an exchange sent: files (.jsonl.gz) or folders of them.", show_default=False
        ),
    ],
    symbol: Annotated[
        list[str] | None, typer.Option(help="Instrument to look at; all without it. Repeatable.")
    ] = None,
    taken: Annotated[
        int, typer.Option(help="Percent of a level that trades have to take.", min=1, max=100)
    ] = 50,
    instruments: Annotated[
        Path | None,
        typer.Option(help="The exchange's list of instruments (JSON), where the recording does not hold it."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
) -> None:
    """Say how fast a level refills after trades took much of it: what a half-life of own impact assumes."""
    from twap_server import bootstrap, settings  # noqa: PLC0415 - keeps --help fast

    with told():
        bootstrap.measure_refill(
            recording,
            symbols=symbol or [],
            least=Decimal(taken) / 100,
            instruments=instruments,
            settings=settings.load(file=config, flags={}),
            announce=say,
        )
