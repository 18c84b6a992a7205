"""lab/statistics.py: exact means and ranks, the same draws anywhere, and no claim where chance would do."""

import statistics
from decimal import Decimal
from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from twap_models.lab import Verdict
from twap_server.domain.resampling import DRAWS
from twap_server.lab.statistics import difference, mean, means_of_parts, spread

COSTS = st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=60)


def bps(units: list[int]) -> list[Decimal]:
    return [Decimal(one).scaleb(-4) for one in units]


def half_even(value: Fraction) -> Decimal:
    return Decimal(round(value)).scaleb(-4)


@given(COSTS)
def test_equals_plain_fractions(units: list[int]) -> None:
    found = spread(bps(units), range(len(units)), seed="s")
    assert found is not None
    assert found.mean == mean(bps(units)) == half_even(Fraction(sum(units), len(units)))
    assert found.median == half_even(statistics.median(map(Fraction, units)))
    assert found.p5 == bps(sorted(units))[-(-len(units) * 5 // 100) - 1]
    assert found.p95 == bps(sorted(units))[-(-len(units) * 95 // 100) - 1]
    if len(units) > 1:
        exactly = statistics.variance(map(Fraction, units))
        assert abs(Fraction(found.deviation * 10**4) ** 2 - exactly) <= 2 * found.deviation * 10**4 + 1


@given(COSTS, st.integers(1, 12))
def test_an_interval_is_what_the_docstring_says(units: list[int], count: int) -> None:
    """Drawn again by plain steps."""
    blocks = [at % count for at in range(len(units))]
    found = difference(bps(units), blocks, baseline="twap", seed="again")
    assert found is not None
    by_block = {one: [u for u, b in zip(units, blocks, strict=True) if b == one] for one in blocks}
    assert found.blocks == len(by_block)
    if len(by_block) < 6:
        assert found.low is found.high is None
        assert found.verdict is Verdict.NO_DIFFERENCE_SHOWN
        return
    rng, means = Random("again"), []
    sums = [(sum(some), len(some)) for some in by_block.values()]
    for _ in range(DRAWS):
        drawn = rng.choices(sums, k=len(sums))
        means.append(Fraction(sum(one for one, _ in drawn), sum(many for _, many in drawn)))
    means.sort()
    assert (found.low, found.high) == (half_even(means[49]), half_even(means[1949]))
    assert found.low is not None and found.high is not None
    assert found.low <= found.high


def test_verdicts() -> None:
    blocks = range(8)

    def verdict(units: list[int]) -> Verdict:
        found = difference(bps(units), blocks, baseline="twap", seed="v")
        assert found is not None
        return found.verdict

    assert verdict([1, 2, 3, 1, 2, 3, 1, 2]) is Verdict.DEARER
    assert verdict([-1, -2, -3, -1, -2, -3, -1, -2]) is Verdict.CHEAPER
    assert verdict([0] * 8) is Verdict.NO_DIFFERENCE_SHOWN
    assert verdict([5, -5, 5, -5, 5, -5, 5, -5]) is Verdict.NO_DIFFERENCE_SHOWN


def test_orders_that_overlap_do_not_make_a_claim_stronger() -> None:
    """The same eight differences, each seen ten times over in its stretch of time: the interval stays."""
    units, blocks = [1, -2, 4, 3, -1, 5, 2, 0], list(range(8))
    once = difference(bps(units), blocks, baseline="twap", seed="x")
    often = difference(bps(units * 10), blocks * 10, baseline="twap", seed="x")
    assert once is not None and often is not None
    assert (once.low, once.high) == (often.low, often.high)
    assert often.pairs == 80


def test_five_of_five_are_no_proof() -> None:
    found = difference(bps([10] * 5), range(5), baseline="twap", seed="v")
    assert found is not None
    assert (found.low, found.verdict) == (None, Verdict.NO_DIFFERENCE_SHOWN)


def test_nothing() -> None:
    assert spread([], [], seed="s") is difference([], [], baseline="twap", seed="s") is None


@given(st.lists(st.tuples(st.integers(-99, 99), st.integers(-99, 99), st.integers(-3, 3)), min_size=1))
def test_means_of_parts_sum_to_the_mean(runs: list[tuple[int, int, int]]) -> None:
    """The third number is what rounding of a run's own figures left."""
    parts = [bps([run[place] for run in runs]) for place in (0, 1)] + [bps([0] * len(runs))]
    whole = bps([sum(run) for run in runs])
    found = means_of_parts(parts, whole=whole)
    assert sum(found) == mean(whole)
    assert found[2] == 0 or not any(map(any, parts))
    assert all(abs(one - mean(part)) <= Decimal("0.0003") for one, part in zip(found, parts, strict=True))
