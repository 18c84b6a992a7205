"""An order as a client writes it, and its submission."""

from typing import Any

from httpx import Response

from support.api.desk import Desk

BODY: dict[str, Any] = {
    "token_id": "a-1",
    "exchange": "binance",
    "symbol": "BTCUSDT",
    "side": "buy",
    "quantity": 1,
    "price": 100,
    "duration": 10,
    "interval": 5,
}


RAW = '{"token_id":"%s","exchange":"binance","symbol":"BTCUSDT","quantity":%s,"duration":"1m","interval":5}'


async def submit(desk: Desk, body: object, headers: dict[str, str] | None = None) -> Response:
    return await desk.http.post("/orders/twap", json=body, headers=headers or await desk.user())
