"""domain/schedule.py: slices lie on the grid, before the end, and sum to the quantity exactly."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.schedule import Schedule, slice_count


def schedule(*, lots: int, length: int, interval: int, lot: str = "0.00001") -> Schedule:
    return Schedule(
        quantity=lots * Decimal(lot),
        lot_size=Decimal(lot),
        start=Nanos(1_000 * SECOND),
        end=Nanos(1_000 * SECOND + length),
        interval=interval,
        count=slice_count(length, interval),
    )


@given(
    lots=st.integers(1, 10**12),
    length=st.integers(1, 10**14),
    interval=st.integers(10**8, 10**13),
    lot=st.sampled_from(["1", "0.00001", "0.5", "25", "1E-18"]),
)
def test_slices_are_on_the_lot_grid_and_sum_to_the_quantity(
    lots: int, length: int, interval: int, lot: str
) -> None:
    plan = schedule(lots=lots, length=length, interval=max(interval, length // 500), lot=lot)
    sizes = [plan.size(index) for index in range(plan.count)]
    assert sum(sizes) == plan.quantity
    assert all(size >= 0 and size % plan.lot_size == 0 for size in sizes)


@given(length=st.integers(1, 10**14), interval=st.integers(1, 10**13))
def test_every_slice_is_due_inside_the_window(length: int, interval: int) -> None:
    plan = schedule(lots=7, length=length, interval=max(interval, length // 500))
    assert plan.due(0) == plan.start
    assert plan.due(plan.count - 1) < plan.end <= plan.due(plan.count)


def test_one_hour_every_five_seconds_is_720_slices() -> None:
    plan = schedule(lots=100_000, length=3600 * SECOND, interval=5 * SECOND)
    assert plan.count == 720
    assert plan.target(359) == plan.quantity / 2


def test_a_window_shorter_than_the_interval_is_one_slice() -> None:
    plan = schedule(lots=3, length=2 * SECOND, interval=5 * SECOND)
    assert (plan.count, plan.size(0)) == (1, Decimal("0.00003"))


def test_rounding_does_not_drift() -> None:
    plan = schedule(lots=10, length=7 * SECOND, interval=SECOND)
    assert [int(plan.target(i) / plan.lot_size) for i in range(7)] == [1, 2, 4, 5, 7, 8, 10]


@given(lots=st.integers(1, 10**9), count=st.integers(1, 400))
def test_no_slice_is_above_a_third_of_the_catch_up_cap_by_more_than_rounding(lots: int, count: int) -> None:
    plan = schedule(lots=lots, length=count * SECOND, interval=SECOND)
    assert all(plan.size(index) * 3 <= plan.catch_up_cap() for index in range(plan.count))
