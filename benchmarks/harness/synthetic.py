"""The synthetic stream that several benchmarks share: Binance-like depth changes of one BTCUSDT book.

In: how many messages, and a seed. Out: a REST snapshot and as many frames of the combined stream, 100 ms
apart, about 462 bytes and ten changed levels each: two thirds near the touch, the rest far away, about 1,000
levels a side. Update ids have no gap and the book never crosses. The same seed gives the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from twap_server.domain.market.instrument import Instrument, InstrumentId

STEP_MS = 100
FIRST_MS = 1_700_000_000_000
_FIRST_ID = 50_000_000_000
_LEVELS = 1_000
_MOST_LEVELS = 1_100
_GONE = "0.00000000"


@dataclass(slots=True)
class Stream:
    """What the market sends."""

    snapshot: str
    """The body of ``GET /api/v3/depth`` that the messages follow."""
    messages: list[str]


@dataclass(slots=True)
class _Side:
    """One side of the book: price in cents to quantity; ``away`` is the direction away from the middle."""

    away: int
    levels: dict[int, str] = field(default_factory=dict)
    changed: dict[int, str] = field(default_factory=dict)

    def put(self, price: int, quantity: str) -> None:
        self.levels[price] = self.changed[price] = quantity

    def drop(self, price: int) -> None:
        del self.levels[price]
        self.changed[price] = _GONE

    def crossed(self, mid: int) -> list[int]:
        return [price for price in self.levels if (price - mid) * self.away <= 0]

    def farthest(self) -> int:
        return min(self.levels) if self.away < 0 else max(self.levels)


def stream(count: int, *, seed: int = 42) -> Stream:
    """Make ``count`` messages."""
    market = _Market(Random(seed))
    return Stream(snapshot=market.snapshot(), messages=list(market.messages(count)))


def instrument() -> Instrument:
    """Return the instrument of the stream, as the exchange would list it."""
    return Instrument(
        id=InstrumentId("binance", "BTC-USDT"),
        native="BTCUSDT",
        base="BTC",
        quote="USDT",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
        min_quantity=Decimal("0.00001"),
        min_notional=Decimal(5),
        status="trading",
    )


class _Market:
    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._mid = 6_000_000
        self._last_id = _FIRST_ID
        self._bids, self._asks = _Side(away=-1), _Side(away=1)
        for side in (self._bids, self._asks):
            while len(side.levels) < _LEVELS:
                side.levels[self._price(side, mean=700)] = self._quantity()

    def snapshot(self) -> str:
        bids = _text(dict(sorted(self._bids.levels.items(), reverse=True)))
        asks = _text(dict(sorted(self._asks.levels.items())))
        return f'{{"lastUpdateId":{self._last_id},"bids":[{bids}],"asks":[{asks}]}}'

    def messages(self, count: int) -> Iterator[str]:
        for number in range(1, count + 1):
            self._move()
            changes = [1 + int(self._rng.expovariate(1 / 4.3)) for _ in "ba"]
            for side, wanted in zip((self._bids, self._asks), changes, strict=True):
                self._change(side, wanted)
            yield self._message(FIRST_MS + number * STEP_MS)

    def _move(self) -> None:
        if self._rng.random() >= 0.35:
            return
        self._mid += int(self._rng.gauss(0, 6))
        for side in (self._bids, self._asks):
            for price in side.crossed(self._mid):
                side.drop(price)

    def _change(self, side: _Side, wanted: int) -> None:
        for _ in range(wanted):
            price = self._price(side, mean=25 if self._rng.random() < 0.7 else 600)
            if price in side.levels and self._rng.random() < 0.45:
                side.drop(price)
            else:
                side.put(price, self._quantity())
        if len(side.levels) > _MOST_LEVELS:
            side.drop(side.farthest())

    def _message(self, time_ms: int) -> str:
        first = self._last_id + 1
        self._last_id += len(self._bids.changed) + len(self._asks.changed)
        bids, asks = _text(self._bids.changed), _text(self._asks.changed)
        self._bids.changed, self._asks.changed = {}, {}
        return (
            f'{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{time_ms},"s":"BTCUSDT",'
            f'"U":{first},"u":{self._last_id},"b":[{bids}],"a":[{asks}]}}}}'
        )

    def _price(self, side: _Side, *, mean: float) -> int:
        return self._mid + side.away * (1 + int(self._rng.expovariate(1 / mean)))

    def _quantity(self) -> str:
        return f"{0.00001 + self._rng.expovariate(1.5):.5f}000"


def _text(levels: dict[int, str]) -> str:
    return ",".join(
        f'["{price // 100}.{price % 100:02d}000000","{quantity}"]' for price, quantity in levels.items()
    )
