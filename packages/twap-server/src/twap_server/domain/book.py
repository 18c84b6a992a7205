"""The order book of one instrument: exact, and fast enough for every message of every exchange.

Prices and quantities stay the exchange's own text; a ``Decimal`` is made only when somebody reads. Each
side keeps ``price text -> quantity text`` and two parallel lists, worst level first, best level last: a
float rank and the price text. An update of a known price is one dictionary store.

Why a float may order levels: conversion of a decimal text to float is correctly rounded, hence monotone:
a < b implies float(a) <= float(b). Equal floats are a tie and are decided by comparing Decimals, so prices
are never put in the wrong order and never merged. No float leaves this module.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import count
from typing import Final

from twap_models.enums import Side
from twap_server.domain.errors import WireFormatError
from twap_server.domain.market import BookChange, BookSnapshot, PriceLevel, TextLevel

_MAX_MARKS: Final = 10_000
_INFINITY: Final = float("inf")


class OrderBook:
    """Bids and asks of one instrument. Not thread-safe; made for one event loop."""

    __slots__ = ("_asks", "_bids", "_generations")

    def __init__(self) -> None:
        self._generations = count(1)
        self._bids = _Half(sign=1)
        self._asks = _Half(sign=-1)

    def __len__(self) -> int:
        """Count the levels of both sides."""
        return len(self._bids.texts) + len(self._asks.texts)

    def replace(self, snapshot: BookSnapshot) -> None:
        """Forget everything and take the snapshot's levels.

        Marks stay where the level is still there, or lies beyond the snapshot's worst price.

        Raises:
            WireFormatError: a price is not a positive plain decimal; the book is then empty, marks stay.
        """
        try:
            self._bids.replace(snapshot.bids)
            self._asks.replace(snapshot.asks)
        except WireFormatError:
            self.empty()
            raise

    def apply(self, change: BookChange) -> None:
        """Store each changed level in order; a zero quantity removes, an unknown removal is normal.

        Raises:
            WireFormatError: a new price is not a positive plain decimal; levels before it were applied.
        """
        self._bids.apply(change.bids)
        self._asks.apply(change.asks)

    def take_over(self, other: "OrderBook") -> None:
        """Continue with the levels of ``other``, keeping own marks; ``other`` must not be used afterwards."""
        self._bids.take_over(other._bids)
        self._asks.take_over(other._asks)

    def truncate(self, depth: int) -> None:
        """Drop all but the best ``depth`` levels of each side.

        Marks stay (the exchange did not remove them).
        """
        self._bids.truncate(depth)
        self._asks.truncate(depth)

    def empty(self) -> None:
        """Drop every level; marks stay (the exchange did not remove them)."""
        self._bids.empty()
        self._asks.empty()

    def top_text(self, n: int) -> tuple[list[TextLevel], list[TextLevel]]:
        """Return at most ``n`` bids and asks, best first, as the exchange's text."""
        return self._bids.top(n), self._asks.top(n)

    def top(self, n: int) -> tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...]]:
        """Return at most ``n`` bids and asks, best first.

        Raises:
            WireFormatError: a quantity is not a number.
        """
        return tuple(_levels(self._bids.top(n))), tuple(_levels(self._asks.top(n)))

    def best_bid(self) -> PriceLevel | None:
        """Return the highest bid, None when there is none."""
        return next(_levels(self._bids.top(1)), None)

    def best_ask(self) -> PriceLevel | None:
        """Return the lowest ask, None when there is none."""
        return next(_levels(self._asks.top(1)), None)

    def crossed(self) -> bool:
        """Tell whether the best bid is at or above the best ask (locked counts). Two float reads, usually."""
        bids, asks = self._bids.ranks, self._asks.ranks
        if not bids or not asks or bids[-1] < -asks[-1]:
            return False
        return bids[-1] > -asks[-1] or Decimal(self._bids.texts[-1]) >= Decimal(self._asks.texts[-1])

    def walk(self, side: Side) -> Iterator[PriceLevel]:
        """Yield the levels a taker of ``side`` takes (a buy: asks, a sell: bids), best first.

        Read it before the book changes again: it does not copy.

        Raises:
            WireFormatError: a quantity is not a number.
        """
        half = self._taken_by(side)
        return _levels((text, half.levels[text]) for text in reversed(half.texts))

    def mark(self, side: Side, price: Decimal) -> int:
        """Return the generation of a level on the side a taker of ``side`` takes; give it one if need be.

        Stable until the exchange removes the level; then the next mark is a new, larger number. At most
        10,000 marks a side are kept, the oldest is forgotten first.
        """
        half = self._taken_by(side)
        text = half.find(price) or format(price, "f")
        known = half.marks.get(text)
        if known is not None:
            return known
        if len(half.marks) >= _MAX_MARKS:
            del half.marks[next(iter(half.marks))]
        generation = half.marks[text] = next(self._generations)
        return generation

    def generation(self, side: Side, price: Decimal) -> int | None:
        """Return the mark of a level on the side a taker of ``side`` takes, None when it has none."""
        half = self._taken_by(side)
        return half.marks.get(half.find(price) or format(price, "f"))

    def _taken_by(self, side: Side) -> "_Half":
        return self._asks if side is Side.BUY else self._bids


