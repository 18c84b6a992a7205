"""What each simulated exchange answers to requests that it refuses, or takes and leaves unanswered."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from support.collector.stepped import SMALL, SteppedSource
from twap_server.clock import SystemClock
from twap_server.venue.registry import PROTOCOLS
from twap_server.venue.server import Venue

BY_NAME = {one.name: one for one in PROTOCOLS}
SOCKETS: list[tuple[str, str, str]] = [
    (
        "bybit",
        '{"req_id":"1","op":"subscribe","args":["orderbook.50.NOPE"]}',
        "Invalid symbol :[orderbook.50.NOPE]",
    ),
    ("bybit", '{"op":"subscribe","args":["orderbook.500.BTCUSDT"]}', "error:handler not found"),
    ("bybit", json.dumps({"op": "subscribe", "args": ["publicTrade.BTCUSDT"] * 11}), "args size >10"),
    ("bybit", "hello", "Params Error"),
    ("bybit-linear", json.dumps({"op": "subscribe", "args": ["publicTrade.BTCUSDT"] * 11}), '"ret_msg":""'),
    ("gate", "hello", '"code":1'),
    (
        "gate",
        '{"time":1,"id":7,"channel":"spot.order_book_update","event":"subscribe","payload":["NO_PE","100ms"]}',
        '"code":2',
    ),
    ("gate", '{"channel":"spot.obu","event":"subscribe","payload":["ob.NO_PE.50"]}', '"status":"success"'),
    (
        "kucoin",
        '{"id":"1","action":"subscribe","channel":"obu","tradeType":"SPOT","symbol":["A"]}',
        '"result":false',
    ),
    (
        "kucoin",
        '{"id":"1","action":"subscribe","channel":"trade","tradeType":"SPOT","symbol":"NO-PE"}',
        '"result":true',
    ),
    ("binance-usdm", '{"method":"SUBSCRIBE","params":["btcusdt@kline_1m"],"id":1}', '"result":null'),
    ("binance-usdm", "hello", '"code":3'),
    (
        "coinbase",
        '{"type":"subscribe","product_ids":["NO-PE"],"channel":"level2"}',
        "invalid product_id: NO-PE",
    ),
    ("coinbase", '{"type":"subscribe","product_ids":["BTC-USDT"],"channel":"nope"}', '"type":"error"'),
    (
        "coinbase-exchange",
        '{"type":"subscribe","product_ids":["BTC-USD","NO-PE"],"channels":["matches"]}',
        "NO-PE is not a valid product",
    ),
    (
        "coinbase-exchange",
        '{"type":"subscribe","product_ids":["BTC-USD"],"channels":["level2"]}',
        "require authentication",
    ),
    ("bitstamp", "hello", "Incorrect JSON format."),
    (
        "bitstamp",
        '{"event":"bts:subscribe","data":{"channel":"order_book_BTC/USD"}}',
        "Bad subscription string.",
    ),
    (
        "bitstamp",
        '{"event":"bts:subscribe","data":{"channel":"order_book_nope"}}',
        '"event":"bts:subscription_succeeded"',
    ),
    (
        "bitfinex",
        '{"event":"subscribe","channel":"book","symbol":"tNOPE"}',
        '"msg":"symbol: invalid","code":10300',
    ),
    (
        "bitfinex",
        '{"event":"subscribe","channel":"book","symbol":"tBTCUST","len":"7"}',
        '"msg":"length: invalid"',
    ),
    ("bitfinex", '{"event":"unsubscribe","chanId":5}', '"code":10400'),
    ("okx", '{"op":"subscribe","args":[{"channel":"books","instId":"NO-PE"}]}', '"code":"60018"'),
]
REST: list[tuple[str, str, int, str]] = [
    ("bybit", "/v5/market/kline?category=spot&symbol=NOPE&interval=1", 200, '"retCode":10001'),
    ("bybit", "/v5/market/kline?symbol=BTCUSDT&interval=1", 200, "Category is invalid"),
    ("bybit-linear", "/v5/market/kline?category=spot&symbol=BTCUSDT&interval=1", 200, "Category is invalid"),
    ("gate", "/spot/candlesticks?currency_pair=NO_PE", 400, "INVALID_CURRENCY_PAIR"),
    ("gate", "/spot/candlesticks?currency_pair=BTC_USDT&limit=5&from=1", 400, "INVALID_PARAM_VALUE"),
    ("gate", "/spot/candlesticks?currency_pair=BTC_USDT&interval=1m&from=1&to=2", 400, "INVALID_PARAM_VALUE"),
    ("kucoin", "/api/v1/market/candles?symbol=NO-PE&type=1min", 200, '"code":"400100"'),
    ("binance-usdm", "/fapi/v1/depth?symbol=NOPE", 400, '"code":-1121'),
    ("binance-usdm", "/fapi/v1/depth?symbol=BTCUSDT&limit=7", 400, '"code":-4021'),
    ("coinbase", "/api/v3/brokerage/market/products/NO-PE/candles", 404, '"error":"NOT_FOUND"'),
    (
        "coinbase",
        "/api/v3/brokerage/market/products/BTC-USDT/candles?granularity=ONE_MINUTE&start=0&end=21060",
        400,
        "INVALID_ARGUMENT",
    ),
    ("coinbase-exchange", "/products/NO-PE/candles", 404, "NotFound"),
    ("coinbase-exchange", "/products/BTC-USD/candles?granularity=60&start=0&end=18060", 400, "exceeds 300"),
    ("bitstamp", "/api/v2/ohlc/nope/?step=60&limit=1", 404, "<html>"),
    ("bitstamp", "/api/v2/ohlc/btcusd/?step=61&limit=1", 400, "Invalid step"),
    ("bitfinex", "/candles/trade:1m:tBTCUST/hist?limit=10001", 500, '["error",10020,"limit: invalid"]'),
    ("okx", "/api/v5/market/books?instId=NO-PE", 200, '"code":"51001"'),
]


@pytest.mark.parametrize(("name", "asked", "told"), SOCKETS)
async def test_a_request_on_the_stream_is_answered_in_its_words(name: str, asked: str, told: str) -> None:
    async with venue(name) as running, connect(address(running, name)) as socket, asyncio.timeout(10):
        await socket.send(asked)
        while told not in (answer := await socket.recv(decode=True)):
            greets = any(word in answer for word in ("welcome", '"event":"info"'))
            assert greets, answer


@pytest.mark.parametrize(("name", "path", "status", "told"), REST)
async def test_a_request_over_rest_is_refused_in_its_words(
    name: str, path: str, status: int, told: str
) -> None:
    async with venue(name) as running, httpx.AsyncClient() as client:
        answer = await client.get(running.urls()[name]["rest_url"] + path)
    assert answer.status_code == status
    assert told in answer.text


async def test_bitstamp_closes_on_a_long_message() -> None:
    async with venue("bitstamp") as running, connect(address(running, "bitstamp")) as socket:
        await socket.send("x" * 512)
        assert await code_of_close(socket) == 1009


async def test_binance_usdm_closes_on_too_many_messages() -> None:
    async with venue("binance-usdm") as running, connect(address(running, "binance-usdm")) as socket:
        for number in range(11):
            await socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        assert await code_of_close(socket) == 1008


async def test_bitfinex_opens_no_channel_twice() -> None:
    async with venue("bitfinex") as running, connect(address(running, "bitfinex")) as socket:
        asked = {"event": "subscribe", "channel": "trades", "symbol": "tBTCUST"}
        await socket.send(json.dumps(asked))
        await socket.send(json.dumps(asked))
        assert await next_error(socket) == 10_301


def venue(name: str) -> Venue:
    return Venue(SteppedSource(BY_NAME[name], SMALL), clock=SystemClock())


def address(running: Venue, name: str) -> str:
    url = running.urls()[name]["ws_url"]
    return f"{url}/stream" if name == "binance-usdm" else url


async def code_of_close(socket: ClientConnection) -> int:
    try:
        async with asyncio.timeout(10):
            while True:
                await socket.recv()
    except ConnectionClosed as error:
        assert error.rcvd is not None
        return error.rcvd.code


async def next_error(socket: ClientConnection) -> int:
    async with asyncio.timeout(10):
        while True:
            told: Any = json.loads(await socket.recv())
            if isinstance(told, dict) and told["event"] == "error":
                return int(told["code"])
