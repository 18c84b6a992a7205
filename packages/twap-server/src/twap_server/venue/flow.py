"""Generate the order flow of one book: zero intelligence around a fair price.

After Smith, Farmer, Gillemot and Krishnamurthy, "Statistical theory of the continuous double
auction", Quantitative Finance 3 (2003): limit orders, cancellations and market orders arrive as
independent Poisson flows. Two things are added so that two venues stay together: no order is placed
beyond a fair price given from outside, and quotes left beyond it are withdrawn or hit. Pure: the
caller says how much time passes.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from twap_server.venue.book import Level, VenueBook, VenueLadder
from twap_server.venue.source import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowParameters:
    """Rates are per second; distances in parts per million of the price; values in quote currency."""

    limit_rate: float = 40.0
    """Limit orders a second and side."""
    market_rate: float = 1.6
    """Market orders a second, both sides together."""
    cancel_rate: float = 0.04
    """Cancellations a second for each level."""
    levels: int = 400
    """Levels on each side at the start."""
    touch_share: float = 0.15
    """Part of the limit orders that join or improve the best prices."""
    near_share: float = 0.45
    near_ppm: float = 20.0
    """Mean distance of the near orders from the fair price."""
    far_ppm: float = 2_000.0
    limit_value: float = 15_000.0
    """Mean value of a limit order."""
    market_value: float = 4_000.0
    hit_share: float = 0.03
    """Part of the stale quotes that is hit; the rest is withdrawn in time."""
    half_spread: int = 2
    """Ticks from the fair price at which somebody always quotes."""
    fewest_levels: int = 50
    """A side is never eaten below this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What one order did: absolute level changes, and trades as (price, quantity) of its fills."""

    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    trades: tuple[Level, ...] = ()
    taker_buys: bool = False


class OrderFlow:
    """The orders that reach one book. Same seed and same fair prices: same orders."""

    def __init__(self, spec: Spec, *, fair: int, seed: str, parameters: FlowParameters) -> None:
        self.book = VenueBook()
        self._spec = spec
        self._own = parameters
        self._random = random.Random(seed)
        while min(len(self.book.bids), len(self.book.asks)) < parameters.levels:
            buys = len(self.book.bids) < len(self.book.asks)
            distance = 1 + self._distance(fair)
            price = fair - distance if buys else fair + distance
            self._side(buys).set(price, self._size(parameters.limit_value, fair))

    def step(self, fair: int, seconds: float) -> Iterator[Action]:
        """Let time pass; the book is in the state after an action when that action is yielded."""
        yield from self._stale(fair)
        for kind, buys in self._arrivals(seconds):
            if kind == "limit":
                yield self._limit(fair, buys=buys)
            elif kind == "cancel":
                yield self._cancel(buys=buys)
            else:
                yield self._take(self._size(self._own.market_value, fair), buys=buys)
        yield from self._quote(fair)

    def _arrivals(self, seconds: float) -> list[tuple[str, bool]]:
        own, book = self._own, self.book
        rates = [
            (own.limit_rate, "limit", True),
            (own.limit_rate, "limit", False),
            (own.cancel_rate * len(book.bids), "cancel", True),
            (own.cancel_rate * len(book.asks), "cancel", False),
            (own.market_rate / 2, "market", True),
            (own.market_rate / 2, "market", False),
        ]
        arrivals = [(kind, buys) for rate, kind, buys in rates for _ in range(self._poisson(rate * seconds))]
        self._random.shuffle(arrivals)
        return arrivals

    def _poisson(self, mean: float) -> int:
        limit, product, count = math.exp(-mean), self._random.random(), 0
        while product > limit:
            product *= self._random.random()
            count += 1
        return count

    def _size(self, value: float, fair: int) -> int:
        price = fair / 10**self._spec.price_decimals
        steps = self._random.expovariate(1.0) * value / price * 1e8 / self._spec.step
        return (int(steps) + 1) * self._spec.step

    def _distance(self, fair: int) -> int:
        draw = self._random.random()
        if draw < self._own.touch_share:
            return self._random.randrange(3)
        near = draw < self._own.touch_share + self._own.near_share
        mean = fair * (self._own.near_ppm if near else self._own.far_ppm) / 1e6
        return int(self._random.expovariate(1.0) * mean)

    def _limit(self, fair: int, *, buys: bool) -> Action:
        distance, size = self._distance(fair), self._size(self._own.limit_value, fair)
        if buys:
            ask = self.book.asks.best
            return self._place(min(fair, ask if ask else fair) - 1 - distance, size, buys=True)
        bid = self.book.bids.best
        return self._place(max(fair, bid if bid else fair) + 1 + distance, size, buys=False)

    def _place(self, price: int, size: int, *, buys: bool) -> Action:
        ladder = self._side(buys)
        return self._change([(price, ladder.levels.get(price, 0) + size)], buys=buys)

    def _cancel(self, *, buys: bool) -> Action:
        ladder = self._side(buys)
        if len(ladder) <= self._own.fewest_levels:
            return Action()
        return self._change([(ladder.price(self._random.randrange(len(ladder))), 0)], buys=buys)

    def _take(self, size: int, *, buys: bool, worst: int | None = None) -> Action:
        ladder = self._side(not buys)
        fills, changes = [], []
        for price, there in ladder.top(max(0, len(ladder) - self._own.fewest_levels)):
            if not size or (worst is not None and ladder.key(price) > ladder.key(worst)):
                break
            taken = min(size, there)
            size -= taken
            fills.append((price, taken))
            changes.append((price, there - taken))
        action = self._change(changes, buys=not buys)
        return Action(bids=action.bids, asks=action.asks, trades=tuple(fills), taker_buys=buys)

    def _stale(self, fair: int) -> Iterator[Action]:
        for buys in (True, False):
            ladder = self._side(buys)
            while len(ladder) > self._own.fewest_levels and ladder.key(ladder.price(0)) < ladder.key(fair):
                price = ladder.price(0)
                if self._random.random() < self._own.hit_share:
                    yield self._take(ladder.levels[price], buys=not buys, worst=price)
                else:
                    yield self._change([(price, 0)], buys=buys)

    def _quote(self, fair: int) -> Iterator[Action]:
        for buys, price in ((True, fair - 1), (False, fair + 1)):
            best, other = self._side(buys).best, self._side(not buys).best
            crosses = other is not None and (price >= other if buys else price <= other)
            if not crosses and (best is None or abs(best - fair) > self._own.half_spread):
                yield self._place(price, self._size(self._own.limit_value, fair), buys=buys)

    def _side(self, buys: bool) -> VenueLadder:
        return self.book.bids if buys else self.book.asks

    def _change(self, levels: list[Level], *, buys: bool) -> Action:
        ladder = self._side(buys)
        for price, qty in levels:
            ladder.set(price, qty)
        return Action(bids=tuple(levels)) if buys else Action(asks=tuple(levels))
