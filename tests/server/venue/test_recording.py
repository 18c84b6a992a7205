"""Recordings over loopback: byte for byte but for the times, and always a book to start over from."""

import asyncio
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.recordings import BINANCE_BTCUSDT, KRAKEN_BTCUSD, recording
from support.venue.wire_client import BinanceBook, GapError, KrakenBook, ask, connect, get, until_closed
from twap_server.clock import SystemClock
from twap_server.venue.recording import RecordingSource
from twap_server.venue.server import Venue

TIMES = re.compile(r'("[ET]":)\d{13}|("timestamp":)"[^"]+"')
STREAMS = "/stream?streams=btcusdt@depth@100ms/btcusdt@trade/btcusdt@bookTicker"


def without_times(frame: str) -> str:
    return TIMES.sub(r"\1\2", frame)


def received(path: Path) -> list[str]:
    with gzip.open(path, "rt") as lines:
        records = [json.loads(line) for line in lines]
    return [record["raw"] for record in records if record["dir"] == "in"]


def cut(source: Path, target: Path, lines: int) -> Path:
    """Keep the beginning of a recording, for tests that play it more than once."""
    with gzip.open(source, "rt") as whole, gzip.open(target, "wt") as part:
        for _, line in zip(range(lines), whole, strict=False):
            part.write(line)
    return target


def source(path: Path, **options: Any) -> RecordingSource:
    return RecordingSource(path, clock=SystemClock(), **{"speed": 0, **options})


async def test_binance_frames_are_byte_exact_but_for_their_times(tmp_path: Path) -> None:
    path = cut(recording(BINANCE_BTCUSDT), tmp_path / "part.jsonl.gz", 20_000)
    recorded = [raw for raw in received(path) if raw.startswith('{"stream"')]
    async with Venue(source(path), clock=SystemClock()) as venue:
        async with connect(venue.urls()["binance"]["ws_url"] + STREAMS) as socket:
            played = await until_closed(socket)
        assert socket.close_code == 1001
    assert [without_times(frame) for frame in played] == [without_times(frame) for frame in recorded]
    pairs = [
        (json.loads(new)["data"]["E"], json.loads(old)["data"]["E"])
        for new, old in zip(played, recorded, strict=True)
        if "bookTicker" not in old
    ]
    assert len({new - old for new, old in pairs}) == 1
    assert abs(pairs[0][0] / 1_000 - SystemClock().now() / 1e9) < 30


@pytest.mark.long
async def test_the_whole_recording_is_one_good_book_and_its_candles_add_up() -> None:
    path = recording(BINANCE_BTCUSDT)
    async with Venue(source(path), clock=SystemClock()) as venue:
        urls = venue.urls()["binance"]
        depth = urls["rest_url"] + "/api/v3/depth?symbol=BTCUSDT&limit=1000"
        first = (await get(depth)).text
        assert first == next(raw for raw in received(path) if raw.startswith('{"lastUpdateId"'))
        book, trades = BinanceBook(json.loads(first)), []
        async with connect(urls["ws_url"] + "/stream?streams=btcusdt@depth@100ms/btcusdt@trade") as socket:
            for frame in await until_closed(socket):
                data = json.loads(frame)["data"]
                if data["e"] == "trade":
                    trades.append(data)
                else:
                    book.apply(data)
        assert book.id == 50093696318
        assert len(trades) == 19_904
        rows = (await get(urls["rest_url"] + "/api/v3/klines?symbol=BTCUSDT&interval=1m")).json()
    assert sum(row[8] for row in rows) == len(trades)
    units = [int(row[5].replace(".", "")) for row in rows]
    assert sum(units) == sum(int(trade["q"].replace(".", "")) for trade in trades)
    assert {row[2] for row in rows} >= {max(trade["p"] for trade in trades)}


async def test_a_client_can_start_over_in_mid_recording(tmp_path: Path) -> None:
    path = cut(recording(BINANCE_BTCUSDT), tmp_path / "part.jsonl.gz", 20_000)
    async with Venue(source(path), clock=SystemClock()) as venue:
        urls = venue.urls()["binance"]
        depth = urls["rest_url"] + "/api/v3/depth?symbol=BTCUSDT&limit=5000"
        books = []
        async with connect(urls["ws_url"] + "/ws/btcusdt@depth@100ms") as keeper:
            books.append(BinanceBook((await get(depth)).json()))
            for _ in range(500):
                books[0].apply(json.loads(await keeper.recv()))
            async with connect(urls["ws_url"] + "/ws/btcusdt@depth@100ms") as late:
                early = json.loads(await late.recv())
                books.append(BinanceBook((await get(depth)).json()))
                assert books[1].id >= early["U"]
                for book, socket in zip(books, (keeper, late), strict=True):
                    for frame in await until_closed(socket):
                        book.apply(json.loads(frame))
    assert books[0].id == books[1].id
    best = [sorted(book.bids.items(), reverse=True)[:50] for book in books]
    assert best[0] == best[1]


async def test_a_gap_in_mid_recording_is_healed_by_a_snapshot(tmp_path: Path) -> None:
    path = cut(recording(BINANCE_BTCUSDT), tmp_path / "part.jsonl.gz", 20_000)
    async with Venue(source(path), clock=SystemClock()) as venue:
        urls = venue.urls()["binance"]
        depth = urls["rest_url"] + "/api/v3/depth?symbol=BTCUSDT&limit=1000"
        async with connect(urls["ws_url"] + "/ws/btcusdt@depth@100ms") as socket:
            book = BinanceBook((await get(depth)).json())
            gaps = 0
            venue.inject("gap", venue="binance")
            async for frame in socket:
                try:
                    book.apply(json.loads(frame))
                except GapError:
                    gaps += 1
                    book = BinanceBook((await get(depth)).json())
            assert gaps == 1
            assert book.id > 50093300000


