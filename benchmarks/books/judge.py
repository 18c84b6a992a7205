"""Whether a contender's books are right: a plain dictionary of Decimals, fed with the same text, decides."""

import json
from decimal import Decimal

from benchmarks.books.contender import Book, Outcome
from benchmarks.books.stream import Stream

_Half = dict[Decimal, Decimal]


class Judge:
    """Knows what every book of a stream must look like at the end."""

    def __init__(self, stream: Stream) -> None:
        self._halves: dict[str, tuple[_Half, _Half]] = {}
        for symbol, text in stream.snapshots:
            body = json.loads(text)
            halves = self._halves[symbol] = ({}, {})
            for half, name in zip(halves, ("bids", "asks"), strict=True):
                _apply(half, body[name])
        for symbol, text in stream.messages:
            for half, levels in zip(self._halves[symbol], _changes(json.loads(text)), strict=True):
                _apply(half, levels)
        self._books = {symbol: _sorted(bids, asks) for symbol, (bids, asks) in self._halves.items()}

    def objection(self, outcome: Outcome) -> str:
        """Say what is wrong with the books at the end of a run; nothing where they are right."""
        for symbol, (bids, asks) in self._books.items():
            if outcome.tops is not None and _rounded(outcome.tops[symbol]) != _rounded(
                (bids[:10], asks[:10])
            ):
                return f"its ten best levels of {symbol} differ from the others'"
            if outcome.exact is not None and _decimals(outcome.exact[symbol]) != (bids, asks):
                return f"its book of {symbol} is not exact"
        return ""


def _changes(message: dict[str, object]) -> tuple[list[list[str]], list[list[str]]]:
    match message:
        case {"data": {"b": list(bids), "a": list(asks)}}:
            return bids, asks
        case {"changes": list(changes)}:
            sides: dict[str, list[list[str]]] = {"buy": [], "sell": []}
            for side, *level in changes:
                sides[side].append(level)
            return sides["buy"], sides["sell"]
    raise ValueError("a message has no changes of a book")


def _apply(half: _Half, levels: list[list[str]]) -> None:
    for price, quantity, *_ in levels:
        if Decimal(quantity):
            half[Decimal(price)] = Decimal(quantity)
        else:
            half.pop(Decimal(price), None)


def _sorted(bids: _Half, asks: _Half) -> Book:
    return sorted(bids.items(), reverse=True), sorted(asks.items())


def _rounded(book: Book) -> list[list[tuple[float, float]]]:
    """As numbers to eight places: what contenders with floats have in common."""
    return [[(round(float(price), 8), round(float(size), 8)) for price, size, *_ in side] for side in book]


def _decimals(book: Book) -> Book:
    bids, asks = ([(Decimal(price), Decimal(size)) for price, size in side] for side in book)
    return bids, asks
