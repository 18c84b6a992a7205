"""nautilus_trader: its Rust order book through ``nautilus_pyo3``; orjson decodes, deltas are made in Python.

The book behind its Cython layer copies a whole side for each top and is slower in every mode. Update ids are
not checked, in its favour.
"""

import json
from collections.abc import Callable
from typing import Any

from benchmarks.books.contender import Book
from benchmarks.harness.machine import versioned
from benchmarks.peers.peer import Handle, Peer


class Nautilus(Peer):
    """Fixed-point prices in a BTreeMap."""

    label = versioned("nautilus_trader") + " (pyo3)"

    def set_up(self) -> None:
        import orjson
        from nautilus_trader.core import nautilus_pyo3

        self._n = nautilus_pyo3
        self._loads = orjson.loads

    def load(self, symbol: str, text: str) -> Any:
        body, n = json.loads(text), self._n
        instrument = n.InstrumentId.from_str(f"{symbol}.X")
        book, make = n.OrderBook(instrument, n.BookType.L2_MBP), self._maker()
        for side, name in ((n.OrderSide.BUY, "bids"), (n.OrderSide.SELL, "asks")):
            for price, size, *_ in body[name]:
                book.apply_delta(make(instrument, side, price, size))
        return book

    def binance(self) -> Handle:
        n, books, loads, make = self._n, self.books, self._loads, self._maker()
        ids, several = self._ids(), n.OrderBookDeltas
        buy, sell = n.OrderSide.BUY, n.OrderSide.SELL

        def handle(text: str) -> Any:
            data = loads(text)["data"]
            symbol = data["s"]
            book, instrument = books[symbol], ids[symbol]
            deltas = [make(instrument, buy, price, size) for price, size in data["b"]]
            deltas += [make(instrument, sell, price, size) for price, size in data["a"]]
            if deltas:
                book.apply_deltas(several(instrument, deltas))
            return book

        return handle

    def coinbase(self) -> Handle:
        books, loads, make, ids = self.books, self._loads, self._maker(), self._ids()
        buy, sell = self._n.OrderSide.BUY, self._n.OrderSide.SELL

        def handle(text: str) -> Any:
            message = loads(text)
            symbol = message["product_id"]
            book, instrument = books[symbol], ids[symbol]
            for side, price, size in message["changes"]:
                book.apply_delta(make(instrument, buy if side == "buy" else sell, price, size))
            return book

        return handle

    def _ids(self) -> dict[str, Any]:
        return {symbol: self._n.InstrumentId.from_str(f"{symbol}.X") for symbol in self.books}

    def _maker(self) -> Callable[[Any, Any, str, str], Any]:
        n = self._n
        delta, order, price_of, size_of = n.OrderBookDelta, n.BookOrder, n.Price.from_str, n.Quantity.from_str
        update, delete = n.BookAction.UPDATE, n.BookAction.DELETE

        def make(instrument: Any, side: Any, price: str, size_text: str) -> Any:
            size = size_of(size_text)
            action = update if size.raw else delete
            return delta(instrument, action, order(side, price_of(price), size, 0), 0, 0, 0, 0)

        return make

    @staticmethod
    def top(book: Any) -> Book:
        return (
            [(one.price, one.size()) for one in book.bids(10)],
            [(one.price, one.size()) for one in book.asks(10)],
        )