async def test_the_recording_begins_again_with_a_new_connection(tmp_path: Path) -> None:
    path = cut(recording(BINANCE_BTCUSDT), tmp_path / "part.jsonl.gz", 2_000)
    async with Venue(source(path), clock=SystemClock()) as venue:
        urls = venue.urls()["binance"]
        runs, times = [], []
        for _ in range(2):
            async with connect(urls["ws_url"] + "/ws/btcusdt@depth@100ms") as socket:
                events = [json.loads(frame) for frame in await until_closed(socket)]
            runs.append([event["u"] for event in events])
            times += [event["E"] for event in events]
        assert runs[0] == runs[1]
        assert times == sorted(times)


async def test_nothing_plays_before_a_book_is_subscribed(tmp_path: Path) -> None:
    path = cut(recording(BINANCE_BTCUSDT), tmp_path / "part.jsonl.gz", 500)
    async with Venue(source(path, loop=False), clock=SystemClock()) as venue:
        urls = venue.urls()["binance"]
        async with connect(urls["ws_url"] + "/ws/btcusdt@trade") as socket:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.recv(), 0.1)
            await ask(socket, method="SUBSCRIBE", params=["btcusdt@depth@100ms"], id=1)
            assert await socket.recv() == '{"result":null,"id":1}'
            assert json.loads(await socket.recv())["U"] == 50093239189
        info = (await get(urls["rest_url"] + "/api/v3/exchangeInfo")).json()
        assert [item["symbol"] for item in info["symbols"]] == ["BTCUSDT"]


async def test_intervals_are_kept_and_divided_by_speed(tmp_path: Path) -> None:
    path = cut(recording(BINANCE_BTCUSDT), tmp_path / "part.jsonl.gz", 400)
    clock = SystemClock()
    venue = Venue(source(path, speed=4.0), clock=clock)
    async with venue, connect(venue.urls()["binance"]["ws_url"] + "/ws/btcusdt@depth@100ms") as socket:
        begun = clock.monotonic()
        events = [json.loads(frame) for frame in await until_closed(socket)]
        took = (clock.monotonic() - begun) / 1e6
    recorded = [json.loads(raw)["data"]["E"] for raw in received(path) if "depthUpdate" in raw]
    assert took == pytest.approx((recorded[-1] - recorded[0]) / 4, abs=400)
    assert events[-1]["E"] - events[0]["E"] == pytest.approx((recorded[-1] - recorded[0]) / 4, abs=2)


async def test_kraken_frames_are_byte_exact_and_their_checksums_hold() -> None:
    path = recording(KRAKEN_BTCUSD)
    recorded = [raw for raw in received(path) if raw.startswith('{"channel":"book"')]
    venue = Venue(source(path), clock=SystemClock())
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        await ask(socket, method="subscribe", params={"channel": "book", "symbol": ["BTC/USD"], "depth": 10})
        played = await until_closed(socket)
    frames = [frame for frame in played if frame.startswith('{"channel":"book"')]
    assert [without_times(frame) for frame in frames] == [without_times(frame) for frame in recorded]
    book = KrakenBook(10)
    assert sum(book.apply(frame) for frame in frames) == 118


@pytest.mark.parametrize("depth", [10, 100])
async def test_kraken_subscribers_in_mid_recording_get_a_right_snapshot(depth: int) -> None:
    path = recording(KRAKEN_BTCUSD)
    async with Venue(source(path, speed=20.0, loop=False), clock=SystemClock()) as venue:
        url = venue.urls()["kraken"]["ws_url"]
        params = {"channel": "book", "symbol": ["BTC/USD"], "depth": depth}
        async with connect(url) as first, connect(url) as late:
            await ask(first, method="subscribe", params=params)
            books = KrakenBook(depth), KrakenBook(depth)
            while books[0].applied < 60:
                books[0].apply(str(await first.recv()))
            await ask(late, method="subscribe", params=params)
            for book, socket in zip(books, (first, late), strict=True):
                async with asyncio.timeout(5):
                    frame = ""
                    while "heartbeat" not in frame or book.applied < 30:
                        frame = str(await socket.recv())
                        book.apply(frame)
    assert books[0].applied == 118
    assert books[1].applied < 60
    assert len(books[0].bids) == len(books[0].asks) == 10
    assert (books[0].bids, books[0].asks) == (books[1].bids, books[1].asks)


async def test_kraken_rest_lists_the_recorded_pair_under_its_old_name() -> None:
    async with Venue(source(recording(KRAKEN_BTCUSD)), clock=SystemClock()) as venue:
        base = venue.urls()["kraken"]["rest_url"] + "/0/public/"
        result = (await get(base + "AssetPairs")).json()["result"]
        assert list(result) == ["XXBTZUSD"]
        assert result["XXBTZUSD"]["altname"] == "XBTUSD"
        assert (await get(base + "OHLC?pair=XBTUSD")).json()["result"]["XXBTZUSD"] == []
        assert list(venue.urls()) == ["kraken"]
