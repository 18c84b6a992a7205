"""Add up trades to minute candles, and those to any interval.

Comes in: trades in time order. Goes out: rows of an interval, oldest first, minutes without a trade
repeating the last close. Prices and volumes are the scaled integers of ``text``; a quote volume has
the places of both together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS
_MONDAY_MS = 4 * DAY_MS  # the epoch was a Thursday
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class VenueCandle:
    """One interval; ``taker_*`` are the part of the volume that takers bought."""

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    quote: int = 0
    count: int = 0
    taker_volume: int = 0
    taker_quote: int = 0
    first_id: int = -1
    last_id: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueTrade:
    """One public trade; ``time`` in wall nanoseconds."""

    id: int
    price: int
    qty: int
    time: int
    taker_buys: bool


@dataclass(frozen=True, slots=True)
class CandleInterval:
    """A candle length: a fixed number of milliseconds on a phase, or a calendar month (0 ms)."""

    length_ms: int
    phase_ms: int = 0

    def floor(self, moment_ms: int) -> int:
        """Give the start of the interval that holds a moment."""
        if not self.length_ms:
            return _month_start(moment_ms)
        return moment_ms - (moment_ms - self.phase_ms) % self.length_ms

    def next(self, start_ms: int) -> int:
        """Give the start of the following interval."""
        return start_ms + self.length_ms if self.length_ms else _month_start(start_ms + 32 * DAY_MS)


def _month_start(moment_ms: int) -> int:
    moment = _EPOCH + timedelta(milliseconds=moment_ms)
    start = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    return (start - _EPOCH) // timedelta(milliseconds=1)


def minutes(count: int) -> CandleInterval:
    """An interval of so many minutes, counted from the epoch."""
    return CandleInterval(count * MINUTE_MS)


WEEK = CandleInterval(7 * DAY_MS, _MONDAY_MS)
MONTH = CandleInterval(0)


class CandleStore:
    """Minute candles of one instrument without holes."""

    def __init__(self) -> None:
        self._minutes: list[VenueCandle] = []

    @property
    def first_ms(self) -> int | None:
        """Start of the oldest minute."""
        return self._minutes[0].open_ms if self._minutes else None

    def seed(self, history: Sequence[VenueCandle]) -> None:
        """Put contiguous minutes before the live ones."""
        self._minutes = [*history, *self._minutes]

    def add(self, trade: VenueTrade) -> None:
        """Add a trade to its minute."""
        start = trade.time // 1_000_000 // MINUTE_MS * MINUTE_MS
        if not self._minutes:
            self._minutes.append(_flat(start, trade.price))
        self._reach(start, trade.price)
        index = (start - self._minutes[0].open_ms) // MINUTE_MS
        if index >= 0:
            _add(self._minutes[index], trade)

    def _reach(self, start: int, price: int) -> None:
        last = self._minutes[-1]
        for moment in range(last.open_ms + MINUTE_MS, start, MINUTE_MS):
            self._minutes.append(_flat(moment, last.close))
        if start > last.open_ms:
            self._minutes.append(_flat(start, price))

    def rows(
        self,
        interval: CandleInterval,
        *,
        now_ms: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 1000,
    ) -> list[VenueCandle]:
        """List candles by their start, oldest first, the running one included.

        With ``start_ms`` the oldest rows from there; otherwise the newest up to ``end_ms``.
        """
        if not self._minutes:
            return []
        until = max(now_ms, self._minutes[-1].open_ms)
        starts = self._starts(interval, start_ms or 0, min(end_ms if end_ms is not None else until, until))
        chosen = starts[:limit] if start_ms is not None else starts[-limit:]
        return [self._sum(start, interval.next(start)) for start in chosen]

    def _starts(self, interval: CandleInterval, start_ms: int, end_ms: int) -> list[int]:
        start = interval.floor(max(start_ms, self._minutes[0].open_ms))
        if start < start_ms:
            start = interval.next(start)
        starts = []
        while start <= end_ms:
            starts.append(start)
            start = interval.next(start)
        return starts

    def _sum(self, start_ms: int, end_ms: int) -> VenueCandle:
        first = self._minutes[0].open_ms
        low, high = (start_ms - first) // MINUTE_MS, (end_ms - first) // MINUTE_MS
        parts = self._minutes[max(low, 0) : max(high, 0)]
        return combine(start_ms, parts) if parts else _flat(start_ms, self._minutes[-1].close)


def combine(open_ms: int, parts: Iterable[VenueCandle]) -> VenueCandle:
    """Add up consecutive candles, at least one, into one that starts at ``open_ms``."""
    rest = iter(parts)
    total = replace(next(rest), open_ms=open_ms)
    for part in rest:
        total.high = max(total.high, part.high)
        total.low = min(total.low, part.low)
        total.close = part.close
        total.volume += part.volume
        total.quote += part.quote
        total.count += part.count
        total.taker_volume += part.taker_volume
        total.taker_quote += part.taker_quote
        total.first_id = part.first_id if total.first_id < 0 else total.first_id
        total.last_id = max(total.last_id, part.last_id)
    return total


def _flat(open_ms: int, price: int) -> VenueCandle:
    return VenueCandle(open_ms=open_ms, open=price, high=price, low=price, close=price)


def _add(candle: VenueCandle, trade: VenueTrade) -> None:
    value = trade.price * trade.qty
    if not candle.count:
        candle.open = candle.high = candle.low = trade.price
        candle.first_id = trade.id
    candle.high = max(candle.high, trade.price)
    candle.low = min(candle.low, trade.price)
    candle.close = trade.price
    candle.volume += trade.qty
    candle.quote += value
    candle.count += 1
    candle.last_id = trade.id
    if trade.taker_buys:
        candle.taker_volume += trade.qty
        candle.taker_quote += value
