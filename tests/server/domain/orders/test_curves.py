"""domain/orders/curves.py: curves never fall, reach all exactly, and give the same lots everywhere."""

import hashlib
import sys
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.exact import FINE
from twap_server.domain.orders.curves import (
    LINEAR,
    AtOnce,
    Curve,
    Decay,
    Participation,
    VolumeProfile,
    risk,
)
from twap_server.domain.orders.schedule import Schedule, slice_count

START = Nanos(1_000_000 * SECOND)

weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=40).filter(any)
profiles = st.builds(
    VolumeProfile,
    anchor=st.integers(0, 2 * START).map(Nanos),
    period=st.integers(1, 10**15),
    weights=weights.map(tuple),
)
decays = st.builds(Decay, st.decimals("0", "1000", places=12))
curves: st.SearchStrategy[Curve] = st.one_of(st.just(LINEAR), st.just(AtOnce()), profiles, decays)


def schedule(
    curve: Curve, *, lots: int, length: int, interval: int, step: int = 1, base: int = 0, first: int = 0
) -> Schedule:
    lot = Decimal("0.00001")
    return Schedule(
        quantity=(lots + base) * lot,
        lot_size=lot,
        start=START,
        end=Nanos(START + length),
        interval=interval,
        count=first + slice_count(length, interval),
        first=first,
        base=base * lot,
        curve=curve,
        step=step * lot,
    )