class _Half:
    """One side. ``ranks`` and ``texts`` are parallel, worst first."""

    __slots__ = ("levels", "marks", "ranks", "sign", "texts")

    def __init__(self, *, sign: int) -> None:
        self.sign = sign
        self.levels: dict[str, str] = {}
        self.ranks: list[float] = []
        self.texts: list[str] = []
        self.marks: dict[str, int] = {}

    def apply(self, changes: Iterable[TextLevel]) -> None:
        levels = self.levels
        for price, quantity in changes:
            if quantity.strip("0."):
                if price in levels:
                    levels[price] = quantity
                else:
                    self._insert(price, quantity)
            elif price in levels:
                self._remove(price)
            else:
                self._remove_unknown(price)

    def replace(self, levels: Iterable[TextLevel]) -> None:
        self.empty()
        marks, self.marks = self.marks, {}
        try:
            self.apply(levels)
        except WireFormatError:
            self.marks = marks
            raise
        self.marks = self._surviving(marks)

    def empty(self) -> None:
        self.levels, self.ranks, self.texts = {}, [], []

    def take_over(self, other: "_Half") -> None:
        self.levels, self.ranks, self.texts = other.levels, other.ranks, other.texts
        self.marks = self._surviving(self.marks)

    def truncate(self, depth: int) -> None:
        excess = len(self.texts) - depth
        if excess <= 0:
            return
        for text in self.texts[:excess]:
            del self.levels[text]
        del self.texts[:excess]
        del self.ranks[:excess]

    def top(self, n: int) -> list[TextLevel]:
        levels = self.levels
        return [(text, levels[text]) for text in self.texts[: -n - 1 : -1]]

    def find(self, price: Decimal) -> str | None:
        """Return the text under which a price of this value is kept."""
        rank = self.sign * float(price)
        at = bisect_left(self.ranks, rank)
        while at < len(self.ranks) and self.ranks[at] == rank:
            if Decimal(self.texts[at]) == price:
                return self.texts[at]
            at += 1
        return None

    def _insert(self, price: str, quantity: str) -> None:
        ranks = self.ranks
        rank = self._rank(price)
        at = bisect_left(ranks, rank)
        if at < len(ranks) and ranks[at] == rank:
            same = self.find(Decimal(price))
            if same is not None:
                self.levels[same] = quantity
                return
            at = self._among_ties(at, rank, Decimal(price))
        ranks.insert(at, rank)
        self.texts.insert(at, price)
        self.levels[price] = quantity

    def _among_ties(self, at: int, rank: float, price: Decimal) -> int:
        while at < len(self.ranks) and self.ranks[at] == rank:
            other = Decimal(self.texts[at])
            if other > price if self.sign > 0 else other < price:
                break
            at += 1
        return at

    def _remove(self, price: str) -> None:
        del self.levels[price]
        at = bisect_left(self.ranks, self.sign * float(price))
        while self.texts[at] != price:
            at += 1
        del self.ranks[at]
        del self.texts[at]
        if self.marks:
            self.marks.pop(price, None)

    def _remove_unknown(self, price: str) -> None:
        rank = self._rank(price)
        at = bisect_left(self.ranks, rank)
        if at < len(self.ranks) and self.ranks[at] == rank:
            same = self.find(Decimal(price))
            if same is not None:
                self._remove(same)
        if self.marks:
            self.marks.pop(price, None)

    def _rank(self, price: str) -> float:
        try:
            value = float(price)
        except ValueError:
            raise WireFormatError("a price is not a number") from None
        if not 0 < value < _INFINITY or not price.isascii() or "_" in price:
            raise WireFormatError("a price is not a positive number")
        return self.sign * value

    def _surviving(self, marks: dict[str, int]) -> dict[str, int]:
        worst = self.ranks[0] if self.ranks else _INFINITY
        return {
            text: mark
            for text, mark in marks.items()
            if text in self.levels or self.sign * float(text) < worst
        }


def _levels(texts: Iterable[TextLevel]) -> Iterator[PriceLevel]:
    try:
        for price, quantity in texts:
            yield PriceLevel(Decimal(price), Decimal(quantity))
    except InvalidOperation:
        raise WireFormatError("a quantity is not a number") from None
