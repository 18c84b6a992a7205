"""Count how far something has decayed: in whole steps of a half-life, rounded down, so never too far."""

from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import ceil
from typing import Final

STEPS: Final = 1024
"""Of a half-life: time is counted in them."""
FORGOTTEN_AFTER: Final = 40
"""Half-lives after which nothing of any real size is left."""
_FINEST: Final = 10**30
"""Of a distance that decayed: finer than any price, and its digits do not grow for ever."""


def halved(value: Decimal, *, age: int, half_life: int) -> Decimal:
    """What is left of ``value`` after ``age``; both times in the same unit. Rounded to 28 digits."""
    steps = age * STEPS // half_life
    if not steps:  # as for orders that are decided together
        return value
    halvings, step = divmod(steps, STEPS)
    left = value * _two_to_minus(step)
    return left / (1 << halvings) if halvings else left


def halved_distance(value: Fraction, *, age: int, half_life: int) -> Fraction:
    """What is left of a distance, rounded up to 30 decimals: never less than is due."""
    steps = age * STEPS // half_life
    if not steps:
        return value
    halvings, step = divmod(steps, STEPS)
    left = value * Fraction(_two_to_minus(step)) / (1 << halvings)
    return Fraction(ceil(left * _FINEST), _FINEST)


@cache
def _two_to_minus(step: int) -> Decimal:
    """What is left after ``step`` steps of a half-life; a power of this kind takes 40 us to compute."""
    return Decimal(2) ** (Decimal(-step) / STEPS)
