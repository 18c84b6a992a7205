"""What a scripted exchange truly shows: one instrument's book, how it changes, and how it was.

Prices count ticks and quantities count lots, as whole numbers. The history is what fills are checked against.
"""

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

KEPT_S = 120.0
_LEAST, _MOST = 4, 14

Levels = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """An instrument; ``mid`` in ticks, ``size`` is a level's usual quantity in lots."""

    venue: str
    base: str
    quote: str
    native: str
    price_places: int
    quantity_places: int
    mid: int
    size: int
    spread: int
    min_quantity: int
    min_notional: str

    @property
    def symbol(self) -> str:
        return f"{self.base}-{self.quote}"

    def price_text(self, ticks: int) -> str:
        return _fixed(ticks, self.price_places)

    def quantity_text(self, lots: int) -> str:
        return _fixed(lots, self.quantity_places)

    def price(self, ticks: int) -> Decimal:
        return Decimal(ticks).scaleb(-self.price_places)

    def quantity(self, lots: int) -> Decimal:
        return Decimal(lots).scaleb(-self.quantity_places)


def _fixed(value: int, places: int) -> str:
    if not places:
        return str(value)
    whole, part = divmod(value, 10**places)
    return f"{whole}.{part:0{places}d}"


@dataclass(frozen=True, slots=True)
class Version:
    """The book from ``since`` (loop seconds) until the next version; best levels first."""

    number: int
    since: float
    bids: Levels
    asks: Levels


@dataclass(slots=True, kw_only=True)
class Change:
    """What one event changed: absolute quantities, and the trades of one taker."""

    bids: list[tuple[int, int]] = field(default_factory=list)
    asks: list[tuple[int, int]] = field(default_factory=list)
    trades: list[tuple[int, int]] = field(default_factory=list)
    taker_buys: bool = True


class Truth:
    """One instrument at one exchange."""

    def __init__(self, spec: Spec, rng: Random, *, now: float) -> None:
        self.spec = spec
        self.rng = rng
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.fair = spec.mid
        self.listed = True
        self.one_sided = ""
        self.number = 0
        self.unseen_from = 0.0
        """Since when changes were lost and no later one was sent: nobody can know yet; 0: not so."""
        self.last_unseen = (0.0, 0.0)
        self.removed: dict[tuple[str, int], int] = {}
        """Side (``bids``, ``asks``) and price to the last version that took the level away."""
        self.history: deque[Version] = deque()
        self._change = Change()
        self._refill()
        self._note(now)

    @property
    def now(self) -> Version:
        """The book of this moment."""
        return self.history[-1]

    def between(self, first: float, last: float) -> list[Version]:
        """The versions that were current at some moment between two, newest first."""
        found = []
        for version in reversed(self.history):
            if version.since <= last:
                found.append(version)
            if version.since <= first:
                break
        return found

    def seen(self, now: float) -> None:
        """A message was sent: from now on it can be known whether one was lost before."""
        if self.unseen_from < now:
            self.last_unseen = self.unseen_from, now
        self.unseen_from = 0.0

    def unseen_at(self, at: float) -> float:
        """Since when, at that moment of lately, changes were lost that nobody could know of."""
        begin, end = self.last_unseen
        return min(at, begin if begin <= at <= end else at, self.unseen_from or at)

    def step(self, now: float) -> Change:
        """Let one thing happen."""
        self._change = Change()
        draw = self.rng.random()
        if draw < 0.5:
            self._resize()
        elif draw < 0.62:
            self._add(self.rng.random() < 0.5, near=self.rng.random() < 0.4)
        elif draw < 0.72:
            self._remove(self.rng.random() < 0.5)
        elif draw < 0.87:
            self._trade(self.rng.random() < 0.5)
        else:
            self._shift()
        self._refill()
        self._note(now)
        return self._change

    def withdraw(self, side: str, now: float) -> Change:
        """Take all levels of a side away; they come back when ``one_sided`` is cleared."""
        self._change = Change()
        self.one_sided = side
        for price in list(getattr(self, side)):
            self._set(side, price, 0)
        self._note(now)
        return self._change

    def _set(self, side: str, price: int, lots: int) -> None:
        book: dict[int, int] = getattr(self, side)
        told: list[tuple[int, int]] = getattr(self._change, side)
        if lots > 0:
            if side == self.one_sided or price <= 0:
                return
            book[price] = lots
        elif book.pop(price, None) is not None:
            self.removed[side, price] = self.number + 1
        else:
            return
        told[:] = [one for one in told if one[0] != price]
        told.append((price, max(0, lots)))

    def _resize(self) -> None:
        side = self._side(self.rng.random() < 0.5)
        prices = self._prices(side)
        if prices:
            at = min(int(self.rng.expovariate(0.6)), len(prices) - 1)
            self._set(side, prices[at], self._lots())

    def _add(self, bid: bool, *, near: bool) -> None:
        spread = self.spec.spread
        away = self.rng.randint(1, spread) if near else self.rng.randint(1, 12 * spread)
        price = self.fair - away if bid else self.fair + away
        self._set(self._side(bid), price, self._lots())

    def _remove(self, bid: bool) -> None:
        side = self._side(bid)
        prices = self._prices(side)
        if prices:
            self._set(side, prices[min(int(self.rng.expovariate(0.5)), len(prices) - 1)], 0)

    def _trade(self, buys: bool) -> None:
        side = "asks" if buys else "bids"
        left = max(1, self._lots() // self.rng.randint(1, 4))
        self._change.taker_buys = buys
        book: dict[int, int] = getattr(self, side)
        for price in self._prices(side):
            take = min(left, book[price])
            self._change.trades.append((price, take))
            self._set(side, price, book[price] - take)
            left -= take
            if not left:
                break

    def _shift(self) -> None:
        spread = self.spec.spread
        self.fair += self.rng.randint(-2 * spread, 2 * spread) + (self.spec.mid - self.fair) // 50
        for price in [one for one in self.bids if one >= self.fair]:
            self._set("bids", price, 0)
        for price in [one for one in self.asks if one <= self.fair]:
            self._set("asks", price, 0)

    def _refill(self) -> None:
        for side, bid in (("bids", True), ("asks", False)):
            if side == self.one_sided:
                continue
            book: dict[int, int] = getattr(self, side)
            while len(book) < _LEAST:
                self._add(bid, near=False)
            if len(book) > _MOST:
                for price in self._prices(side)[_MOST:]:
                    self._set(side, price, 0)

    def _lots(self) -> int:
        return max(1, int(self.spec.size * self.rng.expovariate(1.0)))

    @staticmethod
    def _side(bid: bool) -> str:
        return "bids" if bid else "asks"

    def _prices(self, side: str) -> list[int]:
        return sorted(getattr(self, side), reverse=side == "bids")

    def _note(self, now: float) -> None:
        self.number += 1
        bids = tuple(sorted(self.bids.items(), reverse=True))
        asks = tuple(sorted(self.asks.items()))
        self.history.append(Version(self.number, now, bids, asks))
        oldest = min(now, self.unseen_from or now) - KEPT_S
        while len(self.history) > 1 and self.history[1].since < oldest:
            self.history.popleft()
        if len(self.removed) > 5_000:
            self.removed = dict(list(self.removed.items())[2_500:])


def level_at(levels: Levels, price: int, *, descending: bool) -> int:
    """The quantity at a price, 0 where there is none."""
    keys = [-one[0] if descending else one[0] for one in levels]
    at = bisect_left(keys, -price if descending else price)
    return levels[at][1] if at < len(levels) and levels[at][0] == price else 0
