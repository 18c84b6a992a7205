"""Summarise costs of runs: means, ranks, risk and bootstrap intervals, all from whole numbers.

Costs are basis points of 4 decimals; they are counted in ten thousandths, so sums are exact and a figure is
rounded once, half-even, when it is told. An interval is drawn over blocks of time, not over runs: orders that
work at the same time see the same market and are not independent.

Interval of a mean (percentile bootstrap over blocks; Efron 1979, blocks as drawn by Künsch 1989 without
overlap):

1. Runs whose start falls into the same stretch of time, as long as the longest order of all, are one block,
   whichever recordings they are of.
2. ``DRAWS`` times draw as many blocks as there are, with replacement, and take the mean of all their runs.
3. Low and high are the 2.5 % and 97.5 % of these means, by nearest rank.

Below ``FEWEST`` blocks there is no interval: even if all of 5 lay on one side, chance alone would do that in
2 · 2⁻⁵ = 6 % of cases. The draws come from ``random.Random``, seeded with a text: they are the same anywhere.
"""

from collections.abc import Hashable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from random import Random
from typing import Final

from twap_models.lab import CostSpread, PairedDifference, Verdict
from twap_server.domain.resampling import middle, ranked, redrawn

_PLACES: Final = 4
_WIDE: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)


def spread(costs: Sequence[Decimal], blocks: Sequence[Hashable], *, seed: str) -> CostSpread | None:
    """How costs are spread; None without any.

    Args:
        costs: basis points, at most 4 decimals.
        blocks: which block each lies in.
        seed: what the draws are of.
    """
    if not costs:
        return None
    found = _units(costs)
    interval = _interval(found, blocks, seed)
    return CostSpread(
        runs=len(found),
        mean=_told(Fraction(sum(found), len(found))),
        median=_told(_median(found)),
        p5=_told(Fraction(ranked(found, 50))),
        p95=_told(Fraction(ranked(found, 950))),
        deviation=_deviation(found),
        low=interval and interval[0],
        high=interval and interval[1],
    )


def difference(
    differences: Sequence[Decimal], blocks: Sequence[Hashable], *, baseline: str, seed: str
) -> PairedDifference | None:
    """What paired differences show; None without any. Arguments as for ``spread``."""
    if not differences:
        return None
    found = _units(differences)
    interval = _interval(found, blocks, seed)
    return PairedDifference(
        baseline=baseline,
        pairs=len(found),
        blocks=len(set(blocks)),
        mean=_told(Fraction(sum(found), len(found))),
        median=_told(_median(found)),
        low=interval and interval[0],
        high=interval and interval[1],
        verdict=_verdict(interval),
    )


def mean(values: Sequence[Decimal]) -> Decimal:
    """Mean of at least one figure of at most 4 decimals, rounded half-even to 4."""
    return _told(Fraction(sum(_units(values)), len(values)))


def means_of_parts(parts: Sequence[Sequence[Decimal]], *, whole: Sequence[Decimal]) -> list[Decimal]:
    """Means of parts that sum to the mean of the whole, as it is told.

    Each is rounded half-even; what that leaves of the sum goes, a ten thousandth each, to the parts that
    rounding moved farthest the other way. A part that is always 0 stays 0.

    Args:
        parts: figures of each, at least one; as many as ``whole`` has.
        whole: what they sum to, but for the rounding of figures.
    """
    exact_means = [Fraction(sum(_units(one)), len(one)) for one in parts]
    told = [round(one) for one in exact_means]
    rest = round(Fraction(sum(_units(whole)), len(whole))) - sum(told)
    sign = 1 if rest > 0 else -1
    movable = [place for place, one in enumerate(parts) if any(one)] or list(range(len(parts)))
    movable.sort(key=lambda place: sign * (told[place] - exact_means[place]))
    for number in range(abs(rest)):
        told[movable[number % len(movable)]] += sign
    return [Decimal(one).scaleb(-_PLACES) for one in told]


def _verdict(interval: tuple[Decimal, Decimal] | None) -> Verdict:
    if interval is None or interval[0] <= 0 <= interval[1]:
        return Verdict.NO_DIFFERENCE_SHOWN
    return Verdict.DEARER if interval[0] > 0 else Verdict.CHEAPER


def _interval(values: Sequence[int], blocks: Sequence[Hashable], seed: str) -> tuple[Decimal, Decimal] | None:
    """Low and high of the mean, in basis points."""
    sums: dict[Hashable, tuple[int, int]] = {}
    for value, block in zip(values, blocks, strict=True):
        total, count = sums.get(block, (0, 0))
        sums[block] = (total + value, count + 1)
    means = redrawn(list(sums.values()), _mean_of, Random(seed).choices)
    if means is None:
        return None
    low, high = middle(means)
    return Decimal(low).scaleb(-_PLACES), Decimal(high).scaleb(-_PLACES)


def _mean_of(drawn: Sequence[tuple[int, int]]) -> int:
    """Rounded half-even, as it would be told: rounding keeps the ranks."""
    total, count = sum([one[0] for one in drawn]), sum([one[1] for one in drawn])
    whole, rest = divmod(total, count)
    return whole + (2 * rest > count or (2 * rest == count and whole % 2))


def _median(values: Sequence[int]) -> Fraction:
    ordered, half = sorted(values), len(values) // 2
    return Fraction(ordered[half]) if len(ordered) % 2 else Fraction(ordered[half - 1] + ordered[half], 2)


def _deviation(values: Sequence[int]) -> Decimal:
    """Standard deviation with n − 1; 0 of a single value."""
    count = len(values)
    if count < 2:
        return Decimal(0)
    squares = count * sum(one * one for one in values) - sum(values) ** 2
    variance = _WIDE.divide(Decimal(squares), Decimal(count * (count - 1)))
    return _WIDE.sqrt(variance).to_integral_value(ROUND_HALF_EVEN).scaleb(-_PLACES)


def _units(values: Sequence[Decimal]) -> list[int]:
    """Ten thousandths of a basis point."""
    made = [value.scaleb(_PLACES, _WIDE) for value in values]
    assert all(one == one.to_integral_value() for one in made), "figures have at most 4 decimals"
    return [int(one) for one in made]


def _told(units: Fraction) -> Decimal:
    """Basis points: ``round`` is half-even."""
    return Decimal(round(units)).scaleb(-_PLACES)
