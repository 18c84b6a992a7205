"""Each simulated exchange, over real sockets: what the collector reads of it is what its market is."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from support.collector.parts import statuses, until
from support.collector.stepped import Stepped, stepped
from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.market.candles import length
from twap_server.domain.market.events import BookStatus, Candle, PriceLevel
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.registry import EXCHANGES
from twap_server.venue.book import VenueLadder
from twap_server.venue.candles import VenueCandle, minutes
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.registry import PROTOCOLS
from twap_server.venue.source import Pair

SHAPES = {shape.name: shape for shape in EXCHANGES}
LEVELS = 10
"""What a checksum covers."""
OWN_PHASE = (Interval.D3, Interval.W1, Interval.MONTH)
"""Intervals whose begin an exchange chooses itself."""
each = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.name)
Level = tuple[Decimal, Decimal]


def test_every_simulated_exchange_is_one_of_the_server() -> None:
    assert {one.name for one in PROTOCOLS} <= set(SHAPES)


def in_units(ladder: VenueLadder, pair: Pair) -> list[Level]:
    scale, lot = Decimal(10) ** -pair.spec.price_decimals, Decimal("1e-8")
    return [(price * scale, quantity * lot) for price, quantity in ladder.top(LEVELS)]


def seen(levels: Sequence[PriceLevel]) -> list[Level]:
    return [(level.price, level.quantity) for level in levels]


def is_right(world: Stepped, pair: Pair, instrument: Instrument) -> bool:
    """Whether the collector's book is live, and is the simulated one."""
    view = world.market.view(instrument.id, LEVELS)
    return (
        view is not None
        and view.status is BookStatus.LIVE
        and seen(view.bids) == in_units(pair.book.bids, pair)
        and seen(view.asks) == in_units(pair.book.asks, pair)
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
    async with stepped(protocol) as world:
        await all_live(world)
        world.source.play(20)
        await moving(world, lambda: True)
        for pair, instrument in world.pairs():
            await until(lambda pair=pair, instrument=instrument: is_right(world, pair, instrument))


@each
async def test_trades_are_those_of_the_market(protocol: VenueProtocol) -> None:
    async with stepped(protocol) as world:
        await all_live(world)
        made = {pair.spec.symbol: pair.trades[-1].id if pair.trades else 0 for pair, _ in world.pairs()}
        before = {instrument.id: world.market.traded(instrument.id)[0] for _, instrument in world.pairs()}
        world.source.play(60)
        for pair, instrument in world.pairs():
            fresh = sum(one.qty for one in pair.trades if one.id > made[pair.spec.symbol])
            assert fresh
            wanted = before[instrument.id] + fresh * Decimal("1e-8")
            await until(
                lambda instrument=instrument, wanted=wanted: world.market.traded(instrument.id)[0] >= wanted
            )


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
