"""Kraken's WebSocket v2 and REST on loopback, from the manual: says, refuses and spoils what a test says.

The best bid's quantity counts the changes, so a reader knows which book it sees.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self
from zlib import crc32

import websockets
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

DEAD = object()
"""In ``answers``: never answer this request."""

Level = tuple[str, str]
"""A price and a quantity, in the exchange's digits."""


class Pair:
    """One pair: how its numbers are written, and what its book holds."""

    def __init__(self, base: str, quote: str = "USD", *, places: int = 1) -> None:
        self.symbol, self.altname = f"{base}/{quote}", f"{base}{quote}"
        self.places = places
        self.status = "online"
        self.changes = 1
        self.bid, self.ask = 100, 101

    def entry(self) -> dict[str, Any]:
        """As ``AssetPairs`` lists it."""
        return {
            "altname": self.altname,
            "wsname": self.symbol,
            "pair_decimals": self.places,
            "lot_decimals": 8,
            "tick_size": f"{10**-self.places:.{self.places}f}",
            "ordermin": "0.0001",
            "costmin": "0.5",
            "status": self.status,
        }

    def levels(self) -> tuple[list[Level], list[Level]]:
        """Bids and asks, one each, digits as the exchange writes them."""
        bid = (f"{self.bid:.{self.places}f}", f"{self.changes:.8f}")
        ask = (f"{self.ask:.{self.places}f}", f"{1:.8f}")
        return [bid], [ask]


