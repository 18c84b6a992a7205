"""Kraken's side of the venue, over loopback sockets, from the made-up market."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from support.clocks import HurriedClock
from support.venue.wire_client import KrakenBook, ask, connect, frames, get
from twap_server.venue.market import MarketParameters, SyntheticSource
from twap_server.venue.server import Venue


@pytest.fixture
def venue(clock: HurriedClock) -> Venue:
    return Venue(
        SyntheticSource(seed=4, clock=clock, parameters=MarketParameters(history_minutes=1_200)), clock=clock
    )


async def subscribe(socket: ClientConnection, channel: str, *symbols: str, **params: Any) -> None:
    await ask(
        socket, method="subscribe", params={"channel": channel, "symbol": list(symbols), **params}, req_id=11
    )


async def wait_for(socket: ClientConnection, **fields: object) -> dict[str, Any]:
    """Receive until a message has these fields."""
    async with asyncio.timeout(5):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if all(message.get(name) == value for name, value in fields.items()):
                return message


@pytest.mark.parametrize("depth", [10, 25, 100])
async def test_a_book_keeps_its_checksum_through_many_changes(venue: Venue, depth: int) -> None:
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        await subscribe(socket, "book", "BTC/USDT", depth=depth)
        book = KrakenBook(depth)
        for frame in await frames(socket, 400):
            book.apply(frame)
        assert book.applied > 390
        assert len(book.bids) == depth


async def test_status_greets_and_each_symbol_gets_its_own_answer(venue: Venue) -> None:
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        status = json.loads((await frames(socket, 1))[0])
        assert status["channel"] == "status"
        assert status["data"][0]["system"] == "online"
        assert status["data"][0]["connection_id"] > 2**53
        await subscribe(socket, "trade", "BTC/USDT", "XBT/USD", "ETH/USDT")
        answers = [json.loads(frame) for frame in await frames(socket, 3)]
        assert [answer["success"] for answer in answers] == [True, False, True]
        assert answers[1]["error"] == "Currency pair not supported XBT/USD"
        assert {answer["req_id"] for answer in answers} == {11}
        assert answers[0]["result"] == {"channel": "trade", "snapshot": False, "symbol": "BTC/USDT"}


@pytest.mark.parametrize(
    ("channel", "params", "error"),
    [
        ("book", {"depth": 20}, "Subscription depth not supported"),
        ("book", {"depth": "ten"}, "Subscription depth not supported"),
        ("ohlc", {"interval": 3}, "Subscription ohlc interval not supported"),
        ("nosuch", {}, "Channel not supported nosuch"),
    ],
)
async def test_refusals_leave_the_socket_open(
    venue: Venue, channel: str, params: dict[str, Any], error: str
) -> None:
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        await subscribe(socket, channel, "BTC/USDT", **params)
        assert (await wait_for(socket, success=False))["error"] == error
        await ask(socket, method="ping", req_id=101)
        pong = await wait_for(socket, method="pong")
        assert pong["req_id"] == 101
        assert pong["time_in"].endswith("Z")


async def test_resubscribing_gives_a_fresh_snapshot(venue: Venue) -> None:
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        await subscribe(socket, "book", "BTC/USDT", depth=10)
        await wait_for(socket, type="snapshot")
        await ask(
            socket, method="unsubscribe", params={"channel": "book", "symbol": ["BTC/USDT"], "depth": 10}
        )
        ended = await wait_for(socket, method="unsubscribe")
        assert ended["success"]
        assert ended["result"] == {"channel": "book", "depth": 10, "symbol": "BTC/USDT"}
        await subscribe(socket, "book", "BTC/USDT", depth=10)
        book = KrakenBook(10)
        for frame in await frames(socket, 50):
            book.apply(frame)
        assert book.applied > 40


async def test_heartbeats_come_when_nothing_else_does(venue: Venue) -> None:
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        await subscribe(socket, "instrument")
        await ask(socket, method="subscribe", params={"channel": "instrument"})
        data = (await wait_for(socket, channel="instrument"))["data"]
        assert {pair["symbol"] for pair in data["pairs"]} == {"BTC/USDT", "ETH/USDT"}
        assert data["pairs"][0]["price_precision"] == 1
        for _ in range(3):
            await wait_for(socket, channel="heartbeat")


async def test_trades_and_candles_agree(venue: Venue) -> None:
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        await subscribe(socket, "ohlc", "BTC/USDT", interval=1)
        first = await wait_for(socket, channel="ohlc", type="snapshot")
        assert len(first["data"]) == 100
        await subscribe(socket, "trade", "BTC/USDT", snapshot=True)
        await wait_for(socket, channel="trade", type="snapshot")
        last = 0
        for _ in range(5):
            update = await wait_for(socket, channel="trade", type="update")
            ids = [trade["trade_id"] for trade in update["data"]]
            assert not last or ids[0] == last + 1
            last = ids[-1]
            assert update["data"][0]["side"] in ("buy", "sell")
        candle = (await wait_for(socket, channel="ohlc", type="update"))["data"][0]
        assert candle["low"] <= candle["vwap"] <= candle["high"]


async def test_malformed_requests_are_answered(venue: Venue) -> None:
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        for text in ("{", "[]", '{"method":"sell"}', '{"method":"subscribe","params":7}'):
            await socket.send(text)
        for _ in range(3):
            assert (await wait_for(socket, success=False))["error"]


async def test_rest_answers_in_the_venues_shape(venue: Venue) -> None:
    async with venue:
        base = venue.urls()["kraken"]["rest_url"] + "/0/public/"
        pairs = (await get(base + "AssetPairs")).json()
        assert pairs["error"] == []
        btc = pairs["result"]["XBTUSDT"]
        assert (btc["wsname"], btc["altname"], btc["pair_decimals"]) == ("XBT/USDT", "XBTUSDT", 1)
        assert (btc["ordermin"], btc["costmin"], btc["tick_size"]) == ("0.00005", "0.5", "0.1")
        assert (await get(base + "Time")).json()["result"]["unixtime"] > 0
        assert (await get(base + "SystemStatus")).json()["result"]["status"] == "online"
        depth = (await get(base + "Depth?pair=XBTUSDT&count=7")).json()["result"]["XBTUSDT"]
        assert len(depth["asks"]) == len(depth["bids"]) == 7
        assert (await get(base + "Depth?pair=NOSUCH")).json() == {"error": ["EQuery:Unknown asset pair"]}
        assert (await get(base + "OHLC?pair=XBTUSDT&interval=7")).json()["error"]
        assert (await get(base + "Nosuch")).json() == {"error": ["EGeneral:Unknown method"]}


async def test_rest_candles_end_with_the_running_one_and_reach_720_back(venue: Venue) -> None:
    async with venue:
        base = venue.urls()["kraken"]["rest_url"] + "/0/public/"
        result = (await get(base + "OHLC?pair=XBTUSDT&interval=1&since=1")).json()["result"]
        rows = result["XBTUSDT"]
        assert len(rows) == 720
        assert result["last"] == rows[-2][0]
        assert [type(item) for item in rows[0]] == [int, str, str, str, str, str, str, int]
        since = rows[-4][0]
        newer = (await get(f"{base}OHLC?pair=XBTUSDT&since={since}")).json()["result"]["XBTUSDT"]
        assert [row[0] for row in newer[:2]] == [rows[-3][0], rows[-2][0]]


async def test_rest_trades_page_by_the_last_id(venue: Venue) -> None:
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        await subscribe(socket, "trade", "BTC/USDT")
        await frames(socket, 12)
        base = venue.urls()["kraken"]["rest_url"] + "/0/public/Trades?pair=XBTUSDT"
        ids: list[int] = []
        since = "0"
        while len(ids) < 9:
            result = (await get(f"{base}&since={since}&count=4")).json()["result"]
            ids += [row[6] for row in result["XBTUSDT"]]
            since = result["last"]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
