"""A message that cannot be read costs each book it may have changed its trust, at once, and no other book."""

import json
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import pytest

from support.coinbase_exchange import LoopbackCoinbaseExchange
from support.collector.parts import collecting, statuses, until
from support.collector.venues import scripted
from support.kraken import LoopbackKraken
from twap_server.collector.rejects import Rejects
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId

BOTH, FIRST, NONE = "both books", "the first book", "no book"

GARBAGE = [
    ("<html><body>502 Bad Gateway</body></html>", BOTH),
    ("", BOTH),
    ("[]", BOTH),
    ("null", BOTH),
    (b"\x1f\x8b\x08\x00", BOTH),
    (b'{"e":"\xff\xfe"}', BOTH),
]


@dataclass
class Rig:
    """Two live books of one connection."""

    venue: Any
    market: Any
    first: InstrumentId
    second: InstrumentId
    now: Any
    """The number that a true first book shows."""

    @property
    def shown(self):
        view = self.market.view(self.first, 1)
        return int(view.bids[0].quantity) if view.status is BookStatus.LIVE else None


@asynccontextmanager
async def binance():
    async with scripted() as venue, collecting(venue.urls, quiet_proof_s=0) as market:
        venue.send_change = venue.step
        venue.lose = venue.change
        yield Rig(venue, market, *pair("binance", "USDT"), lambda: venue.last_id)


@asynccontextmanager
async def kraken():
    venue = LoopbackKraken()

    async def send(*frames):
        for socket in venue.sockets:
            for frame in frames:
                await socket.send(frame)

    def lose():
        venue.pairs["BTC/USD"].changes += 1

    venue.send, venue.send_change, venue.lose = send, venue.change, lose
    async with venue.serving(), collecting(venue.urls, depth=10) as market:
        yield Rig(venue, market, *pair("kraken", "USD"), lambda: venue.pairs["BTC/USD"].changes)


@asynccontextmanager
async def coinbase():
    venue = LoopbackCoinbaseExchange()

    async def send_change():
        await venue.send(venue.change())

    venue.send_change, venue.lose = send_change, venue.change
    async with venue.serving(), collecting(venue.urls) as market:
        yield Rig(venue, market, *pair("coinbase-exchange", "USD"), lambda: venue.sizes["BTC-USD"])


def pair(exchange, quote):
    return InstrumentId(exchange, f"BTC-{quote}"), InstrumentId(exchange, f"ETH-{quote}")


def depth(stream="btcusdt@depth@100ms", **fields):
    good = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": 500, "u": 500, "b": [], "a": []}
    data = {key: value for key, value in (good | fields).items() if value is not None}
    return json.dumps({"stream": stream, "data": data})


def book(symbol="BTC/USD", channel="book", kind="update", *, level):
    return f'{{"channel":"{channel}","type":"{kind}","data":[{entry(symbol, level)}]}}'


def entry(symbol, level, *, checksum=0):
    return f'{{"symbol":"{symbol}","bids":[{level}],"asks":[],"checksum":{checksum}}}'


def update(kind="l2update", product="BTC-USD", **fields):
    good = {"changes": [["buy", "1", "1"]], "time": "2026-01-01T00:00:00.000001Z"}
    return json.dumps({"type": kind, "product_id": product} | good | fields)


BINANCE = [
    (depth(a=[["101.0", "0", []]]), FIRST),
    (depth(a=[[101.0, 0]]), FIRST),
    (depth(a=None), FIRST),
    (depth(u=None), FIRST),
    (depth(U="500"), FIRST),
    (depth(s=None), FIRST),
    (depth(e="depthUpdate2"), FIRST),
    (depth(E="now"), FIRST),
    (depth()[:-3], BOTH),
    (depth(a=[["101.0", "0", []]]).replace('"stream"', '"name"').replace('"s"', '"symbol"'), BOTH),
    (depth("solusdt@depth@100ms", s="SOLUSDT", a=None), NONE),
    (depth("btcusdt@trade", e="trade"), NONE),
    (depth("btcusdt@kline_1m", e="kline", k={}, s=None), NONE),
    (depth("btcusdt@news", e="news"), NONE),
    ('{"id":77,"result":null,"code":"none"}', NONE),
]
SPOILED_LEVELS = [["101.0", "-1"], ["101.0", "NaN"], ["101.0", "1e3"], ["0", "1"], ["-5", "1"], ["", "1"]]

KRAKEN = [
    (book(level='{"price":100.0,"qty":null}'), FIRST),
    (book(level='{"price":100.0,"qty":"1"}'), FIRST),
    (book(level='{"price":100.0,"qty":-1}'), FIRST),
    (book(level='{"price":0.0,"qty":1}'), FIRST),
    (book(level='{"price":100.0}'), FIRST),
    (book(level="[100.0,1]"), FIRST),
    (book(kind="patch", level='{"price":100.0,"qty":1}'), FIRST),
    (book(channel="books", level='{"price":100.0,"qty":1}'), FIRST),
    (book(level='{"price":100.0,"qty":NaN}'), BOTH),
    (book(level="").replace('"symbol"', '"pair"'), BOTH),
    ('{"channel":"book","type":"update","data":{}}', BOTH),
    ('{"channel":"book","type":"update"}', BOTH),
    ("{}", BOTH),
    (book("SOL/USD", level="{}"), NONE),
    (book(channel="trade", level="{}"), NONE),
    ('{"channel":"trade","data":[{"symbol":"BTC/USD","side":"none"}]}', NONE),
    ('{"channel":"status","data":[{"system":7}]}', NONE),
    ('{"channel":"news","type":"update","data":[{"symbol":"BTC/USD"}]}', NONE),
    ('{"channel":"heartbeat","more":1}', NONE),
    ('{"method":"subscribe","req_id":"seven","success":"yes"}', NONE),
]

