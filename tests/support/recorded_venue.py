"""Recordings of simulated exchanges, as a server with ``--record`` writes them, and orders against them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.collector.parts import until
from support.live import serving
from twap_models import TwapOrderRequest
from twap_server.bootstrap import Replayed
from twap_server.clock import SystemClock
from twap_server.domain.clock import SECOND, to_datetime
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.orders.record import OrderRecord
from twap_server.recordings.frames import Recording, frames
from twap_server.venue.market import SyntheticSource
from twap_server.venue.registry import PROTOCOLS
from twap_server.venue.server import Venue

NAMES = ("binance", "kraken", "coinbase")
SIMULATED = tuple(one for one in PROTOCOLS if one.name in NAMES)


def order(token: str, exchange: str, **changed: Any) -> TwapOrderRequest:
    given = {"symbol": "BTC-USDT", "quantity": "0.02", "duration": "2s", "interval": "200ms"}
    return TwapOrderRequest.model_validate({"token_id": token, "exchange": exchange, **given, **changed})


def span(folder: Path) -> float:
    """Seconds between the first and the last message that can be read by now."""
    try:
        moments = [at for at, *_ in frames(folder)]
    except InvalidRequest:  # nothing was written yet
        return 0.0
    return (moments[-1] - moments[0]) / SECOND if moments else 0.0


def ends(folder: Path) -> int:
    """How many connections ended, of a folder that is read up to its last flush."""
    return sum(conn.startswith("end ") for *_, conn in Recording(folder).frames())


async def recorded(
    folder: Path, seconds: float, *, breaks: str = "", symbols: Sequence[str] = ("BTC-USDT",)
) -> Path:
    """Record simulated exchanges for some seconds; the connection of one breaks in the middle."""
    clock, kept = SystemClock(), folder / "recordings"
    async with Venue(SyntheticSource(seed=7, clock=clock, protocols=SIMULATED), clock=clock) as venue:
        urls: dict[str, Any] = {name: venue.urls()[name] | {"symbols": symbols} for name in NAMES}
        async with serving(folder, urls, record={"folder": str(kept)}):
            await until(lambda: min(span(kept / name) for name in NAMES) > seconds / 2)
            if breaks:
                venue.inject("disconnect", venue=breaks)
                await until(lambda: ends(kept / breaks) > 0)
            so_far = min(span(kept / name) for name in NAMES)
            await until(lambda: min(span(kept / name) for name in NAMES) > so_far + seconds / 2)
    return kept


def fills_of(record: OrderRecord) -> list[tuple[Any, ...]]:
    """Without their moments, which differ by the grain of a loop's time: nanoseconds."""
    return [(fill.exchange, fill.slice_index, fill.price, fill.quantity) for fill in record.fills]


def at(done: Replayed, seconds: float) -> Any:
    return to_datetime(done.start + round(seconds * SECOND))
