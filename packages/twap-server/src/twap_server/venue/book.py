"""Keep the venue's own order book: integer prices and quantities, every level.

This is the truth the wire messages are made from. It is written by one source and read by the
protocol sessions at the moment an event is published.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from typing import Literal

Side = Literal["bid", "ask"]
Level = tuple[int, int]


class VenueLadder:
    """One side of a book, best price first. ``key`` orders prices so that smaller is better."""

    def __init__(self, side: Side) -> None:
        self._sign = -1 if side == "bid" else 1
        self._keys: list[int] = []
        self.levels: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, price: int) -> int:
        """Give the sort key of a price."""
        return price * self._sign

    def set(self, price: int, qty: int) -> None:
        """Make the quantity at a price absolute; 0 removes the level, known or not."""
        if qty:
            if price not in self.levels:
                insort(self._keys, self.key(price))
            self.levels[price] = qty
        elif self.levels.pop(price, None) is not None:
            del self._keys[bisect_left(self._keys, self.key(price))]

    def clear(self) -> None:
        """Forget all levels."""
        self._keys.clear()
        self.levels.clear()

    def price(self, index: int) -> int:
        """Give the price of the level at an index, 0 being the best."""
        return self._keys[index] * self._sign

    @property
    def best(self) -> int | None:
        """The best price, or None on an empty side."""
        return self.price(0) if self._keys else None

    def top(self, depth: int) -> list[Level]:
        """List at most ``depth`` levels, best first."""
        return [(key * self._sign, self.levels[key * self._sign]) for key in self._keys[:depth]]

    def edge(self, depth: int) -> int | None:
        """Give the key of the last level within ``depth``; None when the side has fewer."""
        return self._keys[depth - 1] if len(self._keys) >= depth else None

    def beyond(self, edge: int, depth: int) -> list[int]:
        """List the prices worse than a key that are within ``depth``."""
        first = bisect_right(self._keys, edge)
        return [key * self._sign for key in self._keys[first:depth]]

    def between(self, depth: int, edge: int) -> list[int]:
        """List the prices past ``depth`` that are not worse than a key."""
        return [key * self._sign for key in self._keys[depth : max(depth, bisect_right(self._keys, edge))]]

    def trim(self, depth: int) -> list[int]:
        """Drop all levels past ``depth`` and list their prices."""
        dropped = [key * self._sign for key in self._keys[depth:]]
        del self._keys[depth:]
        for price in dropped:
            del self.levels[price]
        return dropped


class VenueBook:
    """Bids and asks of one instrument."""

    def __init__(self) -> None:
        self.bids = VenueLadder("bid")
        self.asks = VenueLadder("ask")

    def __bool__(self) -> bool:
        return bool(len(self.bids) or len(self.asks))

    def apply(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Apply absolute quantities in order."""
        for price, qty in bids:
            self.bids.set(price, qty)
        for price, qty in asks:
            self.asks.set(price, qty)

    def clear(self) -> None:
        """Forget both sides."""
        self.bids.clear()
        self.asks.clear()
