"""Figures of many samples: percentiles, and slopes that a few outliers do not bend."""

import math
from collections.abc import Sequence
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that this share of all does not exceed; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def slope(times: Sequence[float], values: Sequence[float], *, most: int = 300) -> float:
    """How much a value grows in a unit of time: Theil and Sen's median of the slopes of all pairs.

    Args:
        times: rising.
        values: as many.
        most: of more samples, that many are taken, evenly spread.
    """
    step = max(1, -(-len(times) // most))
    points = list(zip(times[::step], values[::step], strict=True))
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for at, earlier in enumerate(points)
        for later in points[at + 1 :]
        if later[0] > earlier[0]
    ]
    return median(slopes) if slopes else 0.0
