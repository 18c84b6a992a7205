"""Each simulated exchange, over real sockets: what the collector reads of it is what its market is."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import cast

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from support.collector.parts import HastyClock, statuses, until
from support.collector.stepped import SMALL, TWO_ASSETS, Stepped, SteppedSource, stepped
from twap_models.enums import Integrity, Interval, Side
from twap_server.clock import SystemClock
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.market.candles import length
from twap_server.domain.market.events import (
    BookStatus,
    Candle,
    Heartbeat,
    MarketEvent,
    PriceLevel,
    Refused,
    Reply,
)
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.registry import EXCHANGES
from twap_server.venue.book import VenueLadder
from twap_server.venue.candles import VenueCandle, VenueTrade, minutes
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.registry import PROTOCOLS
from twap_server.venue.server import Venue
from twap_server.venue.session import VenueSession
from twap_server.venue.source import Pair

SHAPES = {shape.name: shape for shape in EXCHANGES}
LEVELS = 10
"""What a checksum covers."""
OWN_PHASE = (Interval.D3, Interval.W1, Interval.MONTH)
"""Intervals whose begin an exchange chooses itself."""
each = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.name)
Level = tuple[Decimal, Decimal]


def test_each_exchange_of_the_server_can_be_simulated() -> None:
    assert {one.name for one in PROTOCOLS} == set(SHAPES)


def in_units(ladder: VenueLadder, pair: Pair, levels: int) -> list[Level]:
    scale, lot = Decimal(10) ** -pair.spec.price_decimals, Decimal("1e-8")
    return [(price * scale, quantity * lot) for price, quantity in ladder.top(levels)]


def seen(levels: Sequence[PriceLevel]) -> list[Level]:
    return [(level.price, level.quantity) for level in levels]


def is_right(world: Stepped, pair: Pair, instrument: Instrument) -> bool:
    """Whether the collector's book is live, and is the simulated one."""
    levels = min(LEVELS, SHAPES[world.name].usual_depth or LEVELS)
    view = world.market.view(instrument.id, levels)
    return (
        view is not None
        and view.status is BookStatus.LIVE
        and seen(view.bids) == in_units(pair.book.bids, pair, levels)
        and seen(view.asks) == in_units(pair.book.asks, pair, levels)
    )


async def all_live(world: Stepped) -> None:
    await until(lambda: world.market.loaded(world.name))
    for _, instrument in world.pairs():
        world.market.hold(instrument.id, "test")
    for pair, instrument in world.pairs():
        await until(lambda pair=pair: pair.book)
        await moving(world, lambda instrument=instrument: is_live(world, instrument))


def is_live(world: Stepped, instrument: Instrument) -> bool:
    view = world.market.view(instrument.id, 1)
    return view is not None and view.status is BookStatus.LIVE


async def moving(world: Stepped, predicate) -> None:  # type: ignore[no-untyped-def]
    """Let the market move on until something is true."""

    def moved() -> bool:
        world.source.play(1)
        return bool(predicate())

    await until(moved, 15)


@each
async def test_books_are_those_of_the_market(protocol: VenueProtocol) -> None:
    async with stepped(protocol, TWO_ASSETS) as world:
        await all_live(world)
        world.source.play(20)
        await moving(world, lambda: True)
        for pair, instrument in world.pairs():
            await until(lambda pair=pair, instrument=instrument: is_right(world, pair, instrument))


@each
async def test_trades_are_those_of_the_market(protocol: VenueProtocol) -> None:
    async with stepped(protocol) as world:
        await all_live(world)
        (pair, instrument), *_ = world.pairs()
        await moving(world, lambda: world.market.recent_trades(instrument.id))
        world.source.play(60)
        made = [traded(one, pair) for one in pair.trades]
        await until(lambda: seen_trades(world, instrument)[-1] == made[-1])
        seen = seen_trades(world, instrument)
        assert len(seen) > 1
        assert seen == made[-len(seen) :]


def traded(one: VenueTrade, pair: Pair) -> tuple[Decimal, Decimal, Side, int]:
    price = one.price * Decimal(10) ** -pair.spec.price_decimals
    side = Side.BUY if one.taker_buys else Side.SELL
    return price, one.qty * Decimal("1e-8"), side, one.time // MILLISECOND


