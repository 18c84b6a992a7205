"""Binance's side of the venue, over loopback sockets, from the made-up market."""

import asyncio
import itertools
import json
import logging
from typing import Any

import pytest

from support.clocks import HurriedClock
from support.venue.wire_client import BinanceBook, ask, connect, frames, get, post, until_closed
from twap_server.venue import server
from twap_server.venue.market import MarketParameters, SyntheticSource
from twap_server.venue.server import Venue


@pytest.fixture
def venue(clock: HurriedClock) -> Venue:
    return Venue(
        SyntheticSource(seed=4, clock=clock, parameters=MarketParameters(history_minutes=1_200)), clock=clock
    )


def streams(received: list[str]) -> set[str]:
    return {json.loads(frame).get("stream", "") for frame in received}


async def test_snapshot_and_differences_make_a_book_that_equals_the_venues(venue: Venue) -> None:
    async with venue:
        urls = venue.urls()["binance"]
        async with connect(
            urls["ws_url"] + "/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker"
        ) as socket:
            early = await frames(socket, 4)
            answer = await get(urls["rest_url"] + "/api/v3/depth?symbol=BTCUSDT&limit=5000")
            book, applied, compared = BinanceBook(answer.json()), 0, 0
            ticker: dict[str, Any] = {}
            for frame in early + await frames(socket, 120):
                message = json.loads(frame)
                if message["stream"].endswith("@bookTicker"):
                    ticker = message["data"]
                    continue
                applied += book.apply(message["data"])
                if ticker.get("u") == book.id:
                    compared += 1
                    assert ticker["b"] == f"{max(book.bids):.8f}"
                    assert ticker["a"] == f"{min(book.asks):.8f}"
                    assert ticker["B"] == f"{book.bids[max(book.bids)]:.8f}"
            assert applied > 40
            assert compared > 20


async def test_subscriptions_are_acknowledged_listed_and_ended(venue: Venue) -> None:
    async with venue, connect(venue.urls()["binance"]["ws_url"] + "/ws") as socket:
        await ask(socket, method="SUBSCRIBE", params=["btcusdt@trade", "nosuch@trade"], id=7)
        assert await frames(socket, 1) == ['{"result":null,"id":7}']
        trade = json.loads((await frames(socket, 1))[0])
        assert list(trade) == ["e", "E", "s", "t", "p", "q", "T", "m", "M"]
        await ask(socket, method="LIST_SUBSCRIPTIONS", id="x")
        received = await frames(socket, 30)
        assert '{"result":["btcusdt@trade","nosuch@trade"],"id":"x"}' in received
        await ask(socket, method="UNSUBSCRIBE", params=["btcusdt@trade"], id=9)
        await ask(socket, method="LIST_SUBSCRIPTIONS", id=10)
        async with asyncio.timeout(5):
            while await socket.recv() != '{"result":["nosuch@trade"],"id":10}':
                pass
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.recv(), 0.3)


async def test_combined_is_a_property_of_the_connection(venue: Venue) -> None:
    async with venue, connect(venue.urls()["binance"]["ws_url"] + "/ws/btcusdt@depth@100ms") as socket:
        assert json.loads((await frames(socket, 1))[0])["e"] == "depthUpdate"
        await ask(socket, method="SET_PROPERTY", params=["combined", True], id=5)
        received = await frames(socket, 10)
        assert received[-1].startswith('{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate"')


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", 3),
        ("[]", 2),
        ('{"method":"BUY","id":1}', 2),
        ('{"method":"SUBSCRIBE","params":[1],"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":"x","id":1}', 2),
        ('{"method":"SET_PROPERTY","params":["colour",true],"id":1}', 0),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1),
    ],
)
async def test_a_bad_request_is_answered_with_a_code(venue: Venue, sent: str, code: int) -> None:
    async with venue, connect(venue.urls()["binance"]["ws_url"] + "/ws") as socket:
        await socket.send(sent)
        assert json.loads((await frames(socket, 1))[0])["code"] == code


async def test_klines_are_pushed_and_end_with_a_closed_one(venue: Venue) -> None:
    async with venue, connect(venue.urls()["binance"]["ws_url"] + "/ws/btcusdt@kline_1m") as socket:
        async with asyncio.timeout(8):
            pushed = []
            while not pushed or not pushed[-1]["k"]["x"]:
                pushed.append(json.loads(await socket.recv()))
        pushed.append(json.loads((await frames(socket, 1))[0]))
        closed = pushed[-2]["k"]
        assert pushed[-1]["k"]["t"] == closed["t"] + 60_000
        rest = venue.urls()["binance"]["rest_url"] + "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=3"
        rows = {row[0]: row for row in (await get(rest)).json()}
        row = rows[closed["t"]]
        assert row[1:9] == [closed[key] for key in ("o", "h", "l", "c", "v", "T", "q", "n")]


async def test_aggregate_trades_and_slow_depth_chain(venue: Venue) -> None:
    async with (
        venue,
        connect(
            venue.urls()["binance"]["ws_url"] + "/stream?streams=btcusdt@aggTrade/btcusdt@depth/ethusdt@trade"
        ) as socket,
    ):
        received = [json.loads(frame) for frame in await frames(socket, 60)]
        slow = [m["data"] for m in received if m["stream"] == "btcusdt@depth"]
        assert len(slow) >= 2
        assert all(b["U"] == a["u"] + 1 for a, b in itertools.pairwise(slow))
        assert all(b["E"] - a["E"] >= 900 for a, b in itertools.pairwise(slow))
        made = [m["data"] for m in received if m["stream"] == "btcusdt@aggTrade"]
        assert all(b["f"] == a["l"] + 1 for a, b in itertools.pairwise(made))


