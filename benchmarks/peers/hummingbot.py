"""hummingbot: its order book, a C++ ``std::set`` behind Cython, fed as its connectors do.

orjson decodes, an ``OrderBookMessage`` turns the levels into rows, ``apply_diffs`` takes them. The book is
compiled by ``benchmarks.peers.build_hummingbot``.
"""

import json
import sys
from itertools import islice
from types import ModuleType
from typing import Any

from benchmarks.books.contender import Book
from benchmarks.peers.build_hummingbot import VERSION
from benchmarks.peers.peer import Handle, Peer


class Hummingbot(Peer):
    """Prices and sizes are floats."""

    label = f"hummingbot {VERSION}"

    def set_up(self) -> None:
        _stand_in_for_connectors()
        import orjson
        from hummingbot.core.data_type.order_book import OrderBook
        from hummingbot.core.data_type.order_book_message import OrderBookMessage, OrderBookMessageType

        self._make_book, self._message, self._type = OrderBook, OrderBookMessage, OrderBookMessageType
        self._loads = orjson.loads

    def load(self, symbol: str, text: str) -> Any:
        body = json.loads(text)
        content = {"trading_pair": symbol, "update_id": 0, "bids": body["bids"], "asks": body["asks"]}
        message = self._message(self._type.SNAPSHOT, content, timestamp=0.0)
        book = self._make_book()
        book.apply_snapshot(message.bids, message.asks, 0)
        return book

    def binance(self) -> Handle:
        books, loads, message, diff = self.books, self._loads, self._message, self._type.DIFF

        def handle(text: str) -> Any:
            data = loads(text)["data"]
            symbol = data["s"]
            content = {"trading_pair": symbol, "update_id": data["u"], "bids": data["b"], "asks": data["a"]}
            found = message(diff, content, timestamp=0.0)
            book = books[symbol]
            book.apply_diffs(found.bids, found.asks, data["u"])
            return book

        return handle

    def coinbase(self) -> Handle:
        books, loads, message, diff = self.books, self._loads, self._message, self._type.DIFF

        def handle(text: str) -> Any:
            data = loads(text)
            symbol = data["product_id"]
            bids: list[tuple[str, str]] = []
            asks: list[tuple[str, str]] = []
            for side, price, size in data["changes"]:
                (bids if side == "buy" else asks).append((price, size))
            content = {"trading_pair": symbol, "update_id": 1, "bids": bids, "asks": asks}
            found = message(diff, content, timestamp=0.0)
            book = books[symbol]
            book.apply_diffs(found.bids, found.asks, 1)
            return book

        return handle

    @staticmethod
    def top(book: Any) -> Book:
        return list(islice(book.bid_entries(), 10)), list(islice(book.ask_entries(), 10))


def _stand_in_for_connectors() -> None:
    """Its fee model imports two names of the connectors, which need hundreds of packages; no book does."""
    utils = ModuleType("hummingbot.connector.utils")
    utils.combine_to_hb_trading_pair = utils.split_hb_trading_pair = None  # type: ignore[attr-defined]
    sys.modules["hummingbot.connector"] = ModuleType("hummingbot.connector")
    sys.modules["hummingbot.connector.utils"] = utils
