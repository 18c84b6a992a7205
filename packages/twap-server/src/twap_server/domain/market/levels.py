"""Keep one side of an order book: exact, and fast enough for every message of every exchange.

Prices and quantities stay the exchange's own text. A side keeps ``price text -> quantity text`` and two
parallel lists, worst level first, best level last: a float rank and the price text. An update of a known
price is one dictionary store.

Why a float may order levels: conversion of a decimal text to float is correctly rounded, hence monotone:
a < b implies float(a) <= float(b). Equal floats are a tie and are decided by the decimals themselves, so
prices are never put in the wrong order and never merged. No float leaves this module.

``_levels.pyx`` is the same, compiled; ``kernel`` picks. Both pass the same tests.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from twap_models.exact_json import SENT
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import TextLevel

_INFINITY: Final = float("inf")
_SURE: Final = 19
"""Characters that are within the bounds, wherever the point is."""


class Levels:
    """The levels of one side. ``sign`` is 1 where the highest price is the best (bids), -1 for asks."""

    __slots__ = ("_levels", "_ranks", "_sign", "_texts", "marks")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._levels: dict[str, str] = {}
        self._ranks: list[float] = []
        self._texts: list[str] = []
        self.marks: dict[str, int] = {}
        """By price text; a mark goes when its level is removed by ``apply``."""

    def __len__(self) -> int:
        """Count the levels."""
        return len(self._texts)

    def apply(self, changes: Iterable[TextLevel]) -> None:
        """Store each level in order; a quantity of zero removes, an unknown removal is normal.

        Raises:
            WireFormatError: a price is not a positive plain decimal, or a quantity no plain one; levels
                before it were applied.
        """
        levels = self._levels
        for price, quantity in changes:
            if not _is_plain(quantity):
                raise WireFormatError("a quantity is not a number")
            if quantity.strip("0."):
                if price in levels:
                    levels[price] = quantity
                else:
                    self._insert(price, quantity)
            elif price in levels:
                self._remove(price)
            else:
                self._remove_unknown(price)

    def empty(self) -> None:
        """Drop every level; marks stay."""
        self._levels, self._ranks, self._texts = {}, [], []

    def truncate(self, depth: int) -> None:
        """Drop all but the best ``depth`` levels; marks stay."""
        excess = len(self._texts) - depth
        if excess <= 0:
            return
        for text in self._texts[:excess]:
            del self._levels[text]
        del self._texts[:excess]
        del self._ranks[:excess]

    def top(self, n: int) -> list[TextLevel]:
        """Return at most ``n`` levels, best first."""
        levels = self._levels
        return [(text, levels[text]) for text in self._texts[: -n - 1 : -1]]

    def walk(self) -> Iterator[TextLevel]:
        """Yield all levels, best first; read it before they change again."""
        return ((text, self._levels[text]) for text in reversed(self._texts))

    def find(self, price: str) -> str | None:
        """Return the text under which a price of this value is kept."""
        rank, value = self._rank(price), Decimal(price)
        at = bisect_left(self._ranks, rank)
        while at < len(self._ranks) and self._ranks[at] == rank:
            if Decimal(self._texts[at]) == value:
                return self._texts[at]
            at += 1
        return None

    def may_hold(self, price: str) -> bool:
        """Tell whether a level of this value is here, or would lie beyond the worst one."""
        return not self._ranks or self._rank(price) < self._ranks[0] or self.find(price) is not None

    def meets(self, asks: "Levels") -> bool:
        """Tell whether these bids' best is at or above the best ask. Two float reads, usually."""
        if not self._ranks or not asks._ranks or self._ranks[-1] < -asks._ranks[-1]:
            return False
        return self._ranks[-1] > -asks._ranks[-1] or Decimal(self._texts[-1]) >= Decimal(asks._texts[-1])

    def _insert(self, price: str, quantity: str) -> None:
        ranks = self._ranks
        rank = self._rank(price)
        at = bisect_left(ranks, rank)
        if at < len(ranks) and ranks[at] == rank:
            same = self.find(price)
            if same is not None:
                self._levels[same] = quantity
                return
            at = self._among_ties(at, rank, Decimal(price))
        ranks.insert(at, rank)
        self._texts.insert(at, price)
        self._levels[price] = quantity

    def _among_ties(self, at: int, rank: float, price: Decimal) -> int:
        while at < len(self._ranks) and self._ranks[at] == rank:
            other = Decimal(self._texts[at])
            if other > price if self._sign > 0 else other < price:
                break
            at += 1
        return at

    def _remove(self, price: str) -> None:
        del self._levels[price]
        at = bisect_left(self._ranks, self._sign * float(price))
        while self._texts[at] != price:
            at += 1
        del self._ranks[at]
        del self._texts[at]
        if self.marks:
            self.marks.pop(price, None)

    def _remove_unknown(self, price: str) -> None:
        same = self.find(price)
        if same is not None:
            self._remove(same)
        if self.marks:
            self.marks.pop(price, None)

    def _rank(self, price: str) -> float:
        if not _is_plain(price):
            raise WireFormatError("a price is not a positive number")
        value = float(price)
        if not 0 < value < _INFINITY:
            raise WireFormatError("a price is not a positive number")
        return self._sign * value


def _is_plain(number: str) -> bool:
    """Whether it is a plain decimal, and within the bounds of what the server can say of it exactly."""
    if not (number.isascii() and number.replace(".", "", 1).isdigit()):
        return False
    return len(number) <= _SURE or _is_within(number)


def _is_within(number: str) -> bool:
    whole, _, part = number.partition(".")
    return len(part) <= SENT.exponent and len(whole) + len(part) <= SENT.digits
