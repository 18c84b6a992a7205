"""Candles and instruments over REST: the recorded Kraken bodies, paging, aggregation."""

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import websockets
from websockets.datastructures import Headers
from websockets.http11 import Response

from support.recordings import recording, rows
from twap_models.enums import Interval
from twap_server.clock import SystemClock
from twap_server.collector.config import CollectorConfig
from twap_server.collector.history import History
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos, to_datetime, to_nanos
from twap_server.domain.errors import ExchangeUnavailable, UnknownSymbol
from twap_server.domain.market import candles
from twap_server.domain.market.events import Candle
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.exchanges.coinbase_exchange.adapter import CoinbaseExchangeFeed
from twap_server.exchanges.kraken.adapter import KrakenExchange

MINUTE = 60 * SECOND
START = 19_602 * candles.DAY


class Fixed(SystemClock):
    def __init__(self, now):
        self.at = now

    def now(self):
        return self.at


@asynccontextmanager
async def answering(answer):
    """A tiny REST server: ``answer(path, params)`` gives (status, body)."""

    def respond(_, request):
        parts = urlsplit(request.path)
        status, body = answer(parts.path, {key: one for key, (one,) in parse_qs(parts.query).items()})
        headers = Headers({"Content-Length": str(len(body)), "Connection": "close"})
        return Response(status, "", headers, body)

    async def never(_):
        raise AssertionError

    async with websockets.serve(never, "127.0.0.1", 0, process_request=respond) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def history(shape, answer, now):
    async with answering(answer) as url, httpx.AsyncClient() as http:
        yield History(shape(rest_url=url), CollectorConfig(), Fixed(now), http)


def kraken_bodies():
    path = recording("kraken/rest-ohlc-trades-depth.jsonl.gz")
    return {urlsplit(row["conn"]).path: row["raw"].encode() for row in rows(path)}


def binance_rows(count, *, step=MINUTE, first=START):
    """Row ``i`` opens at ``first + i * step``; its volume is 1."""
    return [
        [
            (first + i * step) // MILLISECOND,
            *("1", "3", "0.5", "2", "1"),
            (first + (i + 1) * step) // MILLISECOND - 1,
            *("1", 1, "1", "1", "0"),
        ]
        for i in range(count)
    ]


def binance(every, calls=None):
    def answer(path, params):
        if calls is not None:
            calls.append(params)
        end = int(params.get("endTime", 2**60))
        found = [row for row in every if row[0] <= end][-int(params["limit"]) :]
        return 200, json.dumps(found).encode()

    return answer


def instrument(exchange="binance"):
    from support.instruments import instrument as build

    return build(exchange)


async def test_the_recorded_721_kraken_candles():
    bodies = kraken_bodies()
    now = Nanos(1762820225 * SECOND)
    async with history(KrakenExchange, lambda path, _: (200, bodies[path]), now) as past:
        (listed,) = (await past.instruments()).found
        assert listed.id.symbol == "BTC-USDT"
        found = (await past.klines(listed, Interval.M1, limit=1000)).candles
        assert len(found) == 721
        assert [one.open_time for one in found] == sorted(one.open_time for one in found)
        assert [one.closed for one in found] == [True] * 720 + [False]
        assert found[-1].open_time == 1762820220 * SECOND
        assert found[0].close == Decimal("106038.2")
        assert len((await past.klines(listed, Interval.M1, limit=5)).candles) == 5
        three = (await past.klines(listed, Interval.M3, limit=1000)).candles
        assert [one.open_time % (3 * MINUTE) for one in three] == [0] * len(three)
        assert len(three) in (240, 241)
        by_time = {one.open_time: one for one in found}
        for one in three[:-1]:
            parts = [by_time[Nanos(one.open_time + i * MINUTE)] for i in range(3)]
            assert one.open == parts[0].open
            assert one.close == parts[-1].close
            assert one.high == max(part.high for part in parts)
            assert one.low == min(part.low for part in parts)
            assert one.volume == sum(part.volume for part in parts)


async def test_more_rows_than_a_page_are_paged_for():
    calls = []
    now = Nanos(START + 2_500 * MINUTE + SECOND)
    async with history(BinanceExchange, binance(binance_rows(2_501), calls), now) as past:
        found = (await past.klines(instrument(), Interval.M1, limit=1000)).candles
        assert [one.open_time for one in found] == [START + i * MINUTE for i in range(1_501, 2_501)]
        assert [one.closed for one in found] == [True] * 999 + [False]
        calls.clear()
        window = await past.klines(
            instrument(),
            Interval.M1,
            limit=10,
            start=Nanos(START + MINUTE),
            end=Nanos(START + 3 * MINUTE),
        )
        assert [(one.open_time - START) // MINUTE for one in window.candles] == [1, 2, 3]
        assert window.oldest_available is None


async def test_paging_goes_back_until_enough():
    now = Nanos(START + 3_000 * 24 * 60 * MINUTE)
    days = binance_rows(3_000, step=24 * 60 * MINUTE)
    calls = []
    async with history(BinanceExchange, binance(days, calls), now) as past:
        found = (await past.klines(instrument(), Interval.D3, limit=700)).candles
        assert len(found) == 700
        assert len(calls) >= 3
        assert all(one.open_time % (3 * 24 * 60 * MINUTE) == 0 for one in found)
        assert all(one.volume == 3 for one in found)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"code":-1121,"msg":"SECRET"}', UnknownSymbol),
        (500, b"SECRET", ExchangeUnavailable),
        (451, b"SECRET", ExchangeUnavailable),
        (200, b"SECRET", ExchangeUnavailable),
        (200, b'[["SECRET"]]', ExchangeUnavailable),
    ],
)
async def test_failures_are_said_in_our_words(status, body, error):
    async with history(BinanceExchange, lambda *_: (status, body), Nanos(0)) as past:
        with pytest.raises(error) as caught:
            await past.klines(instrument(), Interval.M1)
        assert "SECRET" not in str(caught.value)


