"""An exchange that counts contracts, from its frames to what a user sees: all of it is base currency."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from support.live import serving, signed_in, until_listed
from twap_client import TwapClient
from twap_models import BookMessage, OrderStatus

MULTIPLIER = Decimal("0.01")
ASKS = {"60001": "3", "60002": "40.5", "60010": "1000"}
"""In contracts."""
WHOLE = Decimal("0.03") + Decimal("0.405")
"""What the two best asks hold, in bitcoin."""
SWAP = {
    "instType": "SWAP", "instId": "BTC-USDT-SWAP", "uly": "BTC-USDT", "settleCcy": "USDT", "ctType": "linear",
    "ctVal": str(MULTIPLIER), "ctMult": "1", "ctValCcy": "BTC", "baseCcy": "", "quoteCcy": "",
    "tickSz": "0.1", "lotSz": "0.1", "minSz": "0.1", "state": "live",
}  # fmt: skip
SPOT = {
    "instType": "SPOT", "instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT", "tickSz": "0.1",
    "lotSz": "0.00000001", "minSz": "0.00001", "state": "live",
}  # fmt: skip
ONE_CANDLE = ["1767225600000", "60000", "60010", "59990", "60001", "1250", "12.5", "750012.5", "1"]


class ScriptedOkx:
    """A swap, whose book never changes, and its spot."""

    def __init__(self) -> None:
        self.port = 0

    @property
    def urls(self) -> dict[str, dict[str, str]]:
        address = f"127.0.0.1:{self.port}"
        return {"okx": {"ws_url": f"ws://{address}/ws", "rest_url": f"http://{address}"}}

    def respond(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/ws"):
            return None
        data: list[Any] = []
        if "instType=SWAP" in request.path:
            data = [SWAP]
        elif "instType=SPOT" in request.path:
            data = [SPOT]
        elif "/candles" in request.path:
            data = [ONE_CANDLE]
        body = json.dumps({"code": "0", "msg": "", "data": data}).encode()
        headers = Headers({"Content-Length": str(len(body)), "Connection": "close"})
        return Response(200, "OK", headers, body)

    async def serve(self, socket: ServerConnection) -> None:
        async for text in socket:
            if text == "ping":
                await socket.send("pong")
                continue
            request = json.loads(text)
            for arg in request["args"]:
                await socket.send(json.dumps({"id": request["id"], "event": request["op"], "arg": arg}))
                await socket.send(json.dumps({"arg": arg, **self._data(arg["channel"])}))

    def _data(self, channel: str) -> dict[str, Any]:
        if channel != "books":
            return {"data": []}
        levels = [[price, size, "0", "1"] for price, size in ASKS.items()]
        book = {"asks": levels, "bids": [["60000", "700", "0", "2"]], "ts": "1767225600123"}
        return {"action": "snapshot", "data": [book | {"seqId": 7, "prevSeqId": -1}]}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[TwapClient]:
    async with trading(tmp_path) as found:
        yield found


@asynccontextmanager
async def trading(folder: Path) -> AsyncIterator[TwapClient]:
    """A client of a server that collects the swap; no silence is too long."""
    okx, collector = ScriptedOkx(), {"silence_s": 60, "borne_silence_ms": 60_000}
    async with websockets.serve(okx.serve, "127.0.0.1", 0, process_request=okx.respond) as server:
        okx.port = next(iter(server.sockets)).getsockname()[1]
        async with serving(folder, okx.urls, collector=collector) as url, signed_in(url) as found:
            await until_listed(url, "okx")
            yield found


def in_base(*prices: str) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(one), Decimal(ASKS[one]) * MULTIPLIER) for one in prices]


async def test_what_a_user_sees_and_fills_from_is_base_currency(client: TwapClient) -> None:
    (spot,) = await client.market.symbols("okx", kind="spot")
    (listed,) = await client.market.symbols("okx", kind="perpetual")
    assert (spot.symbol, spot.contract_size) == ("BTC-USDT", Decimal(1))
    assert (listed.symbol, str(listed.kind)) == ("BTC-USDT-PERP", "perpetual")
    assert (listed.contract_size, listed.lot_size) == (MULTIPLIER, Decimal("0.001"))

    shown = await client.market.orderbook("okx", "BTC-USDT-SWAP")
    assert [(one.price, one.quantity) for one in shown.asks] == in_base(*ASKS)
    assert [(one.price, one.quantity) for one in shown.bids] == [(Decimal(60000), Decimal(7))]
    merged = await client.market.orderbook("aggregate", "BTC-USDT-PERP")
    assert [(one.price, one.quantity) for one in merged.asks] == in_base(*ASKS)
    async for message in client.stream(["okx:BTC-USDT-PERP"]):
        if isinstance(message, BookMessage) and message.status == "live":
            assert [(one.price, one.quantity) for one in message.asks] == in_base(*ASKS)
            break
    (candle,) = await client.market.klines("okx", "BTC-USDT-PERP", interval="1m", limit=1)
    assert candle.volume == Decimal("12.5")

    terms: dict[str, Any] = {
        "exchange": "okx",
        "symbol": "BTC-USDT-SWAP",
        "side": "buy",
        "limit_price": "60002",
    }
    asked = {**terms, "duration": 1, "slices": 1}
    preview = await client.orders.preview(**asked, quantity="0.5", token_id="preview")
    assert preview.expected_cost is not None
    assert preview.expected_cost.sweep.filled_quantity == WHOLE
    await client.orders.submit(**asked, quantity="0.5", token_id="first")
    await client.orders.wait_until_closed("first", timeout=60)
    done = await client.orders.get("first")
    assert (done.status, done.filled_quantity) == (OrderStatus.EXPIRED, WHOLE)
    assert [(one.price, one.quantity) for one in done.fills] == in_base("60001", "60002")
    await client.orders.submit(**asked, quantity="0.5", token_id="second")
    again = await client.orders.wait_until_closed("second", timeout=60)
    assert again.filled_quantity < WHOLE, "what the first one took is not there at once"
