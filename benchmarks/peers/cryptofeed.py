"""cryptofeed: the message handler of its own Binance feed, with its check of update ids and a callback.

Its Coinbase feed no longer knows the Exchange protocol of the recording, so those messages go through its
parts: yapic with Decimals, its ``OrderBook``, its normalised time, the changes it collects for callbacks.
"""

import json
from decimal import Decimal
from typing import Any

from benchmarks.books.contender import Book
from benchmarks.harness.machine import versioned
from benchmarks.peers.peer import Handle, Peer

_RECEIVED = 1.7e9


class Cryptofeed(Peer):
    """A C extension sorts lazily; prices and sizes are Decimals."""

    label = versioned("cryptofeed")

    def set_up(self) -> None:
        from cryptofeed.defines import L2_BOOK
        from cryptofeed.exchanges import Binance
        from cryptofeed.symbols import Symbols
        from cryptofeed.types import OrderBook

        async def listen(book: object, received: float) -> None:
            self._heard = book

        Symbols.set("BINANCE", {"X-Y": "XY"}, {})
        self._make_book = OrderBook
        self._make_feed = lambda: Binance(callbacks={L2_BOOK: listen})

    def load(self, symbol: str, text: str) -> Any:
        body = json.loads(text)
        bids, asks = (
            {Decimal(price): Decimal(size) for price, size, *_ in body[side]} for side in ("bids", "asks")
        )
        book = self._make_book(self.stream.exchange.upper(), symbol, max_depth=0, bids=bids, asks=asks)
        book.delta = {}
        return book

    def binance(self) -> Handle:
        feed = self._make_feed()
        feed.exchange_symbol_mapping = {symbol: symbol for symbol in self.books}
        feed.last_update_id = {
            symbol: json.loads(text)["lastUpdateId"] for symbol, text in self.stream.snapshots
        }
        feed._l2_book = self.books
        take = feed.message_handler

        def handle(text: str) -> Any:
            try:
                take(text, None, _RECEIVED).send(None)  # it never waits once the book is there
            except StopIteration:
                return self._heard
            raise RuntimeError("cryptofeed waits for something")

        return handle

    def coinbase(self) -> Handle:
        from cryptofeed.defines import ASK, BID
        from cryptofeed.exchange import Exchange
        from yapic.json import loads

        books, normal, sides = self.books, Exchange.timestamp_normalize, {"buy": BID, "sell": ASK}

        def handle(text: str) -> Any:
            message = loads(text, parse_float=Decimal)
            book = books[message["product_id"]]
            levels = book.book
            delta: dict[str, list[tuple[Decimal, Decimal]]] = {BID: [], ASK: []}
            for name, price_text, size_text in message["changes"]:
                side = sides[name]
                price, size = Decimal(price_text), Decimal(size_text)
                delta[side].append((price, size))
                if size:
                    levels[side][price] = size
                elif price in levels[side]:
                    del levels[side][price]
            book.timestamp = normal(message["time"])
            book.raw, book.delta = message, delta
            return book

        return handle

    @staticmethod
    def top(book: Any) -> Book:
        bids, asks = book.book.bids, book.book.asks
        return (
            [bids.index(at) for at in range(min(10, len(bids)))],
            [asks.index(at) for at in range(min(10, len(asks)))],
        )
