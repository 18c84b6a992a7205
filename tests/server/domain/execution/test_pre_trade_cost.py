"""domain/execution/pre_trade_cost.py: parts sum to the whole; the short way equals walking every slice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twap_models.enums import Fidelity, Side, SliceReason
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution import slice_sizes
from twap_server.domain.execution.matching import ExchangeLevels, PriceBounds
from twap_server.domain.execution.pre_trade_cost import (
    BookWalk,
    BudgetSpent,
    Estimate,
    Moment,
    WalkBudget,
    all_slices,
    estimate,
)
from twap_server.domain.execution.slice_sizes import SliceSizes
from twap_server.domain.market.events import PriceLevel
from twap_server.domain.orders.curves import AtOnce, Curve, Decay, Linear, Participation, VolumeProfile
from twap_server.domain.orders.schedule import Schedule, slice_count

START = Nanos(1_000 * SECOND)
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
        start=START,
        end=Nanos(START + length),
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


def curves(length: int) -> st.SearchStrategy[Curve]:
    """Every curve over a window of ``length`` nanoseconds."""
    return st.one_of(
        st.sampled_from([Linear(), AtOnce(), Participation(Decimal(10))]),
        st.builds(Decay, st.sampled_from(["0", "1e-12", "0.01", "0.1", "0.5", "3", "1e9"]).map(Decimal)),
        st.builds(
            VolumeProfile,
            st.sampled_from([START, Nanos(START - length // 3), Nanos(0)]),
            st.sampled_from([length, max(1, length // 7), 86_400 * SECOND]),
            st.lists(st.sampled_from([0, 1, 2, 7, 1_000]), min_size=1, max_size=40).filter(any).map(tuple),
        ),
    )


@st.composite
def plans(draw: st.DrawFn, *, most: int = 120) -> Schedule:
    """Plans of every curve; the last slice may be shorter or longer than the others."""
    count = draw(st.integers(1, most))
    interval = draw(st.integers(1, 100 * SECOND))
    last = draw(st.integers(1, interval + interval // 2))
    lots = draw(st.one_of(st.integers(1, 9_000), st.integers(10**6, 10**9)))
    first = draw(st.integers(0, 3))
    base = LOT * draw(st.sampled_from([0, 5]))
    length = (count - 1) * interval + last
    return Schedule(
        quantity=base + lots * LOT,
        lot_size=LOT,
        start=START,
        end=Nanos(START + length),
        interval=interval,
        count=first + count,
        first=first,
        base=base,
        curve=draw(curves(length)),
        step=LOT * draw(st.sampled_from([0, 0, 1, 7, 40])),
        randomize=Decimal(draw(st.sampled_from([0, 20]))),
    )


def some_ladders(draw: st.DrawFn) -> list[ExchangeLevels]:
    prices = st.lists(st.integers(9_950, 10_900), min_size=1, max_size=30, unique=True)
    made: list[ExchangeLevels] = []
    for number in range(draw(st.integers(1, 2))):
        quantities = st.integers(1, draw(st.sampled_from([4, 60, 3_000])))
        levels = [
            PriceLevel(Decimal(price) / 100, draw(quantities) * Decimal("0.0005"))
            for price in sorted(draw(prices))
        ]
        fee = Decimal(draw(st.sampled_from(["0", "0.001"])))
        made.append(ExchangeLevels(exchange=f"x{number}", levels=levels, fee=fee))
    return made


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    """Books of one or two exchanges, seen by a buyer; levels do not end on the lot."""
    made = some_ladders(draw)
    touch = min(level.price for one in made for level in one.levels)
    return Moment(side=Side.BUY, mid=Decimal("99.5"), touch=touch, ladders=lambda: made)


def slice_by_slice(plan: Schedule, now: Moment, bounds: PriceBounds, *, skipped: int = 0) -> Estimate:
    """Each slice of the plain curve by a walk of its own, added up."""
    plain, found = replace(plan, randomize=Decimal(0)), Estimate()
    for index in range(max(skipped, plan.first), plan.count):
        if size := plain.size(index):
            found = found.plus(estimate(size, now, bounds, Fidelity.DEPTH))
    return found


@settings(max_examples=300, deadline=None)
@given(
    plan=plans(),
    now=moments(),
    limit=st.sampled_from([None, None, Decimal(101), Decimal(90)]),
    skipped=st.sampled_from([0, 0, 0, 1, 60]),
)
def test_the_forecast_is_the_sum_of_every_slice_by_itself(
    plan: Schedule, now: Moment, limit: Decimal | None, skipped: int
) -> None:
    """Whatever the curve, the book, the steps: to the last digit, up to 4,096 slices and mostly beyond."""
    bounds = PriceBounds(side=Side.BUY, limit=limit)
    found = all_slices(plan, now, bounds, Fidelity.DEPTH, skipped=skipped)
    assert found == slice_by_slice(plan, now, bounds, skipped=skipped)


@settings(max_examples=100, deadline=None)
@given(plan=plans(), now=moments())
def test_where_looks_run_out_it_is_off_by_no_more_than_is_said(plan: Schedule, now: Moment) -> None:
    bounds = PriceBounds(side=Side.BUY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slice_sizes, "LOOKS", 6)
        found = all_slices(plan, now, bounds, Fidelity.DEPTH)
        sizes = SliceSizes(plan)
        walk = BookWalk(sizes.most or LOT, now, bounds, Fidelity.DEPTH)
        assert sum(group.quantity for group in sizes.groups(walk.is_straight)) == plan.quantity - plan.base
    exactly = slice_by_slice(plan, now, bounds)
    for figure in (attrgetter("filled"), attrgetter("notional"), attrgetter("total"), attrgetter("fees")):
        bound = sum(
            part.count * (figure(walk.beginning(part.most * LOT)) - figure(walk.beginning(part.fewest * LOT)))
            for part in sizes.uneven
        )
        assert abs(figure(found) - figure(exactly)) <= bound
    assert found.filled + found.unfilled == plan.quantity - plan.base


@pytest.mark.parametrize("count", [33, 1_000, 4_095, 4_096])
@pytest.mark.parametrize("name", ["is", "vwap", "sweep"])
def test_up_to_4096_slices_none_counts_as_another(name: str, count: int) -> None:
    weights = tuple(index * 7_919 % 997 + 1 for index in range(count))
    drawn = {
        "is": Decay(Decimal(9) / count),
        "vwap": VolumeProfile(START, count * SECOND, weights),
        "sweep": AtOnce(),
    }
    plan = replace(schedule(lots=100 * count, length=count * SECOND, interval=SECOND), curve=drawn[name])
    sizes, counted = SliceSizes(plan), Counter[Decimal]()
    for group in sizes.groups(lambda least, most: least == most):
        counted[group.size] += group.slices
        assert group.quantity == group.size * group.slices
    assert sizes.uneven == []
    assert counted == Counter(size for index in range(count) if (size := plan.size(index)))


@pytest.mark.parametrize("count", [1, 10, 60, 720, 100_000])
def test_a_sweep_is_one_slice_of_everything(count: int) -> None:
    plan = replace(schedule(lots=6_000, length=count * SECOND, interval=SECOND), curve=AtOnce())
    now, bounds = moment(), PriceBounds(side=Side.BUY)
    assert all_slices(plan, now, bounds, Fidelity.DEPTH) == estimate(Decimal(6), now, bounds, Fidelity.DEPTH)
    assert all_slices(plan, now, bounds, Fidelity.DEPTH, skipped=1).filled == 0


def test_many_slices_are_no_more_work_than_few() -> None:
    asked = 0

    def ladders() -> Sequence[ExchangeLevels]:
        nonlocal asked
        asked += 1
        return moment().ladders()

    watched = Moment(side=Side.BUY, mid=Decimal("99.5"), touch=Decimal(100), ladders=ladders)
    plan = schedule(lots=10**9, length=100_000 * SECOND, interval=SECOND)
    for curve in (
        Linear(),
        AtOnce(),
        Decay(Decimal("0.5")),
        VolumeProfile(START, plan.end - START, (1, 9) * 500),
    ):
        asked, budget = 0, WalkBudget(20_000)
        bounds = PriceBounds(side=Side.BUY)
        all_slices(replace(plan, curve=curve), watched, bounds, Fidelity.DEPTH, budget=budget)
        assert asked == 1


def test_looks_at_a_curve_are_paid_from_the_budget() -> None:
    plan = replace(schedule(lots=10**5, length=1_000 * SECOND, interval=SECOND), curve=Decay(Decimal("0.01")))
    stairs = [(str(100 + Decimal(at) / 100), "0.003") for at in range(400)]
    now, bounds = moment(levels=stairs), PriceBounds(side=Side.BUY)
    all_slices(plan, now, bounds, Fidelity.DEPTH, budget=WalkBudget(3_500))
    with pytest.raises(BudgetSpent):  # the levels alone are 334
        all_slices(plan, now, bounds, Fidelity.DEPTH, budget=WalkBudget(400))


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
