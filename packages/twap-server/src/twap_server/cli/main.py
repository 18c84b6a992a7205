"""Define the ``twap-server`` command: start the server, or an exchange on loopback."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from twap_models import __version__
from twap_server.cli import accounts, lab, measure, nodes, recordings, upkeep, verifying
from twap_server.cli.running import (
    Commands,
    LogStyle,
    fail,
    run_announcing,
    say,
    settings_given,
    told,
)
from twap_server.domain.errors import TwapError
from twap_server.runtime import garbage
from twap_server.runtime.loops import loop_factory
from twap_server.telemetry import take_closed_streams

_REJECTED = 5
"""As ``twap submit`` ends."""

app = typer.Typer(
    name="twap-server",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(accounts.app, name="user")
app.command()(accounts.invite)


class FaultName(StrEnum):
    """Faults that the simulated exchange commits on demand."""

    GAP = "gap"
    REPEAT = "repeat"
    REORDER = "reorder"
    SILENCE = "silence"
    GARBAGE = "garbage"
    DISCONNECT = "disconnect"
    CROSSED = "crossed"
    BADSUM = "badsum"
    SLOW = "slow"


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"twap-server {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the version and end."),
    ] = False,
) -> None:
    """Collect crypto order books and execute TWAP orders against them, on paper."""


@app.command()
def start(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on, 0 for any.", show_default="8000")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
    exchange: Annotated[
        list[str] | None,
        typer.Option(
            help="Exchange to collect, with symbols to keep subscribed: NAME[:SYMBOL,…]. Repeatable."
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            help="Where orders and accounts are kept: sqlite:///FILE or postgresql://…, better as the "
            "variable TWAP_DATABASE."
        ),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="Run on a simulated market inside, with a user demo (password demo-password).",
        ),
    ] = False,
    recording: Annotated[
        Path | None, typer.Option(help="With --demo: replay this recording instead.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Keep every message of the exchanges in this folder.")
    ] = None,
    log_format: Annotated[LogStyle | None, typer.Option(help="How log lines are written.")] = None,
) -> None:
    """Start the server. Without options: Binance and Kraken, live, on port 8000; others by --exchange."""
    garbage.hold_off()
    from twap_server import bootstrap, settings  # noqa: PLC0415 - keeps --help fast

    given = settings_given(host=host, port=port, database=database, record=record, log_format=log_format)
    if recording is not None and not demo:
        fail("--recording needs --demo", code=2)
    try:
        loaded = settings.load(file=config, flags=given)
        chosen = bootstrap.choose(loaded, exchange or [])
        new_loop = loop_factory(chosen.runtime.event_loop)
    except TwapError as error:
        fail(str(error), code=2)
    serve_demo = partial(bootstrap.serve_demo, chosen, recording=recording)
    serve = serve_demo if demo else partial(bootstrap.serve, chosen)
    run_announcing(lambda announce: serve(announce=announce), new_loop)


@app.command()
def venue(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on, 0 for any.")] = 8010,
    exchange: Annotated[
        list[str] | None, typer.Option(help="Exchange to simulate; all without it. Repeatable.")
    ] = None,
    recording: Annotated[Path | None, typer.Option(help="Replay this recording (.jsonl.gz).")] = None,
    speed: Annotated[
        float, typer.Option(help="How many times faster than recorded; 0: as fast as clients read.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic market.")] = 1,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="Fault to make now and then: gap, repeat, reorder, silence, garbage, "
            "disconnect, crossed, badsum, slow[:RATE]. Repeatable."
        ),
    ] = None,
) -> None:
    """Pretend to be the exchanges, on loopback: a recording, or a synthetic market that never ends."""
    from twap_server import bootstrap  # noqa: PLC0415 - keeps --help fast

    for name in fault or []:
        if name.split(":")[0] not in set(FaultName):
            fail(f"--fault {name}: expected one of {', '.join(FaultName)}", code=2)
    run_announcing(
        lambda announce: bootstrap.serve_venue(
            host=host,
            port=port,
            exchanges=exchange or [],
            recording=recording,
            speed=speed,
            seed=seed,
            faults=fault or [],
            announce=announce,
        )
    )


@app.command()
def replay(
    recording: Annotated[
        list[Path],
        typer.Argument(
            help="What exchanges sent: files (.jsonl.gz), folders of them, or the folder given to --record. "
            "Several are merged by time.",
            show_default=False,
        ),
    ],
    order: Annotated[
        list[Path],
        typer.Option(help="JSON file with an order, or a list, as POST /orders takes it. Repeatable."),
    ],
    instruments: Annotated[
        list[str] | None,
        typer.Option(
            help="FILE, or EXCHANGE=FILE: the exchange's list of instruments (JSON), where its recording "
            "does not hold it. Repeatable.",
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
    fills: Annotated[bool, typer.Option("--fills", help="Print every fill.")] = False,
    reports: Annotated[
        Path | None, typer.Option(help="Write each order's report as a page into this folder.")
    ] = None,
    skip_unread: Annotated[
        float, typer.Option(help="Percent of the messages that may be unreadable.", min=0, max=100)
    ] = 0.0,
    serve: Annotated[
        bool, typer.Option("--serve", help="Then show the replay in a browser's page, to scrub and play.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of --serve: port on loopback, 0 for any.")] = 8020,
) -> None:
    """Execute orders against recordings in virtual time, and say what they cost.

    A message that cannot be read is an error, unless --skip-unread allows for it.
    Exit: 0 done, 1 failed, 2 wrong usage, 5 an order was rejected.
    """
    from twap_server import bootstrap, settings  # noqa: PLC0415 - keeps --help fast

    with told():
        loaded = settings.load(file=config, flags={})
        play = partial(
            bootstrap.replay_command,
            recording,
            orders=order,
            instruments=instruments or [],
            reports=reports,
            with_fills=fills,
            skip_unread=skip_unread,
            settings=loaded,
            announce=say,
        )
        show = partial(bootstrap.serve_theatre, settings=loaded, port=port)
        done = (
            bootstrap.in_theatre(
                recording,
                loaded,
                play=lambda camera: play(onlooker=camera),
                show=lambda film: run_announcing(lambda announce: show(film, announce=announce)),
            )
            if serve
            else play()
        )
    if bootstrap.rejected(done):
        raise typer.Exit(_REJECTED)


lab.add_to(app)
nodes.add_to(app)
upkeep.add_to(app)
verifying.add_to(app)
app.add_typer(recordings.app, name="recordings")
app.add_typer(measure.app, name="measure")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Entry point of ``twap-server``."""
    take_closed_streams()
    app()
