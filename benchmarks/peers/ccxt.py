"""ccxt.pro: its own ``handle_order_book_message`` (Binance) and ``handle_order_book`` (Coinbase Exchange).

JSON is decoded by orjson, as ccxt does where it is installed. Its check of update ids is left out, in its
favour.
"""

import json
from typing import Any

from benchmarks.books.contender import Book
from benchmarks.harness.machine import versioned
from benchmarks.peers.peer import Handle, Peer


class Ccxt(Peer):
    """Sorted lists and bisect; prices and sizes are floats."""

    label = versioned("ccxt")

    def set_up(self) -> None:
        import ccxt.pro
        import orjson

        self._exchange = (
            ccxt.pro.binance() if self.stream.exchange == "binance" else ccxt.pro.coinbaseexchange()
        )
        self._exchange.markets, self._exchange.markets_by_id = {}, {}
        self._loads = orjson.loads

    def load(self, symbol: str, text: str) -> Any:
        body = json.loads(text)
        sides = {side: [[float(one[0]), float(one[1])] for one in body[side]] for side in ("bids", "asks")}
        book = self._exchange.order_book({}, None)
        book.reset({**sides, "symbol": symbol, "nonce": body.get("lastUpdateId", 1)})
        return book

    def binance(self) -> Handle:
        books, loads = self.books, self._loads
        apply, client = self._exchange.handle_order_book_message, _Client()

        def handle(text: str) -> Any:
            data = loads(text)["data"]
            return apply(client, data, books[data["s"]])

        return handle

    def coinbase(self) -> Handle:
        books, loads = self.books, self._loads
        take, client = self._exchange.handle_order_book, _Client()
        for symbol, book in books.items():
            market = self._market(symbol)
            self._exchange.markets[market["symbol"]] = market
            self._exchange.markets_by_id[symbol] = [market]
            self._exchange.orderbooks[market["symbol"]] = book

        def handle(text: str) -> Any:
            message = loads(text)
            take(client, message)
            return books[message["product_id"]]

        return handle

    def _market(self, symbol: str) -> dict[str, Any]:
        base, _, quote = symbol.partition("-")
        names = {"id": symbol, "symbol": f"{base}/{quote}", "base": base, "quote": quote}
        return self._exchange.safe_market_structure({**names, "type": "spot", "spot": True})

    @staticmethod
    def top(book: Any) -> Book:
        book.limit()
        return [tuple(one) for one in book["bids"][:10]], [tuple(one) for one in book["asks"][:10]]


class _Client:
    """The connection as ccxt sees it: whom to tell."""

    url = "wss://stream.binance.com:9443/ws"
    subscriptions: dict[str, Any] = {}

    def resolve(self, result: object, topic: str) -> object:
        return result