COINBASE = [
    (update(changes=[["buy"]]), FIRST),
    (update(changes=[["buy", 1, 1]]), FIRST),
    (update(changes=[["bid", "1", "1"]]), FIRST),
    (update(changes=[["buy", "0", "1"]]), FIRST),
    (update(changes=[["buy", "1", "-1"]]), FIRST),
    (update(time="noon"), FIRST),
    (update("l3update"), FIRST),
    (update(product=None), BOTH),
    (update()[:-9], BOTH),
    (update(product="SOL-USD", changes=None), NONE),
    (update("match", trade_id="x"), NONE),
    (update("heartbeat", sequence=[]), NONE),
    (update("news", changes=None).replace("changes", "words"), NONE),
    ('{"type":"subscriptions","channels":7}', NONE),
]

CASES = [
    *((binance, *case) for case in BINANCE + GARBAGE),
    *((kraken, *case) for case in KRAKEN + GARBAGE),
    *((coinbase, *case) for case in COINBASE + GARBAGE),
]


@asynccontextmanager
async def watched(make):
    """A rig with both books live, and what becomes of them from now on."""
    async with make() as rig:
        for one in (rig.first, rig.second):
            rig.market.hold(one, "test")
        for one in (rig.first, rig.second):
            await rig.market.wait_live(one, 10)
        async with statuses(rig.market, rig.first) as seen, statuses(rig.market, rig.second) as other:
            yield rig, seen, other


@pytest.mark.parametrize(
    ("make", "frame", "costs"), CASES, ids=[f"{make.__name__}-{at}" for at, (make, *_) in enumerate(CASES)]
)
async def test_each_book_it_may_have_changed_is_doubted_at_once(make, frame, costs):
    async with watched(make) as (rig, seen, other):
        if costs is NONE:
            await rig.venue.send(frame)
            await rig.venue.send_change()
            await until(lambda: rig.shown == rig.now())
            assert (seen, other) == ([], [])
            return
        rig.venue.lose()
        await rig.venue.send(frame)
        await until(lambda: seen and (other or costs is FIRST))
        assert seen[0][0] is BookStatus.RESYNCING
        assert bool(other) == (costs is BOTH)
        await until(lambda: rig.shown == rig.now())
        assert len(rig.venue.sockets) == 1


@pytest.mark.parametrize("level", SPOILED_LEVELS)
async def test_a_level_that_is_no_level_costs_its_book(level):
    async with watched(binance) as (rig, seen, other):
        await rig.venue.send(rig.venue.change(bids=[level]))
        await until(lambda: seen)
        assert (seen[0][0], other) == (BookStatus.RESYNCING, [])
        await until(lambda: rig.shown == rig.now())


async def test_of_several_books_in_one_frame_those_that_can_be_read_go_on():
    async with watched(kraken) as (rig, seen, other):
        digits = "10101000000001000100000000990700000000"  # the ask, then both bids
        good = entry("ETH/USD", '{"price":99.0,"qty":7}', checksum=crc32(digits.encode()))
        bad = entry("BTC/USD", '{"price":100.0,"qty":null}')
        await rig.venue.send(f'{{"channel":"book","type":"update","data":[{bad},{good}]}}')
        await until(lambda: [one.price for one in rig.market.view(rig.second, 2).bids] == [100, 99])
        assert seen[0][0] is BookStatus.RESYNCING
        assert other == []
        await until(lambda: rig.shown == rig.now())


async def test_of_several_trades_in_one_frame_those_that_can_be_read_count():
    async with watched(kraken) as (rig, seen, _):
        trade = {"symbol": "BTC/USD", "side": "buy", "price": 100, "qty": 2, "trade_id": 1}
        whole = trade | {"timestamp": "2026-01-01T00:00:00.000001Z"}
        await rig.venue.send(json.dumps({"channel": "trade", "type": "update", "data": [trade, whole]}))
        await until(lambda: rig.market.traded(rig.first) == (2, 200))
        assert seen == []


async def test_a_quiet_market_is_not_proven_over_what_could_not_be_read():
    async with scripted() as venue, collecting(venue.urls, quiet_proof_s=1_000) as market:
        first = InstrumentId("binance", "BTC-USDT")
        market.hold(first, "test")
        await until(lambda: (live := market.live_book(first)) and live.awaits_first_change)
        async with statuses(market, first) as seen:
            await venue.send(depth(a=[["101.0", "0", []]]))
            await until(lambda: market.live_book(first).awaits_first_change and len(seen) >= 2)
        assert venue.snapshots == 2, "asked for anew"
        assert {status for status, _ in seen} == {BookStatus.RESYNCING}, "the same snapshot is no proof"


def test_the_log_says_how_many_of_what_once_a_minute(caplog):
    rejects = Rejects("binance")
    with caplog.at_level(logging.WARNING):
        for second in range(150):
            rejects.note(WireFormatError("short"))
            if second % 2:
                rejects.note(WireFormatError("long"))
            rejects.tell(Nanos(second * SECOND))
    assert [record.getMessage() for record in caplog.records] == [
        "binance: messages rejected: 1 × short",
        "binance: messages rejected: 60 × short, 30 × long",
        "binance: messages rejected: 60 × short, 30 × long",
    ]


def test_the_log_is_bounded_however_many_kinds_there_are(caplog):
    rejects = Rejects("binance")
    for number in range(1_000):
        rejects.note(WireFormatError(f"kind {number}"))
    rejects.tell(Nanos(0))
    (record,) = caplog.records
    assert "980 × other kinds" in record.getMessage()
