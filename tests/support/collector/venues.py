"""A scripted Binance on loopback: deletes, repeats, swaps and corrupts what it is told to, then goes on."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import websockets
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

INFO: dict[str, Any] = {
    "symbols": [
        {
            "symbol": f"{base}USDT",
            "status": "TRADING",
            "baseAsset": base,
            "quoteAsset": "USDT",
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001"},
            ],
        }
        for base in ("BTC", "ETH")
    ]
}


class ScriptedBinance:
    """One update id a message; the best bid's quantity is that id, so a reader knows which book it sees."""

    def __init__(self) -> None:
        self.last_id = 100
        self.sockets: list[ServerConnection] = []
        self.requests: list[Any] = []
        self.snapshots = 0
        self.snapshot_lag = 0
        self.ask = "101.00"
        self.refuse_http: tuple[int, dict[str, str]] | None = None
        self.info = INFO
        self.event_ms = 1
        self.refuse_upgrade: tuple[int, str, Headers, bytes] | None = None
        self.upgrades = 0
        self.depth_answers: list[tuple[int, Any]] = []
        """What the next requests for books are answered: status and body."""
        self.unknown = set[str]()
        """Native symbols whose books are no longer there."""
        self.mute_acks = False
        self.refused = set[str]()
        self.port = 0

    @property
    def urls(self) -> dict[str, dict[str, str]]:
        return {
            "binance": {
                "ws_url": f"ws://127.0.0.1:{self.port}",
                "rest_url": f"http://127.0.0.1:{self.port}",
            }
        }

    def change(self, symbol: str = "BTCUSDT", *, bids: list[list[str]] | None = None) -> str:
        self.last_id += 1
        levels = bids or [["100.00", f"{self.last_id}.0"]]
        data = {
            "e": "depthUpdate",
            "E": self.event_ms,
            "s": symbol,
            "U": self.last_id,
            "u": self.last_id,
            "b": levels,
            "a": [],
        }
        return json.dumps({"stream": f"{symbol.lower()}@depth@100ms", "data": data})

    async def send(self, *frames: str) -> None:
        for socket in self.sockets:
            for frame in frames:
                await socket.send(frame)

    async def step(self, count: int = 1, symbol: str = "BTCUSDT") -> None:
        for _ in range(count):
            await self.send(self.change(symbol))

    def respond(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/stream"):
            self.upgrades += 1
            return Response(*self.refuse_upgrade) if self.refuse_upgrade else None
        self.requests.append(request.path)
        if self.refuse_http is not None:
            status, more = self.refuse_http
            return Response(status, "No", Headers(more), b'{"code":-1003,"msg":"SECRET"}')
        status, answer = self.answer(request.path)
        body = json.dumps(answer).encode()
        headers = Headers({"Content-Length": str(len(body)), "Connection": "close"})
        return Response(status, "OK", headers, body)

    def answer(self, path: str) -> tuple[int, Any]:
        if "exchangeInfo" in path:
            return 200, self.info
        if "depth" in path and self.depth_answers:
            return self.depth_answers.pop(0)
        if any(f"symbol={one}&" in path for one in self.unknown):
            return 400, {"code": -1121, "msg": "Invalid symbol."}
        return 200, self.snapshot()

    def snapshot(self) -> dict[str, Any]:
        self.snapshots += 1
        at = self.last_id - self.snapshot_lag
        return {"lastUpdateId": at, "bids": [["100.00", f"{at}.0"]], "asks": [[self.ask, "1.0"]]}

    async def serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        try:
            async for text in socket:
                request = json.loads(text)
                self.requests.append(request)
                if self.mute_acks:
                    continue
                if self.refused & set(request["params"]):
                    answer = {"code": 2, "msg": "SECRET", "id": request["id"]}
                else:
                    answer = {"result": None, "id": request["id"]}
                await socket.send(json.dumps(answer))
        finally:
            self.sockets.remove(socket)


@asynccontextmanager
async def scripted() -> AsyncIterator[ScriptedBinance]:
    venue = ScriptedBinance()
    async with websockets.serve(venue.serve, "127.0.0.1", 0, process_request=venue.respond) as server:
        venue.port = server.sockets[0].getsockname()[1]
        yield venue
