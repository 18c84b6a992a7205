"""domain/orders/slice_rate.py: slices a second are counted exactly, and a refusal says what would do."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from support.trading import request
from twap_models.enums import RejectReason
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.orders.slice_rate import ONE, slice_rate_of, too_fast
from twap_server.domain.orders.terms import Plan

INTERVALS = st.lists(st.integers(MILLISECOND, 10**15), min_size=1, max_size=40)


def plan(interval: int, *, length: int = 3_600 * SECOND) -> Plan:
    return Plan(
        quantity=Decimal(1), limit=None, start=Nanos(0), end=Nanos(length), interval=interval, slice_count=9
    )


@given(intervals=INTERVALS)
def test_the_sum_is_never_above_the_true_one_and_hardly_below(intervals: list[int]) -> None:
    counted = Fraction(sum(slice_rate_of(plan(one)) for one in intervals), ONE)
    true = sum(Fraction(SECOND, one) for one in intervals)
    assert 0 <= true - counted < Fraction(len(intervals), ONE)


@given(
    interval=st.integers(MILLISECOND, 10 * SECOND), used=st.integers(0, 100 * ONE), most=st.integers(1, 100)
)
def test_the_interval_that_is_offered_fits_and_one_that_fits_is_not_refused(
    interval: int, used: int, most: int
) -> None:
    asked = request(Nanos(0), interval=interval)
    told = too_fast(asked, plan(interval), used=used, most=most)
    assert (told is None) == (slice_rate_of(plan(interval)) + used <= most * ONE)
    if told is not None and "use an interval of at least" in told.detail:
        nearest = Decimal(told.detail.rpartition("at least ")[2].removesuffix(" s"))
        assert too_fast(asked, plan(int(nearest * SECOND)), used=used, most=most) is None


def test_three_thirds_of_a_slice_a_second_are_one() -> None:
    third = slice_rate_of(plan(3 * SECOND))
    assert too_fast(request(Nanos(0)), plan(3 * SECOND), used=2 * third, most=1) is None
    told = too_fast(request(Nanos(0)), plan(3 * SECOND), used=3 * third, most=1)
    assert told is not None
    assert told.reason is RejectReason.TOO_MANY_SLICES_PER_SECOND


def test_the_refusal_teaches() -> None:
    asked = request(Nanos(0), interval=SECOND // 10)
    told = too_fast(asked, plan(SECOND // 10), used=1_995 * ONE, most=2_000)
    assert told is not None
    assert (told.field, told.detail) == (
        "interval",
        "interval: 10 slices a second more are too many: your open orders have 1995 of at most 2000: "
        "use an interval of at least 0.2 s",
    )
    told = too_fast(asked, plan(SECOND // 10), used=2_000 * ONE, most=2_000)
    assert told is not None
    assert told.detail.endswith("2000 of at most 2000: cancel some, or wait")
    by_count = replace(asked, interval=None, slices=100)
    told = too_fast(by_count, plan(SECOND // 10, length=10 * SECOND), used=1_995 * ONE, most=2_000)
    assert told is not None
    assert (told.field, told.detail.rpartition(": ")[2]) == ("slices", "use at most 50 slices")
