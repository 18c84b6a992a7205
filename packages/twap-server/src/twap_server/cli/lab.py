"""Define ``twap-server tournament`` and ``twap-server what-if``."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from twap_server.cli.running import fail, say, say_as_is, told
from twap_server.domain.errors import InvalidRequest

_REJECTED = 5
"""As ``twap submit`` ends."""
_USAGE = 2
_REPORTS = 200
_OPTIONS: Final = {
    "price": "--limit",
    **{
        name: f"--{name}"
        for name in (
            "at", "exchange", "symbol", "side", "quantity", "strategy", "duration", "slices", "interval",
            "realism",
        )
    },
}  # fmt: skip
"""Options of what-if, by the field that each gives."""
Config = Annotated[Path | None, typer.Option(help="Settings file (TOML).")]


class SideName(StrEnum):
    """Which way an order goes."""

    BUY = "buy"
    SELL = "sell"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("tournament")(run_tournament)
    app.command("what-if")(ask_what_if)


def run_tournament(
    file: Annotated[Path, typer.Argument(help="What is compared (TOML).", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write.", show_default="FILE without its ending")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes at once.", show_default="one for each processor")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Let a Dask cluster do the work: tcp://HOST:8786.")
    ] = None,
    runs_per_pass: Annotated[
        int, typer.Option(min=1, help="Orders at most that share one pass over a recording.")
    ] = 500,
    reports: Annotated[
        str, typer.Option(help="Orders at most whose report is written as a page, or all.")
    ] = str(_REPORTS),
    parquet: Annotated[bool, typer.Option("--parquet", help="Write runs.parquet, too.")] = False,
    config: Config = None,
) -> None:
    """Compare strategies on recordings, and write a page, a table and a summary of what they cost.

    Started again after it was stopped or killed, it goes on where it was.
    Exit: 0 done, 1 failed, 2 wrong usage, 130 stopped.
    """
    from twap_server import lab, settings  # noqa: PLC0415 - keeps --help fast

    how = lab.HowToRun(
        workers=workers,
        scheduler=scheduler,
        runs_per_pass=runs_per_pass,
        reports=_most_reports(reports),
        parquet=parquet,
    )
    with told():
        lab.tournament(
            file,
            out=out or file.with_suffix(""),
            settings=settings.load(file=config, flags={}),
            how=how,
            tell=say,
            console=Console(stderr=True),
        )


def ask_what_if(
    recording: Annotated[
        Path,
        typer.Argument(
            help="What an exchange sent: a file (.jsonl.gz) or a folder of them.", show_default=False
        ),
    ],
    at: Annotated[str, typer.Option(help="When the order is sent and starts: ISO 8601, or +30s.")],
    exchange: Annotated[str, typer.Option(help="The recording's exchange.")],
    symbol: Annotated[str, typer.Option(help="Such as BTC-USDT.")],
    quantity: Annotated[str, typer.Option(help="Base currency.")],
    side: Annotated[SideName, typer.Option(help="Which way.")] = SideName.BUY,
    strategy: Annotated[str | None, typer.Option(help="How to execute.", show_default="twap")] = None,
    duration: Annotated[str, typer.Option(help="How long it works, such as 5m.")] = "60s",
    slices: Annotated[int | None, typer.Option(min=1, help="How many.", show_default="12")] = None,
    interval: Annotated[str | None, typer.Option(help="Time between slices, instead of --slices.")] = None,
    limit: Annotated[str | None, typer.Option(help="Never pay more, never get less.")] = None,
    realism: Annotated[str | None, typer.Option(help="Profile, such as remote.")] = None,
    field: Annotated[
        list[str] | None, typer.Option(help="Any other field of POST /orders: NAME=VALUE. Repeatable.")
    ] = None,
    instruments: Annotated[
        Path | None,
        typer.Option(help="The exchange's list of instruments (JSON), where the recording does not hold it."),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    fills: Annotated[bool, typer.Option("--fills", help="Print every fill.")] = False,
    skip_unread: Annotated[
        float, typer.Option(help="Percent of the messages that may be unreadable.", min=0, max=100)
    ] = 0.0,
    config: Config = None,
) -> None:
    """Say what one hypothetical order would have cost on a recording.

    Exit: 0 done, 1 failed, 2 wrong usage, 5 the order was rejected.
    """
    from twap_server import lab, settings  # noqa: PLC0415 - keeps --help fast

    order: dict[str, Any] = {"exchange": exchange, "symbol": symbol, "quantity": quantity, "side": side.value}
    order |= {"duration": duration, "interval": interval, "price": limit}
    order |= {"strategy": strategy, "realism": realism}
    order["slices"] = slices if slices or interval else 12
    logging.getLogger("twap_server").addHandler(logging.NullHandler())  # lines of a server that runs live
    with told(), _as_options():
        order |= _fields(field or [])
        found = lab.what_if(
            recording,
            at=at,
            settings=settings.load(file=config, flags={}),
            instruments=instruments,
            skip_unread=Decimal(str(skip_unread)),
            **order,
        )
        if html is not None:
            found.write_page(html)
    if as_json:
        say_as_is(found.report.to_json().decode())
    else:
        for line in found.lines(with_fills=fills):
            say(line)
        if html is not None:
            say(f"report written: {html}")
    if found.is_rejected:
        raise typer.Exit(_REJECTED)


def _most_reports(text: str) -> int | None:
    if text == "all":
        return None
    if not re.fullmatch("[0-9]{1,7}", text):
        fail(f"--reports {text}: expected a number of orders, or all", code=_USAGE)
    return int(text)


def _fields(given: list[str]) -> Mapping[str, Any]:
    from twap_server.lab.orders import value_of  # noqa: PLC0415 - keeps --help fast

    for one in given:
        if "=" not in one:
            fail(f"--field {one}: expected NAME=VALUE, such as randomize=10", code=_USAGE)
    named = (one.split("=", 1) for one in given)
    return {name: value_of(name, text) for name, text in named}


@contextmanager
def _as_options() -> Iterator[None]:
    """Name a wrong field as the option that it was given by."""
    try:
        yield
    except InvalidRequest as error:
        words = str(error)
        field = error.field.split(".")[0].split("[")[0]
        if not words.startswith(field):
            raise
        option = _OPTIONS.get(field, f"--field {field}")
        raise InvalidRequest(f"{option}{words.removeprefix(field)}", field=option) from None
