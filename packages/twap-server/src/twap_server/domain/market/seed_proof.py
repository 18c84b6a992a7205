"""Find out which trades an exchange's forming candle holds, so that none is counted twice or lost. Pure.

The exchange says the volume V of the candle so far, and nobody says up to which trade. We know the sum P of
the trades that we received ourselves, after each of them. If the candle ends with our k-th trade, then ``V
- P(k)`` was traded before we began to count: the *base*, one number for as long as we count without a gap.
Of one answer several k are possible: those around the time of asking whose price is the candle's close.
Each further answer allows other bases; the true one is among those of every answer. Once a single one is
left, it is known, whatever the delays on the two ways were.

What this rests on: an answer is at most ``OLDEST`` old when it is asked for, and the trades it holds arrive
at most ``LATEST`` after it.
"""

from collections import deque
from collections.abc import Set
from decimal import Decimal
from typing import Final, NamedTuple

from twap_server.domain import exact
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.market.events import Candle, Trade

OLDEST: Final = 5 * SECOND
LATEST: Final = SECOND
_KEPT: Final = OLDEST + 35 * SECOND
"""For so long a moment is looked up: an answer may take half a minute."""
_MOST: Final = 10_000


class Seed(NamedTuple):
    """An exchange's answer: its forming candle, None where nothing was traded in the interval yet."""

    candle: Candle | None
    asked_at: Nanos
    answered_at: Nanos

    @property
    def volume(self) -> Decimal:
        """Of the candle."""
        return self.candle.volume if self.candle else ZERO


class _Point(NamedTuple):
    """What was counted when a trade was received, that trade included."""

    at: Nanos
    price: Decimal | None
    """None before the first trade."""
    total: Decimal


class CountedTrades:
    """The sums of the trades of one interval, by time of receipt, since a moment."""

    def __init__(self, since: Nanos) -> None:
        """Count from ``since`` on."""
        self.since = since
        self.total = ZERO
        self._points = deque([_Point(since, None, ZERO)])

    def add(self, trade: Trade) -> None:
        """Count a trade."""
        self.total = exact.add(self.total, trade.quantity)
        points, over = self._points, trade.ts_received - _KEPT
        points.append(_Point(trade.ts_received, trade.price, self.total))
        while len(points) > _MOST or (len(points) > 1 and points[1].at < over):
            points.popleft()

    def total_at(self, moment: Nanos) -> Decimal:
        """What was counted up to a moment, as far as it is remembered."""
        return max((one.total for one in self._points if one.at <= moment), default=self._points[0].total)

    def reaches(self, seed: Seed) -> bool:
        """Whether all moments are remembered at which the answer may have been made."""
        return self._points[0].at <= seed.asked_at - OLDEST

    def bases(self, seed: Seed) -> Set[Decimal]:
        """What may have been traded before, by this answer."""
        first, last = seed.asked_at - OLDEST, seed.answered_at + LATEST
        points = list(self._points)
        begin = max((at for at, one in enumerate(points) if one.at <= first), default=0)
        close = seed.candle.close if seed.candle else None
        return {
            exact.subtract(seed.volume, one.total)
            for one in points[begin:]
            if one.at <= last and one.price in (None, close) and one.total <= seed.volume
        }


class SeedProof:
    """Narrows down what was traded in an interval before we counted."""

    def __init__(self, counted: CountedTrades) -> None:
        """Compare answers with what is ``counted``."""
        self._counted = counted
        self._waiting: list[Seed] = []
        self._possible: Set[Decimal] | None = None
        self._newest: Seed | None = None

    @property
    def newest(self) -> Seed | None:
        """The answer that came last."""
        return self._newest

    def take(self, seed: Seed) -> None:
        """Take an answer; it is compared once the trades that it may hold have arrived."""
        self._newest = seed
        self._waiting.append(seed)

    def compare(self, now: Nanos) -> Decimal | None:
        """Give the base once it is known for sure."""
        for seed in [one for one in self._waiting if one.answered_at + LATEST <= now]:
            self._waiting.remove(seed)
            if self._counted.reaches(seed):
                found = self._counted.bases(seed)
                self._possible = (self._possible or found) & found
        possible = self._possible or ()
        return next(iter(possible)) if len(possible) == 1 else None

    def guess(self) -> Decimal | None:
        """The base that the newest answer makes likely; None without one."""
        seed = self._newest
        if seed is None:
            return None
        likely = exact.subtract(seed.volume, self._counted.total_at(seed.asked_at))
        if self._possible:
            return min(self._possible, key=lambda base: (abs(base - likely), base))
        return max(likely, ZERO)