async def test_nobody_there(unused_tcp_port):
    async with httpx.AsyncClient() as http:
        exchange = BinanceExchange(rest_url=f"http://127.0.0.1:{unused_tcp_port}")
        with pytest.raises(ExchangeUnavailable, match="nothing listens there"):
            await History(exchange, CollectorConfig(), SystemClock(), http).instruments()


def day(number, **values):
    start = number * candles.DAY
    one = Candle(
        open_time=Nanos(start),
        close_time=Nanos(start + candles.DAY - MILLISECOND),
        open=Decimal(1),
        high=Decimal(3),
        low=Decimal("0.5"),
        close=Decimal(2),
        volume=Decimal("0.1"),
        closed=False,
    )
    return replace(one, **values)


@pytest.mark.parametrize(
    ("interval", "moment", "start", "end"),
    [
        (Interval.MONTH, "2024-02-29T12:00", "2024-02-01T00:00", "2024-03-01T00:00"),
        (Interval.MONTH, "2023-12-31T23:59", "2023-12-01T00:00", "2024-01-01T00:00"),
        (Interval.W1, "2024-08-11T23:59", "2024-08-05T00:00", "2024-08-12T00:00"),
        (Interval.D3, "1970-01-03T23:59", "1970-01-01T00:00", "1970-01-04T00:00"),
        (Interval.H8, "2024-01-01T15:59", "2024-01-01T08:00", "2024-01-01T16:00"),
    ],
)
def test_buckets(interval, moment, start, end):
    def at(text):
        return to_nanos(datetime.fromisoformat(text).replace(tzinfo=UTC))

    assert to_datetime(candles.bucket_start(at(moment), interval)) == to_datetime(at(start))
    assert candles.bucket_end(at(start), interval) == at(end)


def built(numbers, **options):
    known = {"known_from": Nanos(0), "silent": True, "now": Nanos(10 * candles.DAY + 1)} | options
    parts = [day(number, closed=number < 10) for number in numbers]
    return candles.aggregate(parts, part=Interval.D1, interval=Interval.D3, **known)


def test_a_bucket_with_silent_parts_is_whole_and_one_without_trades_is_not_invented():
    found = built((1, 2, 3, 4, 5, 8, 9, 10), silent=True)
    assert [one.open_time // candles.DAY for one in found] == [0, 3, 6, 9]
    assert [str(one.volume) for one in found] == ["0.2", "0.3", "0.1", "0.2"]
    assert [one.closed for one in found] == [True, True, True, False]
    assert found[2].close_time == 9 * candles.DAY - MILLISECOND
    assert [one.open_time // candles.DAY for one in built((0, 9))] == [0, 9]


def test_a_bucket_whose_begin_is_not_known_is_left_out():
    assert [one.open_time // candles.DAY for one in built((1, 2, 3), known_from=Nanos(1))] == [3]
    assert [one.open_time // candles.DAY for one in built((1, 2, 3), known_from=Nanos(3 * candles.DAY))] == [
        3
    ]


def test_where_parts_cannot_be_read_a_bucket_must_be_complete():
    found = built((1, 2, 3, 4, 5, 6, 8, 9, 10), silent=False)
    assert [one.open_time // candles.DAY for one in found] == [3, 9]
    assert [one.open_time // candles.DAY for one in built((3, 4, 5, 9), silent=False)] == [3]


def test_where_each_interval_comes_from():
    rules = KrakenExchange.klines
    expected = {
        "3m": "1m",
        "2h": "1h",
        "6h": "1h",
        "8h": "4h",
        "12h": "4h",
        "3d": "1d",
        "1w": "1d",
        "1M": "1d",
    }
    for interval in Interval:
        assert candles.source_of(interval, rules.native).value == expected.get(interval.value, interval.value)
    assert candles.source_of(Interval.D3, BinanceExchange.klines.native) is Interval.D1


async def test_coinbase_leaves_out_minutes_without_trades_and_is_asked_on():
    asked = []

    def answer(path, params):
        if path == "/products":
            entry = {"id": "BTC-USD", "base_currency": "BTC", "quote_currency": "USD"}
            return 200, json.dumps([entry | {"quote_increment": "0.01", "base_increment": "0.001"}]).encode()
        start, end = int(params["start"]), int(params["end"])
        asked.append((end - start) // 60 + 1)
        newest_first = range(end // 60 * 60, start - 1, -60)
        return 200, json.dumps([[at, 1, 4, 2, 3, 0.1] for at in newest_first if at % 120 == 0]).encode()

    now = Nanos(1_755_496_690 * SECOND)
    async with history(CoinbaseExchangeFeed, answer, now) as past:
        (bitcoin,) = (await past.instruments()).found
        found = (await past.klines(bitcoin, Interval.M1, limit=400)).candles
    assert asked == [300, 300, 300]
    assert [one.open_time for one in found] == [
        Nanos((1_755_496_680 - 120 * back) * SECOND) for back in reversed(range(400))
    ]
    assert (found[0].low, found[0].high, found[0].open, found[0].close) == (1, 4, 2, 3)
    assert found[0].volume == Decimal("0.1")
