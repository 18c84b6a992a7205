"""Build the candle that is forming, trade by trade, and know whether it is exact. Pure: time is passed in.

A candle whose interval began while trades were followed is made of them alone. The first one, and the first
after a gap, also needs what was traded before: the exchange's own forming candle (``seed_proof.py``). Open,
high, low and close are then exact at once, the volume once it is proven which trades that answer held.

Where an exchange numbers the trades of an instrument without holes (Binance, Kraken, Coinbase), one left out
is a gap, one that came before is a repetition. Where numbers only rise (``Trade.is_numbered`` is false), only
a break of the connection is a gap. A lost trade is noticed once the next one comes; one that is lost before
the first that was heard never is, for no number stands before it.
"""

from decimal import Decimal
from typing import NamedTuple

from twap_models.enums import Interval
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.market.candles import bucket_end, bucket_start
from twap_server.domain.market.events import Candle, Trade
from twap_server.domain.market.seed_proof import LATEST, OLDEST, CountedTrades, Seed, SeedProof


class Ended(NamedTuple):
    """An interval that is over, and what was counted in it."""

    open_time: Nanos
    candle: Candle | None
    """As we know it; None where nothing is known to have been traded in it."""
    is_exact: bool


class _Prices:
    """Open, high, low and close of the trades that were counted."""

    __slots__ = ("close", "high", "low", "open")

    def __init__(self, trade: Trade) -> None:
        self.open = self.high = self.low = trade.price
        self.add(trade)

    def add(self, trade: Trade) -> None:
        self.high, self.low = max(self.high, trade.price), min(self.low, trade.price)
        self.close = trade.price


class _Forming:
    """One interval: what was counted of it, and what was traded in it before."""

    def __init__(self, start: Nanos, interval: Interval, since: Nanos, base: Decimal | None) -> None:
        """Count since a moment; ``base``: what was traded before, None where it is not known."""
        self.start = start
        self.base = base
        self.counted = CountedTrades(since)
        self.proof = SeedProof(self.counted)
        self._last = Nanos(bucket_end(start, interval) - MILLISECOND)
        self._prices: _Prices | None = None

    def count(self, trade: Trade) -> None:
        self.counted.add(trade)
        if self._prices is None:
            self._prices = _Prices(trade)
        else:
            self._prices.add(trade)

    def candle(self) -> Candle | None:
        """As it is known; the exchange's own while that one holds trades that have not come yet."""
        base = self.proof.guess() if self.base is None else self.base
        newest, prices = self.proof.newest, self._prices
        seed = newest.candle if newest else None
        if base is None:
            return None
        if prices is None:
            return (
                None if seed is None else self._made(seed.open, seed.high, seed.low, seed.close, seed.volume)
            )
        volume = exact.add(base, self.counted.total)
        if seed is None:
            return self._made(prices.open, prices.high, prices.low, prices.close, volume)
        return self._made(
            seed.open,
            max(seed.high, prices.high),
            min(seed.low, prices.low),
            seed.close if self.base is not None and seed.volume > volume else prices.close,
            max(seed.volume, volume),
        )

    def _made(self, opened: Decimal, high: Decimal, low: Decimal, close: Decimal, volume: Decimal) -> Candle:
        return Candle(
            open_time=self.start,
            close_time=self._last,
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=volume,
            closed=False,
        )


class LiveCandle:
    """The candle of one instrument and interval that is forming now."""

    def __init__(self, interval: Interval, since: Nanos) -> None:
        """Begin to count at ``since`` (wall time)."""
        self._interval = interval
        self._number: int | None = None
        """Of the last trade: the next has the next one. None: not known."""
        self._forming = _Forming(bucket_start(since, interval), interval, since, None)

    @property
    def is_exact(self) -> bool:
        """Whether every number is known to be right, as far as trades have come."""
        return self._forming.base is not None

    @property
    def open_time(self) -> Nanos:
        """Of the interval that is forming."""
        return self._forming.start

    @property
    def counting_since(self) -> Nanos:
        """Since when the trades of this interval are counted without a gap."""
        return self._forming.counted.since

    def current(self) -> Candle | None:
        """The candle as it is known; None while nothing is known to have been traded in it."""
        return self._forming.candle()

    def add(self, trade: Trade) -> list[Ended]:
        """Count a trade, unless it was counted before; gives the interval that has ended by it."""
        number = int(trade.trade_id) if trade.trade_id.isdecimal() else None
        if number is not None and self._number is not None:
            if number <= self._number:
                return []
            if number > self._number + 1 and trade.is_numbered:
                self.interrupt(trade.ts_received)
        if number is None:
            self._number = None
        ended = self._roll(bucket_start(trade.ts_exchange, self._interval), trade.ts_received)
        self._number = number
        if trade.ts_exchange >= self.open_time:  # else of an interval that the clock had ended
            self._forming.count(trade)
        return ended

    def advance(self, now: Nanos) -> list[Ended]:
        """Let time pass; gives the interval that has ended, if one has: its last trades have come by then."""
        ended = self._roll(bucket_start(Nanos(now - LATEST), self._interval), now)
        if self._forming.base is None:
            self._forming.base = self._forming.proof.compare(now)
        return ended

    def doubt(self) -> None:
        """Be sure of nothing before the exchange's own candle has proven it."""
        self._forming.base = None

    def interrupt(self, now: Nanos) -> None:
        """Trades may be missing: what was counted is worth nothing, only the exchange's candle can tell."""
        self._number = None
        self._forming = _Forming(self.open_time, self._interval, now, None)

    def take(self, seed: Seed, *, began: Nanos) -> None:
        """Take the exchange's own forming candle.

        Args:
            seed: the answer; a candle of an earlier interval counts as none.
            began: what ``counting_since`` was when it was asked for; an older answer is passed over.
        """
        if began != self.counting_since or self.is_exact:
            return
        opened = self.open_time if seed.candle is None else seed.candle.open_time
        if opened < self.open_time:
            seed = seed._replace(candle=None)
        if opened <= self.open_time:  # else a new one has begun, by the exchange's clock
            self._forming.proof.take(seed)

    def _roll(self, start: Nanos, now: Nanos) -> list[Ended]:
        """Begin a later interval; nothing was traded in it before if it was followed from its begin on."""
        if start <= self.open_time:
            return []
        ended = Ended(self.open_time, self.current(), self.is_exact)
        was_there = self._number is not None or self.counting_since <= start - OLDEST
        self._forming = _Forming(start, self._interval, now, ZERO if was_there else None)
        return [ended]
