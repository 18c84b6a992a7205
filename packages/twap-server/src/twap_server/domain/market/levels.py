"""Keep one side of an order book: exact, and fast enough for every message of every exchange.

Prices and quantities stay the exchange's own text. A side keeps two parallel lists, worst level first, best
level last: a float rank, and one text of price and quantity, which takes half the memory of two. A level is
found by its rank.

Why a float may order levels: conversion of a decimal text to float is correctly rounded, hence monotone:
a < b implies float(a) <= float(b). Equal floats are a tie and are decided by the decimals themselves, so
prices are never put in the wrong order and never merged. No float leaves this module.

``_levels.pyx`` is the same, compiled; ``native`` picks. Both pass the same tests.
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

    __slots__ = ("_levels", "_ranks", "_sign", "epochs")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._ranks: list[float] = []
        self._levels: list[str] = []
        """Price, a blank, quantity."""
        self.epochs: dict[str, int] = {}
        """By price text; an epoch goes when its level is removed by ``apply``."""

    def __len__(self) -> int:
        """Count the levels."""
        return len(self._ranks)

    def apply(self, changes: Iterable[TextLevel]) -> None:
        """Store each level in order; a quantity of zero removes, an unknown removal is normal.

        Raises:
            WireFormatError: a price is not a positive plain decimal, or a quantity no plain one; levels
                before it were applied.
        """
        ranks, levels, sign = self._ranks, self._levels, self._sign
        for price, quantity in changes:
            if not _is_plain(quantity):
                raise WireFormatError("a quantity is not a number")
            try:
                rank = sign * float(price)
            except ValueError:
                raise WireFormatError("a price is not a positive number") from None
            at, start = bisect_left(ranks, rank), price + " "
            if at == len(ranks) or ranks[at] != rank:
                self._set_unknown(at, rank, price, quantity)
            elif not levels[at].startswith(start):
                self._set_tie(at, price, quantity)
            elif quantity.strip("0."):
                levels[at] = start + quantity
            else:
                self._remove(at)

    def take(self, bids: Iterable[TextLevel], asks: "Levels", changed_asks: Iterable[TextLevel]) -> bool:
        """Apply a change to these bids and to the asks; tell whether they meet then. Raises as ``apply``."""
        self.apply(bids)
        asks.apply(changed_asks)
        return self.meets(asks)

    def empty(self) -> None:
        """Drop every level; level epochs stay."""
        self._levels, self._ranks = [], []

    def truncate(self, depth: int) -> None:
        """Drop all but the best ``depth`` levels; level epochs stay."""
        excess = len(self._ranks) - depth
        if excess > 0:
            del self._levels[:excess]
            del self._ranks[:excess]

    def top(self, n: int) -> list[TextLevel]:
        """Return at most ``n`` levels, best first."""
        texts = iter(" ".join(self._levels[: -n - 1 : -1]).split(" "))
        return list(zip(texts, texts, strict=False))

    def walk(self) -> Iterator[TextLevel]:
        """Yield all levels, best first; read it before they change again."""
        return map(_pair, reversed(self._levels))

    def find(self, price: str) -> str | None:
        """Return the text under which a price of this value is kept."""
        rank = self._rank(price)
        at, is_known = self._among_ties(bisect_left(self._ranks, rank), rank, price)
        return self._price(at) if is_known else None

    def may_hold(self, price: str) -> bool:
        """Tell whether a level of this value is here, or would lie beyond the worst one."""
        return not self._ranks or self._rank(price) < self._ranks[0] or self.find(price) is not None

    def meets(self, asks: "Levels") -> bool:
        """Tell whether these bids' best is at or above the best ask. Two float reads, usually."""
        if not self._ranks or not asks._ranks or self._ranks[-1] < -asks._ranks[-1]:
            return False
        return self._ranks[-1] > -asks._ranks[-1] or Decimal(self._price(-1)) >= Decimal(asks._price(-1))

    def _set_unknown(self, at: int, rank: float, price: str, quantity: str) -> None:
        """Insert a level of a rank that is not here."""
        if not 0 < self._sign * rank < _INFINITY or not _is_plain(price):
            raise WireFormatError("a price is not a positive number")
        if quantity.strip("0."):
            self._ranks.insert(at, rank)
            self._levels.insert(at, f"{price} {quantity}")
        elif self.epochs:
            self.epochs.pop(price, None)

    def _set_tie(self, at: int, price: str, quantity: str) -> None:
        """Set a level of a rank that begins at ``at``, and whose price is not the text that is kept there."""
        rank = self._rank(price)
        at, is_known = self._among_ties(at, rank, price)
        if not is_known:
            self._set_unknown(at, rank, price, quantity)
        elif quantity.strip("0."):
            self._levels[at] = f"{self._price(at)} {quantity}"
        else:
            self._remove(at)
            if self.epochs:
                self.epochs.pop(price, None)

    def _among_ties(self, at: int, rank: float, price: str) -> tuple[int, bool]:
        """Return where among levels of its rank a price is, or belongs, and whether it is there."""
        while at < len(self._ranks) and self._ranks[at] == rank:
            value, other = Decimal(price), Decimal(self._price(at))
            if other == value:
                return at, True
            if other > value if self._sign > 0 else other < value:
                break
            at += 1
        return at, False

    def _price(self, at: int) -> str:
        return self._levels[at].partition(" ")[0]

    def _remove(self, at: int) -> None:
        if self.epochs:
            self.epochs.pop(self._price(at), None)
        del self._ranks[at]
        del self._levels[at]

    def _rank(self, price: str) -> float:
        if not _is_plain(price):
            raise WireFormatError("a price is not a positive number")
        value = float(price)
        if not 0 < value < _INFINITY:
            raise WireFormatError("a price is not a positive number")
        return self._sign * value


def _pair(level: str) -> TextLevel:
    price, _, quantity = level.partition(" ")
    return price, quantity


def _is_plain(number: str) -> bool:
    """Whether it is a plain decimal, and within the bounds of what the server can say of it exactly."""
    if not (number.isascii() and number.replace(".", "", 1).isdigit()):
        return False
    return len(number) <= _SURE or _is_within(number)


def _is_within(number: str) -> bool:
    whole, _, part = number.partition(".")
    return len(part) <= SENT.exponent and len(whole) + len(part) <= SENT.digits
