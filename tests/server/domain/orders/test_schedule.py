"""domain/orders/schedule.py: slices lie on the grid, before the end, and sum to the quantity exactly."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.orders.schedule import Schedule, merged, slice_count


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
    assert all(plan.size(index) * 3 <= plan.most for index in range(plan.count))


@given(
    lots=st.integers(1, 10**9),
    seconds=st.integers(1, 3_600),
    interval=st.integers(10**8, 60 * SECOND),
    percent=st.sampled_from(["0.5", "10", "33.3", "50"]),
    seed=st.binary(min_size=1, max_size=8),
)
def test_randomized_slices_stay_in_their_buckets_and_below_the_curve(
    lots: int, seconds: int, interval: int, percent: str, seed: bytes
) -> None:
    plain = schedule(lots=lots, length=seconds * SECOND, interval=max(interval, seconds * SECOND // 300))
    moved = replace(plain, randomize=Decimal(percent), seed=seed)
    indexes = range(plain.count)
    assert sum(moved.size(i) for i in indexes) == plain.quantity
    assert all(moved.size(i) >= 0 and moved.size(i) % plain.lot_size == 0 for i in indexes)
    assert all(moved.target(i) <= plain.target(i) for i in indexes), "the curve is the bound"
    for i in indexes:
        bucket = plain.window_end(i) - plain.due(i)
        assert 0 <= moved.due(i) - plain.due(i) <= bucket * Decimal(percent) / 100
        assert moved.due(i) < moved.end


def test_what_is_drawn_depends_on_the_seed_and_the_slice_alone() -> None:
    plain = schedule(lots=100_000, length=100 * SECOND, interval=SECOND)
    one, same, other = (replace(plain, randomize=Decimal(50), seed=seed) for seed in (b"a", b"a", b"b"))
    dues = [one.due(i) for i in range(100)]
    assert dues == [same.due(i) for i in range(100)]
    assert dues != [other.due(i) for i in range(100)]
    assert len({due % SECOND for due in dues}) > 90, "every slice draws anew"


@given(
    lots=st.integers(1, 10**9),
    smallest=st.integers(1, 10**6),
    length=st.integers(1, 10**13),
    interval=st.integers(1, 10**12),
)
def test_merged_slices_are_never_below_the_smallest(
    lots: int, smallest: int, length: int, interval: int
) -> None:
    interval = max(interval, length // 300)
    wide, count = merged(max(lots, smallest), smallest=smallest, length=length, interval=interval)
    made = replace(schedule(lots=max(lots, smallest), length=length, interval=wide, lot="1"), count=count)
    sizes = [made.size(i) for i in range(made.count)]
    assert sum(sizes) == made.quantity and min(sizes) >= smallest
    assert made.due(made.count - 1) < made.end


@given(
    lots=st.integers(1, 10**7),
    smallest=st.integers(1, 10**6),
    seconds=st.integers(1, 10**6),
    interval=st.integers(10**8, 10**12),
)
def test_merged_slices_are_equal_over_the_whole_window(
    lots: int, smallest: int, seconds: int, interval: int
) -> None:
    lots, length = max(lots, smallest), seconds * SECOND
    interval = max(interval, length // 300)
    wide, count = merged(lots, smallest=smallest, length=length, interval=interval)
    if wide == interval:
        return
    made = replace(schedule(lots=lots, length=length, interval=wide, lot="1"), count=count)
    sizes = [made.size(i) for i in range(count)]
    assert count == lots // smallest < slice_count(length, interval), "as many as the minimum lets through"
    assert max(sizes) - min(sizes) <= (lots % count != 0), "equal; to the lot where it does not divide"
    buckets = [made.window_end(i) - made.due(i) for i in range(count)]
    assert max(buckets) - min(buckets) < count, "nanoseconds"


def test_fifty_lots_of_at_least_nine_are_five_times_ten() -> None:
    minutes = 60 * SECOND
    assert merged(50, smallest=9, length=10 * minutes, interval=30 * SECOND) == (2 * minutes, 5)


def test_nothing_is_merged_without_need() -> None:
    assert merged(100, smallest=10, length=10 * SECOND, interval=SECOND) == (SECOND, 10)


def test_a_last_slice_cut_too_short_joins_the_one_before() -> None:
    wide, count = merged(100, smallest=20, length=10 * SECOND, interval=3 * SECOND)
    assert (wide, count) == (3 * SECOND, 3)
    made = replace(schedule(lots=100, length=10 * SECOND, interval=wide, lot="1"), count=count)
    assert [made.size(index) for index in range(count)] == [30, 30, 40]


@given(
    lots=st.integers(1, 10**6),
    done=st.integers(0, 10**6),
    first=st.integers(0, 50),
    seconds=st.integers(1, 500),
)
def test_a_replanned_curve_rises_from_what_was_filled(lots: int, done: int, first: int, seconds: int) -> None:
    plain = schedule(lots=lots + done, length=seconds * SECOND, interval=SECOND)
    base = done * plain.lot_size
    later = replace(plain, first=first, base=base, count=first + plain.count)
    assert later.target(first - 1) == base
    sizes = [later.size(i) for i in range(first, later.count)]
    assert base + sum(sizes) == later.quantity and min(sizes) >= 0
    assert later.due(first) == later.start and later.due(later.count - 1) < later.end
