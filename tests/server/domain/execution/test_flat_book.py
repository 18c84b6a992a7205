"""domain/execution: what own impact costs on a flat book, against values worked out by hand.

The book has one unit at each tick, so its density is 1; an order of ``M`` units is sliced every 10 s. Costs
are counted from the undisturbed best price. A unit at tick *i* stands for the distances *i* to *i + 1* and
costs *i*, so the cost of the continuous book is that of the grid and half a unit for each unit taken:
``cost(continuous) = cost(grid) / M² + 1 / (2·M)``, exactly.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twap_models.enums import Side
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution.impact import ImpactMemory, LevelKey
from twap_server.domain.execution.matching import ExchangeLevels, PriceBounds, VenueLevel, match
from twap_server.domain.execution.price_shift import ShiftMemory, SideKey, reached, within_reach
from twap_server.domain.market.events import PriceLevel
from twap_server.domain.market.instrument import InstrumentId

HERE = InstrumentId("binance", "BTC-USDT")
BEST = 1_000
ONE = Decimal(1)
UNITS = 6720
"""Of the whole order: what is taken and what comes back are whole numbers of it."""


def book(units: int = 2 * UNITS) -> Iterator[PriceLevel]:
    return (PriceLevel(Decimal(BEST + tick), ONE) for tick in range(units))


def paid(fills: Sequence[VenueLevel]) -> Fraction:
    """From the best price, in units × ticks."""
    return sum((Fraction(fill.quantity) * (Fraction(fill.price) - BEST) for fill in fills), Fraction(0))


def continuous(grid: Fraction, units: int) -> Fraction:
    """The cost of the continuous book for an order of 1."""
    return grid / units**2 + Fraction(1, 2 * units)


def at_the_price(parts: Sequence[Fraction], half_life: int | None = 10) -> Fraction:
    """Cost of these slices where what was taken halves at its price; None: it comes back at once."""
    second = 0
    memory = ImpactMemory(half_life=10 * SECOND, monotonic=lambda: Nanos(second * SECOND))
    lot, cost = Decimal(1) / 4096, Fraction(0)
    bounds = PriceBounds(side=Side.BUY)

    def available(offer: VenueLevel) -> Decimal:
        key = LevelKey("ada", HERE, Side.BUY, offer.price)
        return offer.quantity - memory.remembered(key, level_epoch=1, lot=lot)

    for part in parts:
        wanted = Decimal((part * UNITS).numerator)
        done = match(wanted, [ExchangeLevels(exchange="b", levels=book())], bounds, available=available)
        for fill in done.fills:
            if half_life is not None:
                memory.take(LevelKey("ada", HERE, Side.BUY, fill.price), fill.quantity, level_epoch=1)
        cost += paid(done.fills)
        second += 10
    return continuous(cost, UNITS)


def shifted(parts: Sequence[Fraction], units: int = UNITS) -> Fraction:
    """Cost of these slices where the distance that was walked halves."""
    second = 0
    memory = ShiftMemory(half_life=10 * SECOND, monotonic=lambda: Nanos(second * SECOND))
    key, cost = SideKey("ada", HERE, Side.BUY), Fraction(0)
    for part in parts:
        before = memory.distance(key)
        levels = within_reach(book(2 * units), Side.BUY, before, tick=ONE)
        wanted = Decimal((part * units).numerator)
        fills = match(wanted, [ExchangeLevels(exchange="b", levels=levels)], PriceBounds(side=Side.BUY)).fills
        last = fills[-1]
        end = reached(book(2 * units), Side.BUY, before, tick=ONE, price=last.price, quantity=last.quantity)
        memory.walk_to(key, end)
        cost += paid(fills)
        second += 10
    return continuous(cost, units)


def equal(count: int) -> list[Fraction]:
    return [Fraction(1, count)] * count


@pytest.mark.parametrize(
    ("count", "cost"),
    [
        (2, Fraction(11, 32)),
        (3, Fraction(25, 96)),
        (5, Fraction(2219, 12800)),
        (6, Fraction(3641, 24576)),
    ],
)
def test_equal_slices_where_what_was_taken_halves_at_its_price(count: int, cost: Fraction) -> None:
    assert at_the_price(equal(count)) == cost


@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_without_memory_each_slice_costs_as_the_first(count: int) -> None:
    assert at_the_price(equal(count), None) == Fraction(1, 2 * count)


def test_the_best_schedule_begins_with_twice_the_others() -> None:
    best = [Fraction(2, 7), *[Fraction(1, 7)] * 5]
    assert at_the_price(best) == Fraction(1, 7)


@pytest.mark.parametrize(
    ("parts", "cost"),
    [
        (equal(6), Fraction(25, 128)),
        ([Fraction(1, 4), *[Fraction(1, 8)] * 4, Fraction(1, 4)], Fraction(3, 16)),
        (equal(5), Fraction(89, 400)),
        ([Fraction(2, 7), *[Fraction(1, 7)] * 3, Fraction(2, 7)], Fraction(3, 14)),
    ],
)
def test_slices_where_the_distance_walked_halves(parts: list[Fraction], cost: Fraction) -> None:
    assert shifted(parts) == cost


_SMALL = 224
"""Units of an order whose parts of 1/7 and 1/8 halve five times and stay whole."""


@settings(max_examples=25, deadline=None)
@given(
    first=st.integers(0, 5),
    second=st.integers(0, 5),
    moved=st.integers(1, 28).map(lambda n: Fraction(n, 224)),
)
def test_the_best_schedule_of_the_price_shift_cannot_be_bettered(
    first: int, second: int, moved: Fraction
) -> None:
    parts = [Fraction(1, 4), *[Fraction(1, 8)] * 4, Fraction(1, 4)]
    assert shifted(parts, _SMALL) == Fraction(3, 16)
    if first != second and parts[first] > moved:
        parts[first] -= moved
        parts[second] += moved
        assert shifted(parts, _SMALL) > Fraction(3, 16) - Fraction(1, 2 * _SMALL**2)
