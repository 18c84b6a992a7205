"""Run the simulated market, as a server of its own or inside a demo server that leaves nothing behind."""

import asyncio
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

from twap_models.enums import InstrumentKind, MarketMode
from twap_models.health import DemoAccount
from twap_server.api.auth.registration import Registration
from twap_server.api.server import Listening
from twap_server.bootstrap.compose import running
from twap_server.bootstrap.outside import Outside
from twap_server.bootstrap.played_exchange import ORIGINS
from twap_server.bootstrap.recording import log as recording_log
from twap_server.bootstrap.serving import Announce, answer_until, stop_on_signals
from twap_server.clock import SystemClock
from twap_server.domain.clock import Clock
from twap_server.domain.errors import InvalidRequest, UsernameTaken
from twap_server.domain.market.symbols import symbol_of
from twap_server.recordings.frames import frames
from twap_server.settings import Settings
from twap_server.telemetry import configure_logging
from twap_server.venue.market import SyntheticSource
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.recording import RecordingSource
from twap_server.venue.registry import PROTOCOLS
from twap_server.venue.server import Venue
from twap_server.venue.server import serve_venue as serve_until_cancelled
from twap_server.venue.source import Source

log = logging.getLogger(__name__)

DEMO_USER, DEMO_PASSWORD = "demo", "demo-password"
_OUTSIDE = Outside(market=MarketMode.DEMO, demo=DemoAccount(username=DEMO_USER, password=DEMO_PASSWORD))
_PLAYED = ("binance", "kraken")
"""Exchanges whose recordings the simulated exchange can play."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_DEFAULT = "http://127.0.0.1:8000"
"""Where the client looks for a server of its own accord."""


async def serve_demo(settings: Settings, *, recording: Path | None, announce: Announce) -> None:
    """Run the server on a simulated market inside, with a user ``demo``, in a folder that is removed.

    Raises:
        InvalidRequest: the host is not loopback (the demo's password is public), or the recording is absent.
        UnavailableError: the port is taken.
    """
    if settings.host not in _LOOPBACK:
        raise InvalidRequest(f"--demo listens on loopback only, not on {settings.host}", field="--host")
    configure_logging(settings.log_format, level=logging.WARNING)
    recording_log.setLevel(logging.INFO)  # who asks for files is told of them
    clock, stopping = SystemClock(), stop_on_signals()
    source = _source(recording, clock=clock, exchanges=list(settings.exchanges))
    traded = {name: own for name, own in settings.exchanges.items() if source.pairs(name)}
    settings = settings.model_copy(update={"exchanges": traded})
    with (
        tempfile.TemporaryDirectory(prefix="twap-demo-") as folder,
        Listening(settings.host, settings.port) as listening,
    ):
        async with (
            Venue(source, clock=clock) as venue,
            running(_on_venue(settings, venue, Path(folder)), clock=clock, outside=_OUTSIDE) as server,
        ):
            await _make_demo_user(server.services.auth.registration)
            exchange = next(iter(venue.urls()))
            symbol = first_symbol(source, exchange)
            for line in _how_to(listening.url, exchange, symbol, has_page=settings.api.dashboard):
                announce(line)
            with server.around.vitals.watched(server.group, server.engine.ready):
                await answer_until(stopping, server, listening)


async def serve_venue(
    *,
    host: str,
    port: int,
    exchanges: Sequence[str],
    recording: Path | None,
    speed: float,
    seed: int,
    faults: Sequence[str],
    announce: Announce,
) -> None:
    """Pretend to be these exchanges, all where none is named, until SIGTERM or SIGINT.

    Raises:
        InvalidRequest: there is no such recording, it cannot be simulated, or no such exchange.
    """
    clock, stopping = SystemClock(), stop_on_signals()
    names = exchanges or [one.name for one in PROTOCOLS]
    source = _source(recording, clock=clock, exchanges=names, speed=speed, seed=seed)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(
            serve_until_cancelled(source, clock=clock, host=host, port=port, faults=faults, announce=announce)
        )
        await stopping.wait()
        serving.cancel()


def _source(
    recording: Path | None, *, clock: Clock, exchanges: Sequence[str], speed: float = 1.0, seed: int = 1
) -> Source:
    if recording is None:
        return SyntheticSource(seed=seed, clock=clock, protocols=_protocols(exchanges))
    _check(recording)
    return RecordingSource(recording, clock=clock, speed=speed)


def _check(recording: Path) -> None:
    """Refuse what would be taken for Kraken's because it does not name Binance.

    Raises:
        InvalidRequest: no such file, a folder, or a recording of another exchange.
    """
    if recording.is_dir():
        raise InvalidRequest(f"{recording} is a folder: name a file in it", field="--recording")
    if not recording.is_file():
        raise InvalidRequest(f"there is no recording {recording}", field="--recording")
    try:
        name = ORIGINS.of(next((conn for _, _, _, conn in frames(recording)), ""))
    except ValueError:  # its connections name no exchange
        return
    if name not in _PLAYED:
        raise InvalidRequest(
            f"{recording} is a recording of {name}: only those of {' and '.join(_PLAYED)} can be simulated; "
            "`twap-server replay` executes orders on it",
            field="--recording",
        )


def _protocols(names: Sequence[str]) -> list[VenueProtocol]:
    known = {one.name: one for one in PROTOCOLS}
    for name in names:
        if name not in known:
            raise InvalidRequest(
                f"no exchange {name} can be simulated: expected one of {', '.join(known)}", field="--exchange"
            )
    return [one for one in PROTOCOLS if one.name in names]


def _on_venue(settings: Settings, venue: Venue, folder: Path) -> Settings:
    urls = venue.urls()
    exchanges = {
        name: config.model_copy(update=urls[name])
        for name, config in settings.exchanges.items()
        if name in urls
    }
    database = settings.database or f"sqlite:///{folder / 'demo.sqlite3'}"
    return settings.model_copy(update={"exchanges": exchanges, "database": database})


async def _make_demo_user(registration: Registration) -> None:
    try:
        await registration.create(DEMO_USER, DEMO_PASSWORD)
    except UsernameTaken:
        log.info("the demo user is already there")


def first_symbol(source: Source, exchange: str) -> str:
    """Name what can be traded on an exchange."""
    spec = next(iter(source.pairs(exchange).values())).spec
    kind = InstrumentKind.PERPETUAL if spec.contract else InstrumentKind.SPOT
    return symbol_of(spec.base, spec.quote, kind)


def _how_to(base: str, exchange: str, symbol: str, *, has_page: bool) -> list[str]:
    """What a newcomer does next; no line is longer than 80 columns."""
    page = [f"In a browser: open {base}, choose Trade, then Enter the demo."]
    return [
        f"twap-server listens on {base} (API: {base}/docs)",
        "This is a demo on a simulated market: nothing here is a real price.",
        *(page if has_page else []),
        "In another terminal:",
        *([] if base == _DEFAULT else [f"  export TWAP_SERVER_URL={base}"]),
        f"  twap login --username {DEMO_USER} --password {DEMO_PASSWORD}",
        f"  twap submit {exchange} {symbol} buy 0.5 --duration 1m --interval 5",
        "  twap watch",
        "Ctrl-C here stops it.",
    ]