@given(
    curve=curves,
    lots=st.integers(1, 10**14),
    length=st.integers(1, 10**15),
    interval=st.integers(1, 10**14),
    step=st.integers(1, 1_000),
    percent=st.sampled_from(["0", "10", "50"]),
    base=st.integers(0, 10**6),
    first=st.integers(0, 7),
)
def test_slices_never_fall_and_sum_to_the_quantity(
    *, curve: Curve, lots: int, length: int, interval: int, step: int, percent: str, base: int, first: int
) -> None:
    step = min(step, lots)
    made = schedule(
        curve,
        lots=lots,
        length=length,
        interval=max(interval, length // 60),
        step=step,
        base=base,
        first=first,
    )
    made = replace(made, randomize=Decimal(percent), seed=b"s")
    sizes = [made.size(index) for index in range(made.first, made.count)]
    assert made.base + sum(sizes) == made.quantity
    assert all(not size or size >= step * made.lot_size for size in sizes)
    assert all(size % made.lot_size == 0 for size in sizes)


@given(curve=curves, total=st.integers(1, 10**30), length=st.integers(1, 10**15), at=st.floats(0, 1))
def test_a_curve_begins_at_nothing_and_ends_at_all(curve: Curve, total: int, length: int, at: float) -> None:
    end, moment = Nanos(START + length), Nanos(START + min(length, int(length * at)))
    assert curve.lots(total, START, end, START) == 0
    assert 0 <= curve.lots(total, START, end, moment) <= curve.lots(total, START, end, end) == total


def test_weights_of_equal_parts() -> None:
    made = schedule(
        VolumeProfile(START, 3 * SECOND, (1000, 1500, 2000)),
        lots=1_000_000,
        length=3 * SECOND,
        interval=SECOND,
    )
    shares = [round(100 * made.size(index) / made.quantity, 2) for index in range(3)]
    assert shares == [Decimal("22.22"), Decimal("33.33"), Decimal("44.44")]


def test_weights_are_taken_anew_over_what_is_left() -> None:
    profile = VolumeProfile(START, 4 * SECOND, (1, 1, 3, 1))
    begin, end = Nanos(START + 2 * SECOND), Nanos(START + 4 * SECOND)
    assert profile.lots(400, begin, end, Nanos(begin + SECOND)) == 300


def test_a_rest_without_weight_is_a_straight_line() -> None:
    profile = VolumeProfile(START, 4 * SECOND, (1, 1, 0, 0))
    begin, end = Nanos(START + 2 * SECOND), Nanos(START + 4 * SECOND)
    assert profile.lots(400, begin, end, Nanos(begin + SECOND)) == 200


def test_a_day_profile_repeats() -> None:
    day = 24 * SECOND
    profile = VolumeProfile(Nanos(0), day, (1, 3))
    assert profile.lots(100, Nanos(0), Nanos(2 * day), Nanos(day + day // 2)) == 62


@given(weights=weights, length=st.integers(1, 10**12))
def test_a_profile_against_a_sum_over_its_parts(weights: list[int], length: int) -> None:
    """A plain recomputation: what each part gives up to a moment, as a fraction of all."""
    profile = VolumeProfile(START, length, tuple(weights))
    for percent in (1, 33, 50, 99):
        elapsed = length * percent // 100
        share, part = Fraction(0), Fraction(length, len(weights))
        for index, weight in enumerate(weights):
            covered = min(max(Fraction(elapsed) - index * part, 0), part)
            share += weight * covered / part
        expected = int(share / sum(weights) * 10**9)
        assert profile.lots(10**9, START, Nanos(START + length), Nanos(START + elapsed)) == expected


@settings(max_examples=25)  # a series of 400 digits takes its time
@given(
    kappa=st.decimals("0.000001", "5", places=6),
    seconds=st.integers(1, 3_600),
    percent=st.integers(0, 100),
)
def test_a_decay_against_its_series(kappa: Decimal, seconds: int, percent: int) -> None:
    """``sinh`` by its power series, with more digits: a plain recomputation."""
    length = seconds * SECOND
    elapsed = length * percent // 100
    with localcontext() as context:
        context.prec = 3_000 if kappa * seconds > 500 else 400
        whole = kappa * seconds
        rest = kappa * (length - elapsed) / SECOND
        sinh = _sinh if whole > 200 else _sinh_series
        expected = Decimal(1) - sinh(rest) / sinh(whole)
        error = abs(expected - (1 - Decay(kappa).left(elapsed, length)))
    assert error < Decimal("1e-40")


def _sinh(value: Decimal) -> Decimal:
    """By exponentials: the series is long for large values."""
    return (value.exp() - (-value).exp()) / 2


def _sinh_series(value: Decimal) -> Decimal:
    term, total, number = value, value, 1
    while abs(term) > Decimal("1e-60"):
        number += 2
        term = term * value * value / (number * (number - 1))
        total += term
    return total


@pytest.mark.parametrize("kappa", ["1E-18", "1E+6", "1E+12", "1E+18"])
def test_a_decay_of_any_speed_ends_at_all(kappa: str) -> None:
    curve, end = Decay(Decimal(kappa)), Nanos(START + 366 * 86_400 * SECOND)
    found = [curve.lots(10**30, START, end, Nanos(START + (end - START) * n // 9)) for n in range(10)]
    assert found == sorted(found) and (found[0], found[-1]) == (0, 10**30)


def test_the_same_lots_on_every_machine() -> None:
    """A digest of many lots: another build of ``decimal``, another platform, would have to give it too."""
    digest = hashlib.sha256()
    for kappa in ("0.0001", "0.0123456789", "0.7", "3"):
        for lots in (7, 10**6, 10**18):
            made = schedule(Decay(Decimal(kappa)), lots=lots, length=900 * SECOND, interval=9 * SECOND)
            digest.update(",".join(str(made.target(index)) for index in range(made.count)).encode())
    assert digest.hexdigest() == DIGEST


DIGEST = "53409d68884ac84acd0431122afc906d1baf16bd31b05bb70d8e1ce37499f576"


@settings(max_examples=400)
@given(
    kappa=st.decimals("1e-9", "1e9", allow_nan=False).filter(bool),
    total=st.integers(0, 10**40),
    elapsed=st.integers(0, 10**18),
    left=st.integers(0, 10**18),
)
def test_few_digits_give_the_lots_of_many(kappa: Decimal, total: int, elapsed: int, left: int) -> None:
    length = max(1, elapsed + left)
    curve = Decay(kappa)
    many = FINE.multiply(Decimal(total), FINE.subtract(Decimal(1), curve.left(elapsed, length)))
    straight = kappa * length < Decimal(SECOND) * Decimal("1e-9")
    expected = total * elapsed // length if straight else min(total, max(0, int(many)))
    assert curve.lots(total, START, Nanos(START + length), Nanos(START + elapsed)) == expected


@pytest.mark.parametrize("kappa", ["1e-11", "0.0123456789", "0.5"])
def test_where_few_digits_leave_a_doubt_many_decide(kappa: str) -> None:
    """Of very many lots, in a window with hardly a bend, and where what is left is smaller than any lot."""
    curve, end = Decay(Decimal(kappa)), Nanos(START + 1_000 * SECOND)
    for half in range(100, 1_000, 7):
        share = FINE.subtract(Decimal(1), curve.left(half * SECOND, 1_000 * SECOND))
        for total in (1, 10**9, 10**18, 10**25, 10**28, 10**30):
            many = int(FINE.multiply(Decimal(total), share))
            assert curve.lots(total, START, end, Nanos(START + half * SECOND)) == many


def test_the_python_build_of_decimal_gives_the_same_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython has two builds of ``decimal``, one in C and one in Python: the rounding is the standard's."""
    import _pydecimal

    made = Decay(Decimal("0.0123456789"))
    wanted = made.left(450 * SECOND, 900 * SECOND)
    context = _pydecimal.Context(prec=60, rounding=_pydecimal.ROUND_HALF_EVEN)
    kappa = _pydecimal.Decimal("0.0123456789")
    whole, rest = (context.exp(context.minus(context.multiply(kappa, n))) for n in (900, 450))
    one = _pydecimal.Decimal(1)
    above = context.subtract(one, context.multiply(rest, rest))
    below = context.subtract(one, context.multiply(whole, whole))
    slow = context.divide(context.multiply(whole, above), context.multiply(rest, below))
    assert str(slow) == str(wanted)
    assert sys.modules["decimal"] is not _pydecimal


@given(
    percent=st.decimals("0.01", "99.99", places=2),
    traded=st.decimals("0", "1000000", places=8),
    more=st.decimals("0", "1000", places=8),
)
def test_a_share_of_the_volume(percent: Decimal, traded: Decimal, more: Decimal) -> None:
    made = schedule(Participation(percent), lots=10**9, length=60 * SECOND, interval=SECOND)
    ours = made.share_of(traded)
    assert ours <= made.share_of(traded + more) <= made.quantity
    if ours < made.quantity:
        share = percent / 100
        assert 0 <= share * (ours + traded) - ours < made.lot_size


def test_shares_come_in_steps_that_the_exchange_takes() -> None:
    made = schedule(Participation(Decimal(50)), lots=1_050, length=60 * SECOND, interval=SECOND, step=100)
    lot = made.lot_size
    found = [made.share_of(traded * lot) / lot for traded in (99, 100, 199, 250, 949, 1_049, 1_050)]
    assert found == [0, 100, 100, 200, 900, 900, 1_050]


@given(
    curve=curves,
    lots=st.integers(1, 10**7),
    interval=st.integers(1, 10**11),
    step=st.sampled_from([0, 1, 3, 50]),
    data=st.data(),
)
def test_slices_lie_within_the_extent_of_their_part(
    curve: Curve, lots: int, interval: int, step: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(3, 40))
    length = (count - 1) * interval + data.draw(st.integers(1, 2 * interval))
    plan = Schedule(
        quantity=Decimal(lots),
        lot_size=Decimal(1),
        start=START,
        end=Nanos(START + length),
        interval=interval,
        count=count,
        curve=curve,
        step=Decimal(step),
    )
    begin = data.draw(st.integers(0, count - 2))
    end = data.draw(st.integers(begin + 1, count - 1))
    fewest, most = plan.extent(begin, end)
    sizes = [int(plan.size(index)) for index in range(begin, end)]
    assert 0 <= fewest <= min(sizes) and max(sizes) <= most
    if curve is LINEAR:
        assert most - fewest <= max(1, step) or fewest == 0
    assert sum(sizes) == plan.risen(end - 1) - plan.risen(begin - 1)


def test_risk_of_equal_slices_and_of_all_at_once() -> None:
    assert risk([5, 10], [SECOND, SECOND]) == Decimal("0.25")
    assert risk([10, 10], [SECOND, SECOND]) == 0
