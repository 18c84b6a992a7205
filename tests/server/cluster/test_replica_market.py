"""What a replica of the market offers beside books: lists, status, candles, trades; in virtual time."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from support.clocks import ALONE, LoopClock
from support.cluster_market import (
    BTC,
    EXCHANGE,
    SUBJECTS,
    SYMBOL,
    PlayedExchange,
    live_pair,
    many,
    pair,
    reader,
)
from support.cluster_messenger import MessengerNetwork
from support.collector.memory import listed
from twap_models.enums import Interval
from twap_server.api.ports import MarketData
from twap_server.cluster.coding import encode
from twap_server.cluster.market_messages import TradedSoFar, TradeTold
from twap_server.cluster.questions import NotHere, ask
from twap_server.domain.errors import (
    BookUnavailable,
    ExchangeUnavailable,
    UnknownExchange,
    UnknownSymbol,
)
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.ownership import ExchangePart
from twap_server.engine.ports import Market

pytestmark = ALONE
MINUTE = Interval("1m")


async def test_it_is_the_market_of_the_engine_and_of_the_api():
    market = reader(MessengerNetwork().node("reader"), LoopClock())
    for_engine: Market = market
    for_api: MarketData = market
    assert for_engine is for_api
    assert market.is_proven(EXCHANGE)
    assert market.taker_fee(EXCHANGE) == 0
    assert market.published_fee(BTC) is not None


async def test_the_list_is_the_collectors_with_every_spelling():
    async with pair() as made:
        await asyncio.sleep(0.3)
        assert made.market.instruments(EXCHANGE) == dict(made.collector.exchange.listed)
        assert made.market.find_instrument(EXCHANGE, "btc/usd") == made.collector.exchange.listed[SYMBOL]
        assert [one.id for one in made.market.find_everywhere("BTCUSD")] == [BTC]
        with pytest.raises(UnknownSymbol):
            made.market.find_instrument(EXCHANGE, "NO-SUCH")
        with pytest.raises(UnknownExchange):
            made.market.find_instrument("nowhere", SYMBOL)


async def test_a_list_of_five_thousand_comes_in_parts():
    instruments = many(5_000)
    async with pair(instruments=instruments) as made:
        await asyncio.sleep(0.3)
        assert made.market.instruments(EXCHANGE) == instruments
        assert made.market.find_instrument(EXCHANGE, "xcoin4999usd").base == "COIN4999"
        assert 512 * 1024 < made.network.largest < 600 * 1024, "NATS takes 1 MB"


async def test_a_large_book_comes_in_parts():
    async with pair() as made:
        made.market.hold(BTC, "test")
        await made.market.wait_live(BTC, 5)
        bids = [(f"9.{at:012}", "1.000000000000") for at in range(40_000, 0, -1)]
        made.played.snapshot(SYMBOL, bids, [("11.0", "1")])
        await asyncio.sleep(0.1)
        assert made.market.live_book(BTC).book.top_text(50_000) == (bids, [("11.0", "1")])
        assert made.network.largest < 600 * 1024


async def test_a_list_whose_parts_are_lost_is_asked_for_again():
    async with pair(instruments=many(5_000)) as made:
        made.network.loss = 0.2
        await asyncio.sleep(60)
        assert len(made.market.instruments(EXCHANGE)) == 5_000, "asked for again until all parts came"


async def test_a_question_that_cannot_be_read_or_answered_ends_no_collecting(monkeypatch):
    async with live_pair() as made:
        for question in (b"", b"\xff", encode("what?")):
            with pytest.raises(NotHere):
                await ask(made.near, SUBJECTS.market(ExchangePart(EXCHANGE)), f"q{question}", question)
        instrument = made.collector.exchange.listed[SYMBOL]
        monkeypatch.setattr(made.collector.exchange, "klines", None)
        with pytest.raises(ExchangeUnavailable):
            await made.market.klines(EXCHANGE, SYMBOL, MINUTE)
        assert made.market.find_instrument(EXCHANGE, SYMBOL) == instrument
        made.played.change([("10.5", "2")], [])
        await asyncio.sleep(0.3)
        assert made.is_live


async def test_a_change_of_the_list_is_followed():
    async with pair() as made:
        await asyncio.sleep(0.3)
        exchange = made.collector.exchange
        halted = replace(exchange.listed[SYMBOL], status="halt")
        exchange.listed = {SYMBOL: halted}
        exchange.left = {"ETH-USD": replace(listed(EXCHANGE)["ETH-USD"], status="delisted")}
        await asyncio.sleep(0.3)
        status = made.market.trading_status
        assert status(BTC) == "halt"
        assert status(InstrumentId(EXCHANGE, "ETH-USD")) == "delisted"
        assert status(InstrumentId(EXCHANGE, "SOL-USD")) == "not_listed"
        exchange.left = {}
        await asyncio.sleep(0.3)
        assert status(InstrumentId(EXCHANGE, "ETH-USD")) == "not_listed"
        made.market.hold(BTC, "test")
        await made.market.wait_live(BTC, 5)
        assert made.market.view(BTC, 1).reason == "not trading: halt"


async def test_before_any_collector_the_cached_list_counts_and_the_exchange_is_down():
    clock = LoopClock()
    node = MessengerNetwork().node("reader")
    market = reader(node, clock, cached={EXCHANGE: listed(EXCHANGE).values()})
    async with asyncio.TaskGroup() as group:
        task = group.create_task(market.run())
        await asyncio.sleep(1)
        (status,) = market.exchanges()
        assert (status.state, status.reason) == ("down", "no collector of it is known")
        assert (status.instruments, status.integrity) == (3, PlayedExchange({}, clock).status().integrity)
        assert market.find_instrument(EXCHANGE, "BTCUSD").id == BTC
        assert market.trading_status(BTC) == "trading"
        market.hold(BTC, "test")
        with pytest.raises(BookUnavailable, match="no collector of it is known"):
            await market.wait_live(BTC, 1)
        with pytest.raises(ExchangeUnavailable, match="no collector of it is known"):
            await market.klines(EXCHANGE, SYMBOL, MINUTE)
        task.cancel()


async def test_without_a_list_it_says_why():
    market = reader(MessengerNetwork().node("reader"), LoopClock())
    with pytest.raises(ExchangeUnavailable, match="not known yet: no collector of it is known"):
        market.find_instrument(EXCHANGE, SYMBOL)
    assert market.trading_status(BTC) == "trading"


async def test_candles_are_the_collectors_and_so_are_its_failures():
    async with pair() as made:
        await asyncio.sleep(0.3)
        found = await made.market.klines(EXCHANGE, "btcusd", MINUTE, limit=3, start=5)
        assert [one.volume for one in found.candles] == [0, 1, 2]
        assert found == await made.collector.exchange.klines(
            made.collector.exchange.listed[SYMBOL], MINUTE, limit=3, start=5, end=None
        )
        made.collector.exchange.refuses = "it bans us"
        with pytest.raises(ExchangeUnavailable, match="it bans us") as error:
            await made.market.klines(EXCHANGE, SYMBOL, MINUTE)
        assert error.value.retry_after == 7
        made.far.cut()
        with pytest.raises(ExchangeUnavailable, match="no candles now"):
            await made.market.klines(EXCHANGE, SYMBOL, MINUTE)


async def test_how_the_collected_books_fare_is_told():
    async with live_pair() as made:
        await asyncio.sleep(1.5)
        (book,) = made.market.collected("Binance")
        assert (book.instrument, book.status) == (BTC, "live")
        made.played.book().resync("a gap")
        await asyncio.sleep(6)
        (book,) = made.market.collected(EXCHANGE)
        assert (book.status, book.reason, book.resyncs) == ("resyncing", "a gap", 1)


async def test_trades_reach_who_listens_and_lost_ones_are_counted():
    async with live_pair() as made:
        market, heard = made.market, []
        market.registry.trades.listen(lambda _, trade: heard.append(trade.quantity))
        begin = made.clock.now()
        made.played.trade("10", "1")
        made.network.loss = 1
        made.played.trade("10", "0.1")
        made.network.loss = 0
        await asyncio.sleep(0.6)
        assert (heard, market.traded(BTC)) == ([1], (Decimal("1.1"), 11))
        assert market.traded_since(BTC, begin - 1) == Decimal("1.1")
        made.network.loss = 1
        made.played.trade("10", "0.2")
        made.network.loss = 0
        made.played.trade("10", "2")
        await asyncio.sleep(0.001)
        assert (heard, market.traded(BTC)) == ([1, 2], (Decimal("3.3"), 33)), "the next one shows it"
        assert [one.quantity for one in market.recent_trades(BTC)] == [1, 2]


async def test_totals_go_on_with_a_new_owner():
    async with live_pair() as made:
        made.played.trade("10", "1")
        await asyncio.sleep(0.001)
        made.task.cancel()
        made.succeed("second", epoch=2)
        await asyncio.sleep(1.5)
        assert made.market.traded(BTC) == (1, 10)
        heard = []
        made.market.registry.trades.listen(lambda _, trade: heard.append(trade.quantity))
        made.played.trade("10", "0.4")
        await asyncio.sleep(0.001)
        assert (heard, made.market.traded(BTC)) == ([Decimal("0.4")], (Decimal("1.4"), 14))
        made.network.loss = 1
        made.played.trade("10", "0.1")
        made.network.loss = 0
        await asyncio.sleep(0.6)
        assert made.market.traded(BTC) == (Decimal("1.5"), 15)
        made.network.tell("first", SUBJECTS.trades(BTC), encode(_trade(epoch=1, number=2)))
        await asyncio.sleep(0.6)
        assert made.market.traded(BTC) == (Decimal("1.5"), 15), "the old owner counts no more"


async def test_who_comes_later_sees_the_newest_trades_and_counts_none_of_them():
    async with live_pair() as made:
        for at in range(1, 4):
            made.played.trade("10", str(at))
        later = reader(made.network.node("later"), made.clock, node="later")
        task = made.group.create_task(later.run())
        await asyncio.sleep(0.3)
        later.hold(BTC, "test")
        await later.wait_live(BTC, 5)
        assert [one.quantity for one in later.recent_trades(BTC)] == [1, 2, 3]
        assert later.traded(BTC) == (0, 0)
        made.played.trade("10", "4")
        await asyncio.sleep(0.3)
        assert [one.quantity for one in later.recent_trades(BTC)] == [1, 2, 3, 4]
        assert later.traded(BTC) == (4, 40)
        assert later.live_book(BTC).seq == made.market.live_book(BTC).seq, "the same on every node"
        task.cancel()


def _trade(*, epoch: int, number: int) -> TradeTold:
    moment, one = 1_700_000_000_000_000_000, Decimal(1)
    so_far = TradedSoFar(number, Decimal(99), Decimal(99))
    return TradeTold(
        epoch, so_far.number, so_far.base, so_far.quote, "2", one, one, "buy", moment, moment, True
    )