async def test_shutdown_notice_comes_before_the_close(venue: Venue) -> None:
    async with venue:
        urls = venue.urls()
        async with connect(urls["binance"]["ws_url"] + "/stream?streams=btcusdt@trade") as socket:
            await frames(socket, 1)
            await post(f"http://127.0.0.1:{venue.port}/control/shutdown-notice")
            async with asyncio.timeout(5):
                rest = await until_closed(socket)
        notices = [frame for frame in rest if "serverShutdown" in frame]
        assert len(notices) == 1
        assert notices[0].startswith('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":')


async def test_too_many_messages_a_second_end_the_connection(clock: HurriedClock) -> None:
    async with Venue(
        SyntheticSource(seed=4, clock=clock, parameters=MarketParameters(history_minutes=1_200)), clock=clock
    ) as venue:
        async with connect(venue.urls()["binance"]["ws_url"] + "/ws") as socket:
            for number in range(12):
                await ask(socket, method="LIST_SUBSCRIPTIONS", id=number)
            async with asyncio.timeout(5):
                assert len(await until_closed(socket)) < 12
        assert socket.close_code == 1008


async def test_the_server_pings(
    clock: HurriedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "_PING_EVERY_S", 0.05)
    caplog.set_level(logging.DEBUG, "websockets.client")
    venue = Venue(
        SyntheticSource(seed=4, clock=clock, parameters=MarketParameters(history_minutes=1_200)), clock=clock
    )
    async with venue, connect(venue.urls()["binance"]["ws_url"] + "/ws") as socket:
        await asyncio.sleep(0.3)
        assert socket.close_code is None
    assert any(record.getMessage().startswith("< PING") for record in caplog.records)


async def test_rest_lists_instruments_with_their_filters(venue: Venue) -> None:
    async with venue:
        base = venue.urls()["binance"]["rest_url"] + "/api/v3"
        everything = await get(base + "/exchangeInfo")
        assert {item["symbol"] for item in everything.json()["symbols"]} == {"BTCUSDT", "ETHUSDT"}
        assert everything.headers["X-MBX-USED-WEIGHT-1M"] == "20"
        one = (await get(base + "/exchangeInfo?symbol=BTCUSDT")).json()["symbols"]
        filters = {item["filterType"]: item for item in one[0]["filters"]}
        assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
        assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
        assert filters["NOTIONAL"]["minNotional"] == "5.00000000"
        both = await get(base + '/exchangeInfo?symbols=["BTCUSDT","ETHUSDT"]')
        assert len(both.json()["symbols"]) == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("depth?symbol=NOSUCH", -1121),
        ("depth", -1102),
        ("depth?symbol=BTC%2FUSDT", -1100),
        ("depth?symbol=BTCUSDT&limit=-5", -1100),
        ("klines?symbol=BTCUSDT", -1102),
        ("klines?symbol=BTCUSDT&interval=7m", -1120),
        ("klines?symbol=BTCUSDT&interval=1m&startTime=x", -1100),
        ("exchangeInfo?symbol=NOSUCH", -1121),
        ("exchangeInfo?symbols=x", -1100),
    ],
)
async def test_rest_refuses_with_400_and_a_code(venue: Venue, query: str, code: int) -> None:
    async with venue:
        answer = await get(venue.urls()["binance"]["rest_url"] + f"/api/v3/{query}")
        assert answer.status_code == 400
        assert answer.json()["code"] == code


async def test_rest_klines_page_without_holes_or_repeats(venue: Venue) -> None:
    async with venue:
        base = venue.urls()["binance"]["rest_url"] + "/api/v3/klines?symbol=ETHUSDT&interval=5m"
        newest = (await get(base + "&limit=5000")).json()
        assert len(newest) == len((await get(base + "&limit=1000")).json())
        start, rows = newest[0][0], []
        while len(rows) < 200:
            page = (await get(f"{base}&startTime={start}&limit=70")).json()
            rows += page
            start = page[-1][0] + 1
        assert [row[0] for row in rows[:200]] == [row[0] for row in newest[:200]]
        hour = (await get(base.replace("5m", "1h") + "&limit=3")).json()[1]
        inside = [row for row in newest if hour[0] <= row[0] <= hour[6]]
        assert sum(float(row[5]) for row in inside) == pytest.approx(float(hour[5]))
        assert max(row[2] for row in inside) == hour[2]


async def test_rest_trades_are_those_of_the_stream(venue: Venue) -> None:
    async with venue:
        urls = venue.urls()["binance"]
        async with connect(urls["ws_url"] + "/ws/btcusdt@trade") as socket:
            seen = [json.loads(frame) for frame in await frames(socket, 5)]
        rows = (await get(urls["rest_url"] + "/api/v3/trades?symbol=BTCUSDT&limit=1000")).json()
        by_id = {row["id"]: row for row in rows}
        for trade in seen:
            row = by_id[trade["t"]]
            assert (row["price"], row["qty"], row["isBuyerMaker"]) == (trade["p"], trade["q"], trade["m"])
        url = f"{urls['rest_url']}/api/v3/aggTrades?symbol=BTCUSDT&fromId={seen[2]['t']}&limit=2"
        assert [row["a"] for row in (await get(url)).json()] == [seen[2]["t"], seen[2]["t"] + 1]


async def test_too_much_weight_is_429(venue: Venue) -> None:
    async with venue:
        base = venue.urls()["binance"]["rest_url"] + "/api/v3/"
        asked = [get(base + "depth?symbol=BTCUSDT&limit=5000") for _ in range(60)]  # a minute may end within
        answers = await asyncio.gather(*asked)
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert refused[0].json()["code"] == -1003
        assert int(refused[0].headers["Retry-After"]) <= 60
        assert (await get(base + "nosuch")).status_code == 404
