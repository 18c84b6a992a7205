"""domain/execution/pre_trade_cost.py: parts sum to the whole; the short way equals walking every slice."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_models.enums import Fidelity, Side, SliceReason
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution.matching import ExchangeLevels, PriceBounds
from twap_server.domain.execution.pre_trade_cost import (
    BookWalk,
    Estimate,
    Moment,
    all_slices,
    estimate,
    sizes,
)
from twap_server.domain.market.events import PriceLevel
from twap_server.domain.orders.schedule import Schedule, slice_count

LOT = Decimal("0.001")
ASKS = (("100", "1"), ("101", "2"), ("103", "4"))
BIDS = (("99", "1"), ("98", "2"), ("96", "4"))
FEE = Decimal("0.001")


def moment(side: Side = Side.BUY, levels: Sequence[tuple[str, str]] | None = None) -> Moment:
    shown = levels or (ASKS if side is Side.BUY else BIDS)
    made = [PriceLevel(Decimal(price), Decimal(quantity)) for price, quantity in shown]
    return Moment(
        side=side,
        mid=Decimal("99.5"),
        touch=made[0].price,
        ladders=lambda: [ExchangeLevels(exchange="binance", levels=iter(made), fee=FEE)],
    )


def schedule(*, lots: int, length: int, interval: int) -> Schedule:
    return Schedule(
        quantity=lots * LOT,
        lot_size=LOT,
        start=Nanos(1_000 * SECOND),
        end=Nanos(1_000 * SECOND + length),
        interval=interval,
        count=slice_count(length, interval),
    )


@pytest.mark.parametrize(
    ("side", "notional"),
    [(Side.BUY, "251.5"), (Side.SELL, "246")],
)
def test_a_walk_pays_half_the_spread_the_depth_and_the_fee(side: Side, notional: str) -> None:
    # 2.5: all of the first level, 1.5 of the second
    made = estimate(Decimal("2.5"), moment(side), PriceBounds(side=side), Fidelity.DEPTH)
    assert (made.filled, made.unfilled, made.stopped_by) == (Decimal("2.5"), 0, None)
    assert (made.spread, made.notional) == (Decimal("1.25"), Decimal(notional))
    assert made.depth == Decimal("1.5")
    assert made.fees == made.notional * FEE
    assert made.total == made.spread + made.depth + made.fees
    assert made.total_bps == round(made.total / (Decimal("99.5") * made.filled) * 10_000, 4)


def test_limit_and_depth_leave_something_unfilled() -> None:
    limited = estimate(Decimal(5), moment(), PriceBounds(side=Side.BUY, limit=Decimal(101)), Fidelity.DEPTH)
    assert (limited.filled, limited.unfilled) == (Decimal(3), Decimal(2))
    assert limited.stopped_by is SliceReason.LIMIT_NOT_MET
    swept = estimate(Decimal(10), moment(), PriceBounds(side=Side.BUY), Fidelity.DEPTH)
    assert (swept.filled, swept.stopped_by) == (Decimal(7), SliceReason.DEPTH_EXHAUSTED)
    none = estimate(Decimal(1), moment(), PriceBounds(side=Side.BUY, limit=Decimal(99)), Fidelity.DEPTH)
    assert (none.filled, none.average_price, none.total_bps, none.total) == (0, None, None, 0)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("limit", [None, "99.5"])
def test_a_zero_is_never_minus_zero(side: Side, limit: str | None) -> None:
    # at the touch nothing is paid for depth; at a limit in the spread nothing fills at all
    bounds = PriceBounds(side=side, limit=None if limit is None else Decimal(limit))
    made = estimate(Decimal(1), moment(side), bounds, Fidelity.DEPTH).times(3)
    figures = [made.filled, made.unfilled, made.spread, made.depth, made.fees, made.total, made.notional]
    assert made.depth == 0 and not any(figure.is_signed() for figure in figures)


def test_l1_fills_all_at_the_touch() -> None:
    made = estimate(Decimal(10), moment(), PriceBounds(side=Side.BUY), Fidelity.L1)
    assert (made.filled, made.average_price, made.depth) == (Decimal(10), Decimal(100), 0)


@given(lots=st.integers(1, 10**6), length=st.integers(1, 10**13), interval=st.integers(1, 10**13))
def test_the_sizes_are_those_of_the_schedule(lots: int, length: int, interval: int) -> None:
    plan = schedule(lots=lots, length=length, interval=max(interval, length // 300))
    short = Counter({size: 0 for size, _ in sizes(plan)})
    for size, count in sizes(plan):
        short[size] += count
    every = Counter(size for index in range(plan.count) if (size := plan.size(index)))
    assert short == every
    for skipped in (1, plan.count // 2, plan.count - 1):
        later = [plan.size(index) for index in range(skipped, plan.count)]
        assert sum(size * count for size, count in sizes(plan, skipped=skipped)) == sum(later)


@given(lots=st.integers(1, 30_000), count=st.integers(1, 60), side=st.sampled_from(Side))
def test_the_short_way_equals_walking_every_slice(lots: int, count: int, side: Side) -> None:
    plan = schedule(lots=lots, length=count * SECOND, interval=SECOND)
    bounds, now = PriceBounds(side=side), moment(side)
    slices = all_slices(plan, now, bounds, Fidelity.DEPTH)
    sweep = estimate(plan.quantity, now, bounds, Fidelity.DEPTH)
    walked = Estimate()
    for index in range(plan.count):
        if size := plan.size(index):
            walked = walked.plus(estimate(size, now, bounds, Fidelity.DEPTH))
    assert slices == walked
    assert slices.filled + slices.unfilled == plan.quantity == sweep.filled + sweep.unfilled
    assert slices.total <= sweep.total or slices.filled > sweep.filled


def test_many_slices_are_no_more_work_than_few() -> None:
    asked = 0

    def ladders() -> Sequence[ExchangeLevels]:
        nonlocal asked
        asked += 1
        return moment().ladders()

    watched = Moment(side=Side.BUY, mid=Decimal("99.5"), touch=Decimal(100), ladders=ladders)
    plan = schedule(lots=10**9, length=100_000 * SECOND, interval=SECOND)
    all_slices(plan, watched, PriceBounds(side=Side.BUY), Fidelity.DEPTH)
    assert asked <= 3


@given(
    levels=st.lists(
        st.tuples(st.integers(1, 500), st.integers(1, 50)),
        min_size=1,
        max_size=12,
        unique_by=lambda one: one[0],
    ),
    most=st.integers(1, 400),
    share=st.floats(0, 1),
)
def test_the_beginning_of_a_walk_is_the_walk_of_less(
    levels: list[tuple[int, int]], most: int, share: float
) -> None:
    """What ``all_slices`` takes of one walk is what each slice's own walk would come to."""
    less = max(1, int(most * share))
    book = sorted((Decimal(price), Decimal(quantity)) for price, quantity in levels)
    fee = Decimal("0.001")
    moment = Moment(
        side=Side.BUY,
        mid=book[0][0],
        touch=book[0][0],
        ladders=lambda: [ExchangeLevels(exchange="x", levels=[PriceLevel(*one) for one in book], fee=fee)],
    )
    bounds = PriceBounds(side=Side.BUY, limit=Decimal(300))
    whole = BookWalk(Decimal(most), moment, bounds, Fidelity.DEPTH)
    assert whole.beginning(Decimal(less)) == estimate(Decimal(less), moment, bounds, Fidelity.DEPTH)
