"""Try the real exchanges from this machine: no key, no order, nothing is kept.

    hatch run live-check                           all that the server reads natively
    hatch run live-check okx kraken --seconds 120

For each it loads the list of instruments, keeps the book of one busy pair for the time given, and asks for
candles. It prints a row an exchange, and ends with 1 where one of them failed.
"""

import argparse
import asyncio
import random
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from twap_models.enums import Interval
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.clock import SystemClock
from twap_server.collector.market_data import LiveMarket
from twap_server.domain.errors import TwapError
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.registry import EXCHANGES
from twap_server.settings import load

_BUSY = ("BTC-USDT", "BTC-USD", "BTC-USDC", "BTC-USDT-PERP", "BTC-USD-PERP")
_LIST_WITHIN_S, _LIVE_WITHIN_S, _LOOK_EVERY_S = 30, 30, 0.25


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was seen of one exchange."""

    name: str
    instruments: int = 0
    pair: str = "–"
    live_s: float | None = None
    changes: int = 0
    looks: int = 0
    live_looks: int = 0
    spread: Decimal | None = None
    candles: int = 0
    failure: str = ""

    @property
    def words(self) -> str:
        """One line."""
        live = "not live" if self.live_s is None else f"live after {self.live_s:.1f} s"
        share = 100 * self.live_looks // max(self.looks, 1)
        spread = "" if self.spread is None else f", spread {self.spread:f}"
        told = (
            f"{self.instruments:,} instruments, {self.pair} {live}, {self.changes:,} changes, live {share} %"
        )
        return f"{self.name:16} {told}{spread}, {self.candles} candles" + (
            f"  FAILED: {self.failure}" if self.failure else ""
        )


async def _look(market: LiveMarket, seen: Seen, seconds: int) -> None:
    clock = SystemClock()
    async with asyncio.timeout(_LIST_WITHIN_S):
        while not market.loaded(seen.name):
            await asyncio.sleep(_LOOK_EVERY_S)
    listed = market.instruments(seen.name)
    seen.instruments = len(listed)
    seen.pair = next(one for one in _BUSY if one in listed)
    wanted = InstrumentId(seen.name, seen.pair)
    begun = clock.monotonic()
    market.hold(wanted, "live-check")
    first = await market.wait_live(wanted, _LIVE_WITHIN_S)
    seen.live_s = (clock.monotonic() - begun) / 1e9
    for _ in range(round(seconds / _LOOK_EVERY_S)):
        await asyncio.sleep(_LOOK_EVERY_S)
        view = market.view(wanted, 1)
        assert view is not None
        seen.looks += 1
        if view.status is BookStatus.LIVE:
            seen.live_looks += 1
            seen.spread = view.asks[0].price - view.bids[0].price
        seen.changes = view.seq - first.seq
    candles = await market.klines(seen.name, seen.pair, Interval.M1, limit=10)
    seen.candles = len(candles.candles)
    if seen.live_looks < 0.9 * seen.looks:
        seen.failure = "the book was live in less than 90 % of the looks"


async def _try(market: LiveMarket, name: str, seconds: int) -> Seen:
    seen = Seen(name=name)
    try:
        await _look(market, seen, seconds)
    except (TwapError, TimeoutError, StopIteration, IndexError) as error:
        status = next(one for one in market.exchanges() if one.name == name)
        seen.failure = str(error) or status.reason or "no list of instruments in time"
    print(seen.words, flush=True)
    return seen


async def run(names: list[str], seconds: int, config: Path | None) -> int:
    """Try them side by side."""
    settings, clock = load(file=config, flags={}), SystemClock()
    chosen = [one for one in EXCHANGES if one.name in names or not names]
    collector = settings.collector.model_copy(update={"exchanges": settings.exchanges})
    market = LiveMarket(
        chosen,
        collector,
        registry=BookRegistry(),
        interest=BookInterest(clock),
        clock=clock,
        rng=random.Random(),
    )
    async with market:
        seen = await asyncio.gather(*(_try(market, one.name, seconds) for one in chosen))
    return any(one.failure for one in seen)


def main() -> int:
    """Read the command line."""
    known = [one.name for one in EXCHANGES]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("exchanges", nargs="*", metavar="EXCHANGE", help=f"of {', '.join(known)}")
    parser.add_argument("--seconds", type=int, default=60, help="how long each book is watched")
    parser.add_argument("--config", type=Path, help="settings of the server, as for addresses of your own")
    told = parser.parse_args()
    if unknown := [one for one in told.exchanges if one not in known]:
        parser.error(f"no exchange {unknown[0]!r}: there are {', '.join(known)}")
    return asyncio.run(run(told.exchanges, told.seconds, told.config))


if __name__ == "__main__":
    sys.exit(main())