def seen_trades(world: Stepped, instrument: Instrument) -> list[tuple[Decimal, Decimal, Side, int]]:
    return [
        (one.price, one.quantity, one.taker_side, one.ts_exchange // MILLISECOND)
        for one in world.market.recent_trades(instrument.id)
    ]


@each
async def test_instruments_have_the_figures_of_the_market(protocol: VenueProtocol) -> None:
    async with stepped(protocol) as world:
        await until(lambda: world.market.loaded(world.name))
        for pair, instrument in world.pairs():
            spec = pair.spec
            assert instrument.lot_size == spec.step * Decimal("1e-8")
            assert instrument.tick_size <= Decimal(10) ** -spec.price_decimals
            assert bool(spec.contract) == (instrument.kind == "perpetual")


@each
async def test_candles_are_those_of_the_market(protocol: VenueProtocol) -> None:
    async with stepped(protocol) as world:
        await until(lambda: world.market.loaded(world.name))
        for pair, instrument in world.pairs():
            told = await candles(world, instrument, Interval.M1, limit=50)
            assert len(told) >= 49
            for one in pair.candles.rows(minutes(1), now_ms=max(told), start_ms=min(told)):
                assert told[one.open_ms] == made(one, pair)


@each
async def test_each_interval_of_candles_is_that_of_the_market(protocol: VenueProtocol) -> None:
    async with stepped(protocol) as world:
        await until(lambda: world.market.loaded(world.name))
        (pair, instrument), *_ = world.pairs()
        for interval in SHAPES[protocol.name].klines.native:
            told = await candles(world, instrument, interval, limit=1)
            assert len(told) == 1, interval
            if interval not in OWN_PHASE:
                (newest,) = pair.candles.rows(
                    minutes(length(interval) // (60 * SECOND)), now_ms=max(told), start_ms=max(told), limit=1
                )
                assert told[newest.open_ms] == made(newest, pair), interval


async def candles(
    world: Stepped, instrument: Instrument, interval: Interval, *, limit: int
) -> dict[int, tuple[Decimal, ...]]:
    """What the collector reads, by the begin in milliseconds."""
    found = await world.market.klines(world.name, instrument.id.symbol, interval, limit=limit)
    return {one.open_time // MILLISECOND: figures(one) for one in found.candles}


def figures(one: Candle) -> tuple[Decimal, ...]:
    return one.open, one.high, one.low, one.close, one.volume


def made(one: VenueCandle, pair: Pair) -> tuple[Decimal, ...]:
    scale = Decimal(10) ** -pair.spec.price_decimals
    prices = (price * scale for price in (one.open, one.high, one.low, one.close))
    return *prices, one.volume * Decimal("1e-8")


@each
@pytest.mark.parametrize("fault", ["gap", "repeat", "reorder", "garbage", "disconnect", "crossed", "badsum"])
async def test_after_each_fault_the_books_are_right_again(protocol: VenueProtocol, fault: str) -> None:
    if not protocol.can_suffer(fault):
        return
    proven = SHAPES[protocol.name].integrity in (Integrity.SEQUENCE, Integrity.CHECKSUM)
    async with stepped(protocol) as world:
        await all_live(world)
        (pair, instrument), *_ = world.pairs()
        async with statuses(world.market, instrument.id) as told:
            world.venue.inject(fault)
            if fault in ("crossed", "badsum", "disconnect") or (
                fault == "gap" and SHAPES[protocol.name].integrity is Integrity.SEQUENCE
            ):
                await moving(world, lambda: any(status is not BookStatus.LIVE for status, _ in told))
        await moving(world, lambda: is_live(world, instrument))
        world.source.play(5)
        if fault in ("repeat", "garbage") or proven:
            await until(lambda: is_right(world, pair, instrument))


@each
async def test_an_instrument_that_is_gone_costs_no_other(protocol: VenueProtocol) -> None:
    """What it listed and does not know any more is refused, or stays silent."""
    async with stepped(protocol, TWO_ASSETS) as world:
        await until(lambda: world.market.loaded(world.name))
        pairs = world.pairs()
        (pair, kept), (gone, lost) = pairs[0], pairs[-1]
        world.source.delist(gone.spec.symbol)
        world.market.hold(lost.id, "test")
        world.market.hold(kept.id, "test")
        await moving(world, lambda: is_live(world, kept))
        async with statuses(world.market, kept.id) as told:
            world.source.play(5)
            await until(lambda: is_right(world, pair, kept))
        assert not is_live(world, lost)
        disturbed = [one for one in told if one[0] is not BookStatus.LIVE]
        assert not disturbed or SHAPES[protocol.name].closes_on_refusal


@each
async def test_a_ping_is_answered_and_the_answer_counts_for_no_heartbeat(protocol: VenueProtocol) -> None:
    shape, source = SHAPES[protocol.name], SteppedSource(protocol, SMALL)
    async with Venue(source, clock=SystemClock()) as venue:
        exchange = shape(**venue.urls()[protocol.name])
        stream = exchange.new_stream()
        if not stream.ping():
            return
        async with connect(exchange.ws_url) as socket, asyncio.timeout(10):
            await socket.send(stream.ping())
            while tuple(stream.decode(await socket.recv())) != ():
                pass  # it greets


@each
async def test_a_planned_close_leaves_no_gap_where_it_is_announced(protocol: VenueProtocol) -> None:
    if protocol.session.notice is VenueSession.notice:
        return
    async with stepped(protocol) as world:
        await all_live(world)
        (pair, instrument), *_ = world.pairs()
        before = connections(world)
        async with statuses(world.market, instrument.id) as told:
            world.venue.announce_shutdown(60)
            await moving(world, lambda: not before & connections(world))
            world.source.play(5)
            await until(lambda: is_right(world, pair, instrument))
        assert not [one for one in told if one[0] is not BookStatus.LIVE]


def connections(world: Stepped) -> set[int]:
    listed = cast("list[dict[str, int]]", world.venue.state()["connections"])
    return {one["id"] for one in listed}


@each
async def test_a_full_connection_is_within_what_the_exchange_allows(protocol: VenueProtocol) -> None:
    allowed = getattr(protocol.session, "most_topics", 0)
    if not allowed:
        return
    async with stepped(protocol) as world:
        (_, instrument), *_ = await until(lambda: world.market.loaded(world.name) and world.pairs())
        world.market.hold(instrument.id, "test")
        await until(lambda: any(instrument_topics(world)))
        await moving(world, lambda: is_live(world, instrument) and len(set(instrument_topics(world))) > 1)
        shape = SHAPES[protocol.name]
        opening = len(shape().new_stream().opening())
        per_instrument = len(instrument_topics(world)) - opening
        assert opening + per_instrument * shape.limits.symbols_per_connection <= allowed


def instrument_topics(world: Stepped) -> list[str]:
    """What is subscribed, of whichever connection."""
    listed = cast("list[dict[str, list[str]]]", world.venue.state()["connections"])
    return [topic for one in listed for topic in one["subscriptions"]]


class HundredfoldClock(SystemClock):
    """Real time in which waits are a hundredth as long: what is done more often is still done more often."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


@each
async def test_the_sign_of_life_that_the_collector_asks_for_comes(
    protocol: VenueProtocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, source = SHAPES[protocol.name], SteppedSource(protocol, SMALL)
    if not shape.liveness.beat_s:
        return
    monkeypatch.setattr(protocol.session, "idle_s", 0, raising=False)  # time flies: nobody is in time
    async with Venue(source, clock=HundredfoldClock()) as venue:
        exchange = shape(**venue.urls()[protocol.name])
        stream = exchange.new_stream()
        async with connect(exchange.ws_url) as socket, asyncio.timeout(10):
            for request in stream.opening():
                await socket.send(request.text)
            told: list[MarketEvent] = []
            while told.count(Heartbeat()) < 3:
                source.play(1)
                with suppress(TimeoutError):  # a stream may pause for some steps
                    heard = stream.decode(await asyncio.wait_for(socket.recv(), 0.05))
                    told += heard
                    for one in heard:
                        if isinstance(one, Reply):
                            await socket.send(one.text)
            assert not any(isinstance(one, Refused) for one in told)


@each
async def test_who_asks_for_nothing_is_cut_off_where_the_exchange_does_so(protocol: VenueProtocol) -> None:
    if not getattr(protocol.session, "idle_s", 0):
        return
    async with Venue(SteppedSource(protocol, SMALL), clock=HastyClock()) as venue, asyncio.timeout(10):
        socket = await connect(SHAPES[protocol.name](**venue.urls()[protocol.name]).ws_url)
        with pytest.raises(ConnectionClosed):
            while True:
                await socket.recv()
