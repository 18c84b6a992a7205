"""Coinbase's Exchange feed on loopback: what it acknowledges, refuses and sends after a subscription.

From the manual and the recording, without a look at the adapter. It plays a recording once its products are
subscribed, or sends what a test says. Acknowledgements list everything, name no request and call the book
``level2_50``; a refusal names no request either.
"""

import json
from collections.abc import AsyncIterator, Iterator, Sequence, Set
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import websockets
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from support.recordings import rows

TIME = "2026-01-01T00:00:00.000001Z"


def recorded(path: Path) -> Iterator[str]:
    """The recording's received messages without its acknowledgements: the venue gives its own."""
    for row in rows(path):
        if row["dir"] == "in" and not row["raw"].startswith('{"type":"subscriptions"'):
            yield row["raw"]


def product(base: str, quote: str = "USD") -> dict[str, str]:
    return {
        "id": f"{base}-{quote}",
        "base_currency": base,
        "quote_currency": quote,
        "quote_increment": "0.01",
        "base_increment": "0.001",
        "min_market_funds": "1",
        "status": "online",
    }


PRODUCTS = json.dumps([product("BTC"), product("ETH")]).encode()


class LoopbackCoinbaseExchange:
    """The best bid's size counts the changes sent or lost, so a reader knows which book it sees."""

    def __init__(
        self, products: bytes = PRODUCTS, *, plays: Sequence[str] = (), when: Set[str] = frozenset()
    ) -> None:
        self.products = products
        self.requests: list[dict[str, Any]] = []
        self.refused = set[str]()
        self.mute_acks = False
        self.sockets: list[ServerConnection] = []
        self.sizes: dict[str, int] = {}
        self.snapshots = 0
        self._plays, self._when = plays, when
        self._port = 0

    @property
    def urls(self) -> dict[str, dict[str, str]]:
        place = f"127.0.0.1:{self._port}"
        return {"coinbase-exchange": {"ws_url": f"ws://{place}", "rest_url": f"http://{place}"}}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        async with websockets.serve(self._serve, "127.0.0.1", 0, process_request=self._respond) as server:
            self._port = server.sockets[0].getsockname()[1]
            yield self

    def change(self, product_id: str = "BTC-USD", *, price: str = "100.00") -> str:
        """The next change of a product; not sent, it is lost."""
        size = self.sizes[product_id] = self.sizes.get(product_id, 1) + 1
        changes = [["buy", price, f"{size}.0"]]
        return json.dumps({"type": "l2update", "product_id": product_id, "changes": changes, "time": TIME})

    async def send(self, *frames: str) -> None:
        for socket in self.sockets:
            for frame in frames:
                await socket.send(frame)

    def asked(self, kind: str, channel: str) -> list[str]:
        """The products of such requests, in order."""
        return [
            one
            for request in self.requests
            for one in request["product_ids"]
            if request["type"] == kind and channel in request["channels"]
        ]

    def _respond(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/":
            return None
        headers = Headers({"Content-Length": str(len(self.products)), "Connection": "close"})
        return Response(200, "OK", headers, self.products)

    async def _serve(self, socket: ServerConnection) -> None:
        channels: dict[str, dict[str, None]] = {}
        self.sockets.append(socket)
        try:
            async for text in socket:
                request = json.loads(text)
                self.requests.append(request)
                await self._answer(socket, channels, request)
        finally:
            self.sockets.remove(socket)

    async def _answer(
        self, socket: ServerConnection, channels: dict[str, dict[str, None]], request: dict[str, Any]
    ) -> None:
        wrong = self.refused & set(request["product_ids"])
        if wrong:
            reason = f"{min(wrong)} is not a valid product"
            await socket.send(
                json.dumps({"type": "error", "message": "Failed to subscribe", "reason": reason})
            )
            return
        for name in request["channels"]:
            products = channels.setdefault(name.replace("level2_batch", "level2_50"), {})
            for one in request["product_ids"]:
                products.pop(one, None)
                if request["type"] == "subscribe":
                    products[one] = None
        listed = [{"name": name, "product_ids": list(some)} for name, some in channels.items() if some]
        if not self.mute_acks:
            await socket.send(json.dumps({"type": "subscriptions", "channels": listed}))
        if request["type"] == "subscribe" and "level2_batch" in request["channels"]:
            await self._begin(socket, request["product_ids"], set(channels["level2_50"]))

    async def _begin(self, socket: ServerConnection, fresh: Sequence[str], subscribed: Set[str]) -> None:
        if self._plays:
            if subscribed == self._when:
                for frame in self._plays:
                    await socket.send(frame)
            return
        for one in fresh:
            self.snapshots += 1
            book = {"bids": [["100.00", f"{self.sizes.get(one, 1)}.0"]], "asks": [["101.00", "1.0"]]}
            await socket.send(json.dumps({"type": "snapshot", "product_id": one, **book}))
