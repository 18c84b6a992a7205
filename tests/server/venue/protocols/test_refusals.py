"""What each simulated exchange answers to requests that it refuses, or takes and leaves unanswered."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from support.collector.parts import HastyClock
from support.collector.stepped import SMALL, SteppedSource
from twap_server.clock import SystemClock
from twap_server.domain.clock import Clock
from twap_server.venue.protocols import htx
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
    ("bitget", "hello", '"code":30002'),
    ("bitget", '{"op":"nope","args":[]}', '"code":30003'),
    ("bitget", '{"op":"subscribe"}', '"code":30016'),
    (
        "bitget",
        '{"op":"subscribe","args":[{"instType":"SPOT","channel":"books","instId":"NOPE"}]}',
        "instType:SPOT,channel:books,instId:NOPE doesn't exist",
    ),
    (
        "bitget",
        '{"op":"subscribe","args":[{"instType":"USDT-FUTURES","channel":"books","instId":"BTCUSDT"}]}',
        '"event":"subscribe"',
    ),
    ("bitget", "x" * 4_097, '"code":30007'),
    ("cryptocom", "[]", '"method":"ERROR"'),
    (
        "cryptocom",
        '{"id":1,"method":"subscribe","params":{"channels":["book.NO_PE.50"]}}',
        '{"id":1,"method":"subscribe","code":40003,"message":"Unknown symbol"}',
    ),
    (
        "cryptocom",
        json.dumps({"id": 1, "method": "subscribe", "params": {"channels": ["nope.BTC_USDT"]}}),
        "Unrecognized channel",
    ),
    (
        "cryptocom",
        json.dumps(
            {
                "id": 1,
                "method": "subscribe",
                "params": {
                    "channels": ["book.BTC_USDT.150"],
                    "book_subscription_type": "SNAPSHOT_AND_UPDATE",
                },
            }
        ),
        "Invalid depth",
    ),
    (
        "gemini",
        '{"id":"4","method":"subscribe","params":["btcusd@trade","nosuch@depth@100ms"]}',
        '{"id":"4","status":400,"error":{"code":-1013,"msg":"Invalid stream name: nosuch@depth@100ms"}}',
    ),
    (
        "mexc",
        '{"method":"SUBSCRIPTION","params":["spot@public.aggre.depth.v3.api.pb@100ms@NOPE"]}',
        '{"id":0,"code":0,"msg":"Not Subscribed successfully!',
    ),
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
    ("bitget", "/api/v2/spot/market/candles?symbol=NOPE&granularity=1min", 400, '"code":"40034"'),
    ("bitget", "/api/v2/spot/market/history-candles?symbol=BTCUSDT&granularity=1min", 400, "endTime"),
    ("cryptocom", "/public/get-candlestick", 400, '"code":40004'),
    ("cryptocom", "/public/get-book?instrument_name=BTC_USDT&depth=7", 400, '"code":40003'),
    ("gemini", "/v2/candles/nope/1m", 400, '"reason":"InvalidSymbol"'),
    ("htx", "/market/history/kline?symbol=nope&period=1min", 200, '"err-msg":"invalid symbol"'),
    ("htx", "/market/history/kline?symbol=btcusdt&period=1min&size=2001", 200, '"status":"error"'),
    ("mexc", "/api/v3/depth?symbol=NOPE", 400, '"code":-1121'),
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


async def test_bitget_cuts_who_does_not_ping_whatever_is_asked_for() -> None:
    async with venue("bitget", HastyClock()) as running, connect(address(running, "bitget")) as socket:
        asked = {"instType": "SPOT", "channel": "books", "instId": "BTCUSDT"}
        await socket.send(json.dumps({"op": "subscribe", "args": [asked]}))
        await is_cut(socket)


async def test_mexc_cuts_who_is_told_nothing_and_does_not_ping() -> None:
    async with venue("mexc", HastyClock()) as running, connect(address(running, "mexc")) as socket:
        channel = "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"
        await socket.send(json.dumps({"method": "SUBSCRIPTION", "params": [channel]}))
        await is_cut(socket)


@pytest.mark.parametrize(("asked", "levels"), [("-1", 150), ("5", 5), ("0", None), ("", None)])
async def test_gemini_begins_a_book_as_its_address_says(asked: str, levels: int | None) -> None:
    async with venue("gemini") as running, asyncio.timeout(10):
        url = f"{address(running, 'gemini')}?snapshot={asked}"
        async with connect(url) as socket:
            await socket.send('{"id":"1","method":"subscribe","params":["btcusd@depth@100ms"]}')
            told = json.loads(await socket.recv())
    assert (len(told["b"]) if "b" in told else None) == levels


async def test_gemini_tells_its_best_levels_each_time() -> None:
    source = SteppedSource(BY_NAME["gemini"], SMALL)
    running = Venue(source, clock=SystemClock())
    async with running, connect(address(running, "gemini")) as socket, asyncio.timeout(10):
        await socket.send('{"id":"1","method":"subscribe","params":["btcusd@depth5@100ms"]}')
        assert json.loads(await socket.recv())["status"] == 200
        for _ in range(2):
            source.play(1)
            told = json.loads(await socket.recv())
            assert told["symbol"] == "btcusd"
            assert [len(told["bids"]), len(told["asks"])] == [5, 5]


async def test_cryptocom_acknowledges_a_channel_twice_and_tells_it_once() -> None:
    async with venue("cryptocom") as running, connect(address(running, "cryptocom")) as socket:
        way = {"book_subscription_type": "SNAPSHOT_AND_UPDATE"}
        asked = {"id": 1, "method": "subscribe", "params": {"channels": ["book.BTC_USDT.50"] * 2} | way}
        await socket.send(json.dumps(asked))
        await socket.send(json.dumps({"id": 2, "method": "subscribe", "params": {"channels": ["nope"]}}))
        told = [json.loads(await socket.recv()) for _ in range(4)]
        assert [one["id"] for one in told] == [1, -1, 1, 2]


async def test_mexc_gives_a_book_again_for_a_second_though_it_changed() -> None:
    source = SteppedSource(BY_NAME["mexc"], SMALL)
    async with Venue(source, clock=SystemClock()) as running, httpx.AsyncClient() as client:
        url = running.urls()["mexc"]["rest_url"] + "/api/v3/depth?symbol=BTCUSDT"
        first = (await client.get(url)).json()
        source.play(10)
        assert (await client.get(url)).json() == first
        assert source.pairs("mexc")["BTCUSDT"].last_id > first["lastUpdateId"]


@pytest.mark.parametrize(
    ("value", "decimals", "told"),
    [(345, 6, "3.45E-4"), (1, 3, "0.001"), (5, 0, "5.0"), (11_111_111, 0, "1.1111111E7"), (0, 8, "0.0")],
)
def test_htx_writes_numbers_as_java_does(value: int, decimals: int, told: str) -> None:
    assert htx.number(value, decimals) == told


def venue(name: str, clock: Clock | None = None) -> Venue:
    return Venue(SteppedSource(BY_NAME[name], SMALL), clock=clock or SystemClock())


async def is_cut(socket: ClientConnection) -> None:
    """Wait until the connection ends without a word."""
    with pytest.raises(ConnectionClosed):
        async with asyncio.timeout(10):
            while True:
                await socket.recv()


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