class LoopbackKraken:
    """Pairs may change at any time: the stream's digits and checksums follow at once, the list when asked."""

    def __init__(self, *bases: str, beats: bool = True) -> None:
        """Args: beats: whether it says something twice a second, changes or not."""
        self._beats = beats
        self.pairs = {f"{base}/USD": Pair(base) for base in bases or ("BTC", "ETH")}
        self.system = "online"
        self.answers: dict[str, list[Any]] = {}
        """Symbol to what its next subscriptions are answered: an error's text, or ``DEAD``."""
        self.spoilt = set[str]()
        """Symbols whose checksums are wrong."""
        self.huge: dict[str, int] = {}
        """Symbol to how many bytes its snapshots have at least."""
        self.connections = 0
        self.mute = set[str]()
        """Symbols whose subscriptions are acknowledged, and nothing more is sent."""
        self.names_symbols = True
        """Whether refusals name their symbol."""
        self.sockets: list[ServerConnection] = []
        self.asked: list[tuple[str, str, str]] = []
        """(method, channel, symbol) of every request."""
        self.lists = 0
        self._port = 0

    @property
    def urls(self) -> dict[str, dict[str, str]]:
        place = f"127.0.0.1:{self._port}"
        return {"kraken": {"ws_url": f"ws://{place}", "rest_url": f"http://{place}"}}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        async with websockets.serve(self._serve, "127.0.0.1", 0, process_request=self._respond) as server:
            self._port = server.sockets[0].getsockname()[1]
            yield self

    def subscriptions(self, symbol: str) -> int:
        """How often a book was subscribed."""
        return self.asked.count(("subscribe", "book", symbol))

    async def say(self, **message: Any) -> None:
        for socket in self.sockets:
            await socket.send(json.dumps(message))

    async def turn(self, system: str) -> None:
        """Tell a new state of the exchange."""
        self.system = system
        await self.say(channel="status", type="update", data=[{"system": system}])

    async def turn_pair(self, symbol: str, status: str) -> None:
        """Tell a new state of a pair."""
        self.pairs[symbol].status = status
        data = {"assets": [], "pairs": [{"symbol": symbol, "status": status}]}
        await self.say(channel="instrument", type="update", data=data)

    async def change(self, symbol: str = "BTC/USD") -> None:
        pair = self.pairs[symbol]
        pair.changes += 1
        bids, _ = pair.levels()
        for socket in self.sockets:
            await socket.send(self._book(pair, "update", bids, []))

    def _respond(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/v2"):
            return None
        body = json.dumps(self._body(request.path)).encode()
        headers = Headers({"Content-Length": str(len(body)), "Connection": "close"})
        return Response(200, "OK", headers, body)

    def _body(self, path: str) -> dict[str, Any]:
        if "AssetPairs" in path:
            self.lists += 1
            return {"error": [], "result": {pair.altname: pair.entry() for pair in self.pairs.values()}}
        for pair in self.pairs.values():
            if f"pair={pair.altname}&" in path:
                bids, asks = pair.levels()
                book = {
                    side: [[*level, 1] for level in some] for side, some in (("bids", bids), ("asks", asks))
                }
                return {"error": [], "result": {pair.altname: book}}
        return {"error": ["EQuery:Unknown asset pair"]}

    async def _serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        self.connections += 1
        beating = asyncio.create_task(_beat(socket) if self._beats else asyncio.sleep(0))
        try:
            status = {"channel": "status", "type": "update", "data": [{"system": self.system}]}
            await socket.send(json.dumps(status))
            async for text in socket:
                await self._receive(socket, json.loads(text))
        finally:
            beating.cancel()
            self.sockets.remove(socket)

    async def _receive(self, socket: ServerConnection, request: dict[str, Any]) -> None:
        method, number, params = request["method"], request["req_id"], request.get("params", {})
        if method == "ping":
            await socket.send(json.dumps({"method": "pong", "req_id": number}))
        elif params["channel"] == "instrument":
            pairs = [{"symbol": one.symbol, "status": one.status} for one in self.pairs.values()]
            await self._answer(socket, request, channel="instrument")
            data = {"assets": [], "pairs": pairs}
            await socket.send(json.dumps({"channel": "instrument", "type": "snapshot", "data": data}))
        else:
            for symbol in params["symbol"]:
                self.asked.append((method, params["channel"], symbol))
                await self._change(socket, request, symbol)

    async def _change(self, socket: ServerConnection, request: dict[str, Any], symbol: str) -> None:
        channel, is_book = request["params"]["channel"], request["params"]["channel"] == "book"
        told: Any = None
        if request["method"] == "subscribe" and is_book and self.answers.get(symbol):
            told = self.answers[symbol].pop(0)
        if symbol not in self.pairs:
            told = f"Currency pair not supported {symbol}"
        if told is DEAD:
            return
        if told is not None:
            answer = {"method": request["method"], "success": False, "error": told}
            if self.names_symbols:
                answer["symbol"] = symbol
            await socket.send(json.dumps(answer | {"req_id": request["req_id"]}))
            return
        await self._answer(socket, request, channel=channel, symbol=symbol)
        if is_book and request["method"] == "subscribe" and symbol not in self.mute:
            text = self._book(self.pairs[symbol], "snapshot", *self.pairs[symbol].levels())
            await socket.send(text.ljust(self.huge.get(symbol, 0)))

    async def _answer(self, socket: ServerConnection, request: dict[str, Any], **result: Any) -> None:
        answer = {"method": request["method"], "success": True, "result": result}
        await socket.send(json.dumps(answer | {"req_id": request["req_id"]}))

    def _book(self, pair: Pair, kind: str, bids: Sequence[Level], asks: Sequence[Level]) -> str:
        whole_bids, whole_asks = pair.levels()
        whole = (part for level in (*whole_asks, *whole_bids) for part in level)
        text = "".join(part.replace(".", "").lstrip("0") for part in whole)
        checksum = crc32(text.encode()) + (pair.symbol in self.spoilt)
        sides = (f'"{name}":[{_levels(some)}]' for name, some in (("bids", bids), ("asks", asks)))
        data = f'{{"symbol":"{pair.symbol}",{",".join(sides)},"checksum":{checksum}}}'
        return f'{{"channel":"book","type":"{kind}","data":[{data}]}}'


async def _beat(socket: ServerConnection) -> None:
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            await socket.send('{"channel":"heartbeat"}')
            await asyncio.sleep(0.5)


def _levels(levels: Sequence[Level]) -> str:
    return ",".join(f'{{"price":{price},"qty":{quantity}}}' for price, quantity in levels)
