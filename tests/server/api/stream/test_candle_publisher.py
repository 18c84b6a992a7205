"""api/stream/candle_publisher.py: the candle that forms, and the exchange's own when it has ended."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from support.api.fakes import HandMarket, view
from support.clocks import EPOCH, HurriedClock, LoopClock
from support.collector.parts import collecting, until
from twap_models import exact_json
from twap_models.enums import Interval, Side
from twap_server.api.stream import candle_publisher
from twap_server.api.stream.candle_publisher import CandlePublisher
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos, to_iso
from twap_server.domain.errors import BookUnavailable, ExchangeUnavailable
from twap_server.domain.market.candles import bucket_start
from twap_server.domain.market.events import BookStatus, Candle, CandleRange, Trade
from twap_server.domain.market.instrument import InstrumentId
from twap_server.feed.bus import Bus, CandleTopic, EncodedMessage, Inbox
from twap_server.feed.mailbox import Mailbox
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

BTC = InstrumentId("binance", "BTC-USDT")
TOPIC = CandleTopic("binance", "BTC-USDT", "btcusdt", Interval.M1)
BEGIN = bucket_start(EPOCH, Interval.M1)
FIRST = (EPOCH - BEGIN) // SECOND
"""Seconds of the minute that are over when a test begins."""


class TradedMarket(HandMarket):
    """An exchange whose candles are those of its trades."""

    def __init__(self, clock: LoopClock) -> None:
        super().__init__()
        self.clock = clock
        self.made: list[Trade] = []
        self.asks = 0
        self.away = False
        self.change: Callable[[Candle], Candle] = lambda candle: candle

    def make(self, price: str, quantity: str = "0.5", *, heard: bool = True, back_s: float = 0) -> None:
        """Somebody trades; ``heard``: and the stream says so."""
        now = self.clock.now()
        made = Trade(
            symbol="BTC-USDT",
            trade_id=str(len(self.made) + 1),
            price=Decimal(price),
            quantity=Decimal(quantity),
            taker_side=Side.BUY,
            ts_exchange=Nanos(now - round(back_s * SECOND)),
            ts_received=now,
        )
        self.made.append(made)
        if heard:
            self.trade(BTC, made)

    async def klines(
        self,
        exchange: str,
        spelling: str,
        *,
        interval: Interval,
        limit: int,
        start: Nanos | None,
        end: Nanos | None,
    ) -> CandleRange:
        self.asks += 1
        if self.away:
            raise ExchangeUnavailable("binance does not answer")
        starts = sorted({bucket_start(one.ts_exchange, interval) for one in self.made})
        wanted = [one for one in starts if (start or 0) <= one <= (end or self.clock.now())]
        return CandleRange(candles=[self._candle(one) for one in wanted[-limit:]])

    def _candle(self, start: Nanos) -> Candle:
        inside = [one for one in self.made if bucket_start(one.ts_exchange, Interval.M1) == start]
        end = start + 60 * SECOND - MILLISECOND
        made = Candle(
            open_time=start,
            close_time=Nanos(end),
            open=inside[0].price,
            high=max(one.price for one in inside),
            low=min(one.price for one in inside),
            close=inside[-1].price,
            volume=sum((one.quantity for one in inside), Decimal(0)),
            closed=end < self.clock.now(),
        )
        return self.change(made) if made.closed else made


class Place:
    """A publisher at work under virtual time, and one reader."""

    def __init__(self) -> None:
        self.clock, self.bus = LoopClock(), Bus()
        self.market = TradedMarket(self.clock)
        self.publisher = CandlePublisher(self.market, self.bus, self.clock)
        self.market.on_trade.append(self.publisher.on_trade)
        self.inbox: Inbox = Mailbox(capacity=1)

    async def at(self, second: float) -> None:
        """Wait until so many seconds after the begin of the first minute."""
        await asyncio.sleep(second - (self.clock.now() - BEGIN) / SECOND)

    async def told(self, inbox: Inbox | None = None) -> list[dict[str, Any]]:
        """All that waits for the reader."""
        inbox, found = inbox or self.inbox, []
        while len(inbox):
            item = await inbox.get()
            assert isinstance(item, EncodedMessage)
            found.append(json.loads(item.text))
        return found


@asynccontextmanager
async def publishing() -> AsyncIterator[Place]:
    place = Place()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(place.publisher.run())
        await asyncio.sleep(0)
        yield place
        running.cancel()


def figures(told: dict[str, Any]) -> tuple[object, ...]:
    return tuple(told[name] for name in ("open", "high", "low", "close", "volume"))


@pytest.mark.looptime
async def test_the_exchanges_candle_is_carried_on_by_trades_and_its_own_comes_when_it_has_ended() -> None:
    async with publishing() as place:
        market = place.market
        market.make("100", "1", heard=False)
        await place.at(FIRST + 1)
        place.publisher.begin(TOPIC, place.inbox)
        await place.at(FIRST + 1.5)
        market.make("103", "0.25")
        await place.at(FIRST + 3.1)
        (first,) = await place.told()
        assert first | {"open_time": "", "close_time": ""} == {
            "type": "kline",
            "exchange": "binance",
            "symbol": "btcusdt",
            "instrument": "BTC-USDT",
            "interval": "1m",
            "open_time": "",
            "open": 100,
            "high": 103,
            "low": 100,
            "close": 103,
            "volume": 1.25,
            "close_time": "",
            "closed": False,
            "status": "live",
            "reason": "",
            "exact": False,
        }
        assert first["open_time"] == to_iso(BEGIN)
        assert first["close_time"] == to_iso(BEGIN + 60 * SECOND - MILLISECOND)
        await place.at(FIRST + 11)
        (proven,) = await place.told()
        assert (proven["exact"], figures(proven)) == (True, figures(first))
        market.make("99", "0.5")
        await place.at(59.5)
        assert [figures(one) for one in await place.told()] == [(100, 103, 99, 99, 1.75)]
        await place.at(60.5)
        market.make("98", "2", back_s=1)
        market.make("97", "4")
        await place.at(61.9)
        new = await place.told()
        assert [(figures(one), one["closed"], one["exact"]) for one in new] == [
            ((97, 97, 97, 97, 4), False, True)
        ], "it needs the exchange's no more"
        await place.at(62.5)
        (closed,) = await place.told()
        assert (closed["closed"], closed["open_time"], closed["exact"]) == (True, first["open_time"], True)
        assert figures(closed) == (100, 103, 98, 98, 3.75)
        asks = market.asks
        await place.at(119)
        assert market.asks == asks, "nothing is asked while all is known"
        assert await place.told() == [], "nothing has changed"


@pytest.mark.looptime
async def test_a_closed_candle_is_the_exchanges_own_where_ours_differs_or_is_not_proven() -> None:
    async with publishing() as place:
        market = place.market
        place.publisher.begin(TOPIC, place.inbox)
        market.change = lambda candle: replace(candle, volume=candle.volume + 7)
        for second in (61, 62, 121):
            await place.at(second)
            market.make("100", "1")
        await place.at(125)
        assert not [one for one in await place.told() if one["closed"]], "it may still write to it"
        await place.at(140)
        closed = [one for one in await place.told() if one["closed"]]
        assert [(one["open_time"], figures(one)) for one in closed] == [
            (to_iso(BEGIN + 60 * SECOND), (100, 100, 100, 100, 9))
        ]


@pytest.mark.looptime
async def test_while_the_exchange_does_not_answer_it_is_asked_again() -> None:
    async with publishing() as place:
        market = place.market
        market.make("100", "1", heard=False)
        market.away = True
        place.publisher.begin(TOPIC, place.inbox)
        await place.at(59)
        assert await place.told() == [], "nothing is known"
        assert market.asks <= 6
        await place.at(61)
        market.make("101", "1")
        await place.at(75)
        assert [one["closed"] for one in await place.told()] == [False], "what the trades show alone"
        market.away = False
        await place.at(140)
        closed = [figures(one) for one in await place.told() if one["closed"]]
        assert closed == [(100, 100, 100, 100, 1), (101, 101, 101, 101, 1)]
        await place.at(400)
        assert await place.told() == []


@pytest.mark.looptime
async def test_after_a_lost_connection_it_says_so_and_asks_the_exchange_anew() -> None:
    async with publishing() as place:
        market = place.market
        place.publisher.begin(TOPIC, place.inbox)
        await place.at(61)
        market.make("100", "1")
        await place.at(63.5)
        assert (await place.told())[-1]["exact"]
        market.books[BTC] = view(status=BookStatus.STALE)
        place.publisher.on_status(BTC)
        market.make("120", "1", heard=False)
        await place.at(65)
        (stale,) = await place.told()
        assert (stale["status"], stale["reason"], figures(stale)) == (
            "stale", "nothing came for a while", (100, 100, 100, 100, 1),
        )  # fmt: skip
        market.books[BTC] = view()
        place.publisher.on_status(BTC)
        await place.at(67)
        (back,) = await place.told()
        assert (back["status"], back["exact"], figures(back)) == ("live", False, (100, 120, 100, 120, 2))
        market.make("110", "1")
        await place.at(80)
        assert [(one["exact"], figures(one)) for one in await place.told()][-1] == (
            True, (100, 120, 100, 110, 3),
        )  # fmt: skip


@pytest.mark.looptime
async def test_a_trade_that_was_missed_is_noticed_by_the_next() -> None:
    async with publishing() as place:
        market = place.market
        place.publisher.begin(TOPIC, place.inbox)
        await place.at(61)
        market.make("100", "1")
        market.make("120", "1", heard=False)
        market.make("100", "1")
        await place.at(75)
        told = await place.told()
        assert (told[-1]["exact"], figures(told[-1])) == (True, (100, 120, 100, 100, 3))


@pytest.mark.looptime
async def test_one_live_candle_for_all_who_read_it_under_their_own_spellings() -> None:
    async with publishing() as place:
        other: Inbox = Mailbox(capacity=1)
        place.market.make("100", "1")
        place.publisher.begin(TOPIC, place.inbox)
        await place.at(FIRST + 1)
        asks = place.market.asks
        place.publisher.begin(TOPIC._replace(asked="BTC-USDT"), other)
        assert [one["symbol"] for one in await place.told(other)] == ["BTC-USDT"], "at once what is known"
        assert place.market.asks == asks == 1
        place.market.make("101", "1")
        await place.at(FIRST + 2.5)
        assert [one["symbol"] for one in await place.told()] == ["btcusdt"]
        assert [one["symbol"] for one in await place.told(other)] == ["BTC-USDT"]
        for topic, inbox in ((TOPIC, place.inbox), (TOPIC._replace(asked="BTC-USDT"), other)):
            place.bus.unsubscribe_candles(topic, inbox)
        await place.at(FIRST + 4)
        asks = place.market.asks
        await place.at(200)
        assert place.market.asks == asks, "nobody reads it, nobody asks"


@pytest.mark.looptime
async def test_where_nothing_is_traded_the_newest_that_has_ended_is_shown() -> None:
    async with publishing() as place:
        place.market.make("100", "1")
        await place.at(61)
        place.publisher.begin(TOPIC, place.inbox)
        await place.at(80)
        (newest,) = await place.told()
        assert (newest["closed"], newest["open_time"]) == (True, to_iso(BEGIN))
        place.publisher.begin(TOPIC, place.inbox)
        assert await place.told() == [newest]
        await place.at(200)
        assert await place.told() == [], "nothing is invented"


@pytest.mark.looptime
async def test_there_is_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_publisher, "_MOST", 1)
    async with publishing() as place:
        place.publisher.check_room(TOPIC)
        place.publisher.begin(TOPIC, place.inbox)
        place.publisher.check_room(TOPIC._replace(asked="BTC-USDT"))
        with pytest.raises(BookUnavailable, match="1 candles are followed"):
            place.publisher.check_room(TOPIC._replace(interval=Interval.H1))


async def test_on_the_simulated_venue_each_closed_candle_is_the_exchanges_own() -> None:
    """Over real sockets, twenty times as fast; of an interval that the exchange has and of one it lacks."""
    clock, bus = HurriedClock(), Bus()
    async with (
        Venue(SyntheticSource(seed=5, clock=clock), clock=clock) as venue,
        collecting(venue.urls(), clock=clock) as market,
        asyncio.TaskGroup() as group,
    ):
        await until(lambda: market.loaded("binance") and market.loaded("kraken"))
        publisher = CandlePublisher(market, bus, clock)
        market.registry.listen(publisher.on_status)
        market.registry.trades.listen(publisher.on_trade)
        running = group.create_task(publisher.run())
        closed: dict[CandleTopic, list[dict[str, Any]]] = {}
        inboxes: dict[CandleTopic, Inbox] = {}
        for exchange in ("binance", "kraken"):
            for interval in (Interval.M1, Interval.M3):
                topic = CandleTopic(exchange, "BTC-USDT", "btcusdt", interval)
                closed[topic], inboxes[topic] = [], Mailbox(capacity=1)
                market.hold(InstrumentId(exchange, "BTC-USDT"), "test")
                publisher.begin(topic, inboxes[topic])
        async with asyncio.timeout(60):
            while min(map(len, closed.values())) < 1:
                await asyncio.sleep(0.05)
                for topic, inbox in inboxes.items():
                    while len(inbox):
                        item = await inbox.get()
                        assert isinstance(item, EncodedMessage)
                        told = exact_json.loads(item.text)
                        closed[topic] += [told] if told["closed"] else []
        for topic, told_ones in closed.items():
            found = await market.klines(topic.exchange, "BTC-USDT", topic.interval, limit=5)
            own = {to_iso(one.open_time): one for one in found.candles}
            for told in told_ones:
                ours = own[told["open_time"]]
                assert figures(told) == (ours.open, ours.high, ours.low, ours.close, ours.volume), topic
        running.cancel()
