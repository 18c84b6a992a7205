"""Candles page by page: silent intervals, empty pages, the exchange's reach, what is kept for a moment."""

import asyncio
import json
from collections import defaultdict
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx
import pytest

from support.clocks import EPOCH, LoopClock
from support.instruments import instrument
from support.stores.candles import MemoryCandles
from twap_models.enums import Interval
from twap_server.collector.config import CollectorConfig
from twap_server.collector.history import History
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import ExchangeUnavailable, StoreUnavailable
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.exchanges.coinbase_exchange.adapter import CoinbaseExchangeFeed
from twap_server.exchanges.gemini.adapter import GeminiExchange
from twap_server.exchanges.kraken.adapter import KrakenExchange

pytestmark = pytest.mark.looptime
NOW = EPOCH // SECOND
MINUTE, DAY = 60, 86_400


@asynccontextmanager
async def reading(shape, answer, archive=None):
    """``answer(params)`` gives the JSON; requests are noted."""
    asked = []

    def respond(request):
        asked.append(dict(request.url.params))
        found = answer(asked[-1])
        return found if isinstance(found, httpx.Response) else httpx.Response(200, text=json.dumps(found))

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        yield History(shape(), CollectorConfig(), LoopClock(), http, archive=archive), asked


def coinbase(trades):
    """Trades by second: candles of the granularity asked for, newest first, silent intervals left out."""

    def answer(params):
        step, start, end = (int(params[key]) for key in ("granularity", "start", "end"))
        assert (end - start) // step < 300, "more than one answer may have"
        rows = defaultdict(list)
        for at, (price, volume) in sorted(trades.items()):
            rows[at // step * step].append((price, volume))
        return [
            [at, min(row)[0], max(row)[0], row[0][0], row[-1][0], sum(volume for _, volume in row)]
            for at, row in sorted(rows.items(), reverse=True)
            if start <= at <= end
        ]

    return answer


def kraken(step, count):
    last = NOW // step * step
    rows = [[last - back * step, "1", "3", "0.5", "2", "1.5", "7", 3] for back in reversed(range(count))]
    return lambda _: {"error": [], "result": {"XBTUSD": rows[-721:], "last": 1}}


def binance(step, count, *, without=()):
    def answer(params):
        end = int(params["endTime"]) // 1000
        last = NOW // step * step
        opens = [last - back * step for back in reversed(range(count))]
        rows = [
            [at * 1000, "1", "3", "0.5", "2", "7", (at + step) * 1000 - 1]
            for at in opens
            if at <= end and at not in without
        ]
        return rows[-int(params["limit"]) :]

    return answer


def opens(found):
    return [one.open_time // SECOND for one in found.candles]


async def test_thirty_minutes_with_a_silent_part_are_whole():
    first = NOW // 1800 * 1800
    trades = {
        first - 1800 * back + late: (100 + back, 2) for back, late in enumerate((0, 1700, 5, 900, 0, 1799))
    }
    trades[first - 1800 * 2 + 1000] = (90, 1)
    async with reading(CoinbaseExchangeFeed, coinbase(trades)) as (past, _):
        found = await past.klines(instrument("coinbase-exchange"), Interval.M30, limit=6)
    assert opens(found) == [first - 1800 * back for back in reversed(range(6))]
    third = found.candles[3]
    assert [third.open, third.high, third.low, third.close, third.volume] == [102, 102, 90, 90, 3]
    assert (third.close_time + 1_000_000) // SECOND == first - 1800
    assert found.oldest_available is None


async def test_ten_weeks_with_a_day_of_trade_each_are_ten_weeks():
    monday = (NOW // DAY * DAY - 4 * DAY) // (7 * DAY) * 7 * DAY + 4 * DAY
    trades = {monday - 7 * DAY * back + back % 7 * DAY: (10, 1) for back in range(1, 11)}
    async with reading(CoinbaseExchangeFeed, coinbase(trades)) as (past, _):
        found = await past.klines(instrument("coinbase-exchange"), Interval.W1, limit=10)
    assert opens(found) == [monday - 7 * DAY * back for back in reversed(range(1, 11))]
    assert all(one.closed for one in found.candles)


async def test_an_empty_page_is_not_the_end():
    now = NOW // MINUTE * MINUTE
    trades = {now - MINUTE * back: (10, 1) for back in (0, 1, 2_000, 2_001, 5_000)}
    async with reading(CoinbaseExchangeFeed, coinbase(trades)) as (past, asked):
        found = await past.klines(instrument("coinbase-exchange"), Interval.M1, limit=4)
        assert opens(found) == [now - MINUTE * back for back in (2_001, 2_000, 1, 0)]
        assert (len(asked), found.oldest_available) == (7, None)
        window = await past.klines(
            instrument("coinbase-exchange"),
            Interval.M1,
            limit=4,
            start=Nanos((now - 1_000 * MINUTE) * SECOND),
        )
        assert opens(window) == [now - MINUTE, now]
        assert window.oldest_available is None, "all that the range has"


async def test_where_our_own_patience_cuts_the_answer_it_says_from_where_it_knows():
    now = NOW // MINUTE * MINUTE
    async with reading(CoinbaseExchangeFeed, coinbase({now: (10, 1)})) as (past, asked):
        found = await past.klines(instrument("coinbase-exchange"), Interval.M1, limit=4)
        assert opens(found) == [now]
        assert len(asked) == 40
        assert found.oldest_available == (now - (40 * 300 - 1) * MINUTE) * SECOND
        assert int(asked[-1]["start"]) * SECOND == found.oldest_available


@pytest.mark.parametrize(
    ("interval", "limit", "rows", "reach"),
    [
        (Interval.M1, 720, 720, False),
        (Interval.M1, 1000, 721, True),
        (Interval.M3, 240, 240, False),
        (Interval.M3, 1000, 240, True),
    ],
)
async def test_kraken_says_how_far_it_reaches(interval, limit, rows, reach):
    oldest = NOW // MINUTE * MINUTE - 720 * MINUTE
    async with reading(KrakenExchange, kraken(MINUTE, 5_000)) as (past, asked):
        found = await past.klines(instrument("kraken"), interval, limit=limit)
        step = int(interval.value[:-1]) * MINUTE
        assert len(found.candles) == rows
        assert found.oldest_available == (-(-oldest // step) * step * SECOND if reach else None)
        beyond = await past.klines(
            instrument("kraken"), interval, end=Nanos((oldest - 3_600) * SECOND), limit=limit
        )
        assert beyond.candles == []
        assert beyond.oldest_available == -(-oldest // step) * step * SECOND
    assert len(asked) == 1, "the same request, kept for a second"


async def test_a_young_market_is_not_cut_by_any_reach():
    async with reading(KrakenExchange, kraken(MINUTE, 100)) as (past, _):
        found = await past.klines(instrument("kraken"), Interval.M3, limit=1000)
        first = NOW // MINUTE * MINUTE - 99 * MINUTE
        assert (opens(found)[0], found.oldest_available) == (first // 180 * 180, None)
    async with reading(BinanceExchange, binance(DAY, 20)) as (past, _):
        found = await past.klines(instrument("binance"), Interval.D3, limit=1000)
        assert sum(one.volume for one in found.candles) == 140
        assert found.oldest_available is None


async def test_what_cannot_be_read_is_no_silence():
    day = NOW // DAY * DAY
    three_days = day // (3 * DAY) * 3 * DAY
    bad = three_days - 2 * DAY

    def answer(params):
        rows = binance(DAY, 40)(params)
        return [[row[0], None, *row[2:]] if row[0] == bad * 1000 else row for row in rows]

    async with reading(BinanceExchange, answer) as (past, _):
        native = await past.klines(instrument("binance"), Interval.D1, limit=30)
        assert bad not in opens(native)
        assert len(native.candles) == 30, "one more is asked for"
        built = await past.klines(instrument("binance"), Interval.D3, limit=3)
        assert opens(built) == [three_days - 3 * DAY * back for back in (3, 2, 0)]

    async with reading(BinanceExchange, lambda _: [[None]]) as (past, _):
        with pytest.raises(ExchangeUnavailable, match="candles cannot be read"):
            await past.klines(instrument("binance"), Interval.D1)


async def test_volume_zero_that_was_sent_is_kept():
    def answer(params):
        return [[row[0], "2", "2", "2", "2", "0", row[6]] for row in binance(MINUTE, 9)(params)]

    async with reading(BinanceExchange, answer) as (past, _):
        found = await past.klines(instrument("binance"), Interval.M1, limit=9)
        assert [one.volume for one in found.candles] == [0] * 9


async def test_fifty_equal_requests_are_one_and_what_is_forming_is_kept_for_a_second():
    async with reading(BinanceExchange, binance(MINUTE, 100)) as (past, asked):
        found = await asyncio.gather(
            *(past.klines(instrument("binance"), Interval.M1, limit=10) for _ in range(50))
        )
        assert all(one == found[0] for one in found)
        await asyncio.sleep(0.9)
        assert await past.klines(instrument("binance"), Interval.M1, limit=10) == found[0]
        assert len(asked) == 1
        await past.klines(instrument("binance"), Interval.M1, limit=11)
        assert len(asked) == 2, "another request"
        await asyncio.sleep(0.2)
        await past.klines(instrument("binance"), Interval.M1, limit=10)
        assert len(asked) == 3
        over = {"limit": 10, "end": Nanos((NOW - 600) * SECOND)}
        closed = await past.klines(instrument("binance"), Interval.M1, **over)
        await asyncio.sleep(29)
        assert await past.klines(instrument("binance"), Interval.M1, **over) == closed
        assert len(asked) == 4
        await asyncio.sleep(2)
        await past.klines(instrument("binance"), Interval.M1, **over)
        assert len(asked) == 5


async def test_a_candle_kept_from_before_its_end_is_not_called_closed():
    to_the_end = MINUTE - NOW % MINUTE
    async with reading(BinanceExchange, binance(MINUTE, 100)) as (past, asked):
        await asyncio.sleep(to_the_end - 0.5)
        asked_before = {"limit": 1, "end": Nanos(NOW * SECOND)}
        assert not (await past.klines(instrument("binance"), Interval.M1, **asked_before)).candles[0].closed
        await asyncio.sleep(0.9)
        assert not (await past.klines(instrument("binance"), Interval.M1, **asked_before)).candles[0].closed
        assert len(asked) == 1
        await asyncio.sleep(0.7)
        (now_closed,) = (await past.klines(instrument("binance"), Interval.M1, **asked_before)).candles
        assert now_closed.closed
        assert now_closed.volume == Decimal(7)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ("EAPI:Rate limit exceeded", 15),
        (f"EService: Throttled: {NOW + 40}", 40),
        (f"EService: Throttled: {NOW - 40}", 1),
        ("EGeneral:Temporary lockout", 900),
    ],
)
async def test_throttling_told_in_a_body_silences_the_exchange(error, seconds):
    told = {"error": [error]}
    async with reading(KrakenExchange, lambda _: told) as (past, asked):
        for ask in (past.instruments, lambda: past.klines(instrument("kraken"), Interval.M1)):
            with pytest.raises(ExchangeUnavailable, match="kraken: ") as refused:
                await ask()
            assert refused.value.retry_after == seconds
            assert len(asked) == 1
        await asyncio.sleep(seconds)
        told["error"] = ["EGeneral:Internal error"]
        for count in (2, 3):
            with pytest.raises(ExchangeUnavailable):
                await past.instruments()
            assert len(asked) == count, "an error of another kind silences nothing"


def counted(asked):
    """How many rows Binance was asked for, request by request."""
    return [int(one["limit"]) for one in asked]


async def test_a_closed_candle_is_never_fetched_twice():
    archive = MemoryCandles()
    async with reading(BinanceExchange, binance(MINUTE, 5_000), archive) as (past, asked):
        first = await past.klines(instrument("binance"), Interval.M1, limit=1_000)
        await asyncio.sleep(31)
        again = await past.klines(instrument("binance"), Interval.M1, limit=1_000)
        assert again.candles == first.candles
        assert counted(asked) == [1_000, 1], "the open one only"
        older = await past.klines(
            instrument("binance"), Interval.M1, limit=100, end=first.candles[99].open_time
        )
        assert opens(older) == opens(first)[:100]
        assert len(asked) == 2


async def test_what_lies_beyond_the_exchanges_reach_is_still_known():
    archive, bitcoin = MemoryCandles(), instrument("kraken")
    async with reading(KrakenExchange, kraken(MINUTE, 721), archive) as (past, _):
        first = await past.klines(bitcoin, Interval.M1, limit=720)
        await asyncio.sleep(3_600)
        (series,) = archive.ranges
        assert len(archive.candles[series]) == 720
        found = await past.klines(bitcoin, Interval.M1, limit=720, end=first.candles[-2].open_time)
        assert opens(found)[-719:] == opens(first)[:-1]


async def test_silent_minutes_are_known_to_be_silent():
    now = NOW // MINUTE * MINUTE
    trades = {now - MINUTE * back: (10, 1) for back in (0, 1, 100, 200)}
    archive = MemoryCandles()
    async with reading(CoinbaseExchangeFeed, coinbase(trades), archive) as (past, asked):
        window = {"limit": 300, "start": Nanos((now - 250 * MINUTE) * SECOND)}
        first = await past.klines(instrument("coinbase-exchange"), Interval.M1, **window)
        await asyncio.sleep(31)
        again = await past.klines(instrument("coinbase-exchange"), Interval.M1, **window)
        assert opens(first) == opens(again) == sorted(trades)
        assert len(asked) == 2
        newest = int(asked[1]["start"])
        assert newest >= now, "only what was open or not yet settled"


async def test_an_answer_with_a_hole_is_not_kept():
    archive = MemoryCandles()
    rows = binance(MINUTE, 50)

    def spoiled(params):
        found = rows(params)
        return [*found[:10], "unreadable", *found[11:]] if len(found) > 20 else []

    async with reading(BinanceExchange, spoiled, archive) as (past, _):
        await past.klines(instrument("binance"), Interval.M1, limit=50)
    assert not archive.ranges


class FailingArchive(MemoryCandles):
    async def newest_range(self, series, before):
        raise StoreUnavailable("the disk is full")

    async def keep(self, series, known, candles):
        raise StoreUnavailable("the disk is full")


async def test_a_store_that_fails_costs_no_candle():
    async with reading(BinanceExchange, binance(MINUTE, 50), FailingArchive()) as (past, asked):
        found = await past.klines(instrument("binance"), Interval.M1, limit=20)
        assert len(found.candles) == 20 and len(asked) == 1


async def test_weeks_of_a_new_listing_are_not_looked_for_before_the_epoch():
    week = 7 * DAY
    newest = (NOW - 4 * DAY) // week * week + 4 * DAY

    def answer(params):
        assert int(params.get("endTime", 0)) >= 0
        return [[newest * 1000, "1", "2", "1", "2", "3", (newest + week) * 1000 - 1, "0", 1, "0", "0", "0"]]

    async with reading(BinanceExchange, answer) as (history, asked):
        found = await history.klines(instrument("binance"), Interval.W1, limit=10)
        assert [one.open_time // SECOND for one in found.candles] == [newest]
        assert len(asked) == 1


async def test_a_fixed_stretch_says_where_it_begins_and_makes_no_half_day():
    last, count = NOW // 3600 * 3600, 61 * 24 + 5
    rows = [[(last - back * 3600) * 1000, 1, 3, 0.5, 2, 7] for back in range(count)]
    async with reading(GeminiExchange, lambda _: rows) as (past, asked):
        found = await past.klines(instrument("gemini"), Interval.D1, limit=100)
    first = -(-(last - (count - 1) * 3600) // DAY) * DAY
    assert opens(found)[0] == first > last - (count - 1) * 3600
    assert found.oldest_available == first * SECOND
    assert found.candles[0].volume == 24 * 7
    assert len(asked) == 1


async def test_a_fixed_stretch_without_a_trade_is_no_proof_of_anything():
    async with reading(GeminiExchange, lambda _: []) as (past, _):
        found = await past.klines(instrument("gemini"), Interval.M1, limit=10)
    assert found.candles == [] and found.oldest_available is not None
