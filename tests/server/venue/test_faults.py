"""Faults: each can be seen by a client, and a client that starts over ends with the right book."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from support.clocks import HurriedClock
from support.venue.wire_client import (
    BinanceBook,
    ChecksumError,
    CrossedError,
    GapError,
    KrakenBook,
    ask,
    connect,
    frames,
    get,
    post,
    until_closed,
)
from twap_server.clock import SystemClock
from twap_server.venue import faults
from twap_server.venue.faults import Line, OutgoingFrame
from twap_server.venue.market import MarketParameters, SyntheticSource
from twap_server.venue.server import Venue

SECOND = 10**9


@pytest.fixture
def venue(clock: HurriedClock) -> Venue:
    return Venue(
        SyntheticSource(seed=4, clock=clock, parameters=MarketParameters(history_minutes=1_200)), clock=clock
    )


def carried(fault: str, sent: str, now: int = 0) -> str:
    """Carry letters as frames, lowercase as book frames, after a fault."""
    line = Line(Counter())
    line.strike(faults.parse(fault), 0)
    out = [
        text
        for letter in sent
        for text in line.carry(OutgoingFrame(letter, "book" if letter.islower() else "data"), now)
    ]
    return "".join(out)


@pytest.mark.parametrize(
    ("fault", "out"),
    [("gap", "ABbcC"), ("repeat", "AaaBbcC"), ("reorder", "ABbacC"), ("silence", ""), ("slow", "AaBbcC")],
)
def test_what_a_line_makes_of_a_fault(fault: str, out: str) -> None:
    assert carried(fault, "AaBbcC") == (out if fault != "gap" else "ABbcC")


def test_silence_ends() -> None:
    assert carried("silence:2", "ab", now=3 * SECOND) == "ab"


@pytest.mark.parametrize("text", ["nosuch", "gap:3", "silence:-1", "slow:x", ""])
def test_unknown_faults_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|convert"):
        faults.parse(text)


async def binance_book(venue: Venue, socket: ClientConnection) -> BinanceBook:
    first = json.loads((await frames(socket, 1))[0])
    url = venue.urls()["binance"]["rest_url"] + "/api/v3/depth?symbol=BTCUSDT&limit=5000"
    while (snapshot := (await get(url)).json())["lastUpdateId"] < first["U"]:
        pass
    return BinanceBook(snapshot)


@pytest.mark.parametrize(
    ("fault", "error"), [("gap", GapError), ("crossed", CrossedError), ("reorder", GapError)]
)
async def test_binance_clients_notice_and_recover(venue: Venue, fault: str, error: type[Exception]) -> None:
    async with venue, connect(venue.urls()["binance"]["ws_url"] + "/ws/btcusdt@depth@100ms") as socket:
        book = await binance_book(venue, socket)
        venue.inject(fault, venue="binance")
        with pytest.raises(error):
            for frame in await frames(socket, 60):
                book.apply(json.loads(frame))
        book = await binance_book(venue, socket)
        applied = [book.apply(json.loads(frame)) for frame in await frames(socket, 60)]
        assert sum(applied) > 20
        assert counts(venue, "binance") == {fault: 1}


def counts(venue: Venue, exchange: str) -> dict[str, int]:
    injected: Any = venue.state()["injected"]
    return dict(injected[exchange])


async def test_binance_repeats_a_difference(venue: Venue) -> None:
    async with venue, connect(venue.urls()["binance"]["ws_url"] + "/ws/btcusdt@depth@100ms") as socket:
        venue.inject("repeat")
        received = await frames(socket, 30)
        assert len(received) - len(set(received)) == 1


async def test_silence_then_a_gap(venue: Venue) -> None:
    async with venue, connect(venue.urls()["binance"]["ws_url"] + "/ws/btcusdt@depth@100ms") as socket:
        book = await binance_book(venue, socket)
        venue.inject("silence:20")
        with suppress(TimeoutError):
            while True:
                book.apply(json.loads(await asyncio.wait_for(socket.recv(), 0.4)))
        assert socket.close_code is None
        with pytest.raises(GapError):
            book.apply(json.loads((await frames(socket, 1))[0]))


async def test_garbage_comes_in_several_kinds(venue: Venue) -> None:
    async with venue, connect(venue.urls()["binance"]["ws_url"] + "/ws/btcusdt@trade") as socket:
        for _ in range(4):
            venue.inject("garbage", venue="binance")
        bad: list[str | bytes] = []
        async with asyncio.timeout(5):
            while len(bad) < 4:
                frame = await socket.recv()
                if isinstance(frame, bytes) or not frame.startswith('{"e":"trade"'):
                    bad.append(frame)
        assert any(isinstance(frame, bytes) for frame in bad)
        assert any("<html>" in str(frame) for frame in bad)


async def test_disconnect_is_without_a_word(venue: Venue) -> None:
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        venue.inject("disconnect")
        async with asyncio.timeout(5):
            await until_closed(socket)
        assert socket.close_code == 1006


async def test_slow_is_a_rate(clock: HurriedClock) -> None:
    venue = Venue(
        SyntheticSource(seed=4, clock=clock, parameters=MarketParameters(history_minutes=1_200)), clock=clock
    )
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        await kraken_subscribe(socket)
        await frames(socket, 30)
        venue.inject("slow:40", venue="kraken")
        await asyncio.sleep(0.05)
        begun = clock.monotonic()
        await frames(socket, 120)
        assert clock.monotonic() - begun > 1.5 * SECOND


async def kraken_subscribe(socket: ClientConnection) -> None:
    await ask(socket, method="subscribe", params={"channel": "book", "symbol": ["BTC/USDT"], "depth": 10})


async def kraken_follow(socket: ClientConnection, count: int, book: KrakenBook | None = None) -> KrakenBook:
    """Apply so many frames to a book, a new one unless given."""
    book = book or KrakenBook(10)
    for frame in await frames(socket, count):
        book.apply(frame)
    return book


@pytest.mark.parametrize(
    ("fault", "error"),
    [("badsum", ChecksumError), ("crossed", CrossedError), ("gap", ChecksumError)],
)
async def test_kraken_clients_notice_and_recover(venue: Venue, fault: str, error: type[Exception]) -> None:
    async with venue:
        async with connect(venue.urls()["kraken"]["ws_url"]) as socket:
            await kraken_subscribe(socket)
            book = await kraken_follow(socket, 20)
            venue.inject(fault, venue="kraken")
            with pytest.raises(error):
                await kraken_follow(socket, 400, book)
        async with connect(venue.urls()["kraken"]["ws_url"]) as socket:
            await kraken_subscribe(socket)
            assert (await kraken_follow(socket, 100)).applied > 90
        assert counts(venue, "kraken") == {fault: 1}
        assert counts(venue, "binance") == {}


async def test_faults_given_at_the_start_come_again_and_again(clock: HurriedClock) -> None:
    async with Venue(
        SyntheticSource(seed=4, clock=clock, parameters=MarketParameters(history_minutes=1_200)),
        clock=clock,
        faults=["repeat", "badsum"],
    ) as venue:
        async with connect(venue.urls()["binance"]["ws_url"] + "/ws/btcusdt@depth@100ms") as socket:
            async with asyncio.timeout(8):
                while counts(venue, "binance").get("repeat", 0) < 2:
                    await socket.recv()
        assert counts(venue, "binance") == {"repeat": 2}


async def test_the_control_route_injects_and_tells(venue: Venue) -> None:
    async with venue, connect(venue.urls()["binance"]["ws_url"] + "/ws/btcusdt@depth@100ms") as socket:
        control = f"http://127.0.0.1:{venue.port}/control"
        await frames(socket, 1)
        assert (await post(control + "/faults", {"fault": "repeat", "venue": "binance"})).status_code == 200
        await frames(socket, 10)
        state = (await get(control + "/state")).json()
        assert state["injected"]["binance"] == {"repeat": 1}
        assert state["connections"][0]["subscriptions"] == ["btcusdt@depth@100ms"]
        assert state["connections"][0]["venue"] == "binance"
        for body in (
            {"fault": "nosuch"},
            {},
            [],
            {"fault": "badsum", "venue": "binance"},
            {"fault": "gap", "venue": "x"},
        ):
            assert (await post(control + "/faults", body)).status_code == 400


async def test_a_consumer_that_never_reads_is_cut_off_and_the_market_goes_on(
    clock: HurriedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twap_server.venue.session.OUTBOX_BOUND", 200)
    async with Venue(
        SyntheticSource(seed=4, clock=clock, parameters=MarketParameters(history_minutes=1_200)), clock=clock
    ) as venue:
        async with connect(venue.urls()["kraken"]["ws_url"]) as socket:
            await kraken_subscribe(socket)
            venue.inject("slow:1", venue="kraken")
            async with asyncio.timeout(8):
                await until_closed(socket)
            assert socket.close_code == 1006
        async with connect(venue.urls()["kraken"]["ws_url"]) as socket:
            await kraken_subscribe(socket)
            await frames(socket, 20)


async def test_the_clock_of_the_machine_will_do() -> None:
    clock = SystemClock()
    venue = Venue(
        SyntheticSource(seed=4, clock=clock, parameters=MarketParameters(history_minutes=1_200)), clock=clock
    )
    async with venue, connect(venue.urls()["kraken"]["ws_url"]) as socket:
        await kraken_subscribe(socket)
        assert len(await frames(socket, 10)) == 10
