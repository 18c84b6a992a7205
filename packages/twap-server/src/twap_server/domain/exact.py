"""Exact decimal arithmetic: the default context rounds at 28 digits, which price × quantity can exceed.

Every sum and product that reaches a fill or a ledger goes through here.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from math import lcm

_EXACT = Context(prec=200, traps=[Inexact])
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
_TWELVE_PLACES = Decimal("1e-12")

_HALF = Decimal("0.5")

ZERO = Decimal(0)


def add(left: Decimal, right: Decimal) -> Decimal:
    """Sum, exact or ``decimal.Inexact``."""
    return _EXACT.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """Difference, exact or ``decimal.Inexact``."""
    return _EXACT.subtract(left, right)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """Product, exact or ``decimal.Inexact``."""
    return _EXACT.multiply(left, right)


def total(values: Iterable[Decimal]) -> Decimal:
    """Sum of many, exact."""
    result = ZERO
    for value in values:
        result = add(result, value)
    return result


def midpoint(low: Decimal, high: Decimal) -> Decimal:
    """Middle of two prices, exact."""
    return multiply(add(low, high), _HALF)


def to_grid(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    """The multiple of ``step`` (above 0) next to ``value`` in the direction of ``rounding``."""
    return multiply(_WIDE.divide(value, step).to_integral_value(rounding), step)


def whole(value: Decimal, step: Decimal) -> int:
    """How many whole steps fit into ``value``."""
    return int(_WIDE.divide_int(value, step))


def whole_up(value: Decimal, step: Decimal) -> int:
    """How many whole steps cover ``value``, 0 or above."""
    below = whole(value, step)
    return below + (multiply(Decimal(below), step) < value)


def common_multiple(steps: Sequence[Decimal]) -> Decimal:
    """The smallest number that is a whole multiple of every step above 0; 0 without any."""
    known = [step for step in steps if step > ZERO]
    if not known:
        return ZERO
    finest = Decimal(1).scaleb(min(int(step.as_tuple().exponent) for step in known))
    return multiply(Decimal(lcm(*(whole(step, finest) for step in known))), finest)


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Quotient rounded half-even to 12 decimals: for presentation only."""
    return _WIDE.divide(numerator, denominator).quantize(_TWELVE_PLACES, context=_WIDE)
