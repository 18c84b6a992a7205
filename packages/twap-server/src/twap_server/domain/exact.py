"""Calculate with decimals exactly: the default context rounds at 28 digits; price × quantity can have more.

Every sum and product that reaches a fill or a ledger goes through here.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, Inexact
from math import lcm
from typing import Final, TypeAlias

from twap_models.exact_json import InexactNumber, check_decimal

_EXACT = Context(prec=200, traps=[Inexact])
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
FINE: Final = Context(prec=60, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""For values without an end (exp, ln, roots, quotients): the same digits on every machine, for ``decimal``
rounds them correctly, and more of them than a number of lots has."""
QUICK: Final = Context(prec=30, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""For the same where it is known how far off they may be, and ``FINE`` decides what is in doubt."""
_TWELVE_PLACES = Decimal("1e-12")
_FOUR_PLACES = Decimal("0.0001")

_HALF = Decimal("0.5")
_PERCENT = Decimal(100)
_BASIS_POINTS = Decimal(10_000)

ZERO = Decimal(0)
ONE = Decimal(1)


_Operation: TypeAlias = Callable[[Decimal, Decimal], Decimal]

add: Final[_Operation] = _EXACT.add
"""Sum, exact or ``decimal.Inexact``."""
subtract: Final[_Operation] = _EXACT.subtract
"""Difference, exact or ``decimal.Inexact``."""
multiply: Final[_Operation] = _EXACT.multiply
"""Product, exact or ``decimal.Inexact``."""


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


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The multiple of ``step`` (above 0) at or below ``value`` (0 or above)."""
    return multiply(_WIDE.divide_int(value, step), step)


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


def can_be_said(value: Decimal) -> bool:
    """Tell whether a number is 0 or above, and within the bounds of numbers on the wire."""
    try:
        return check_decimal(value) >= ZERO
    except InexactNumber:
        return False


def signed(sign: int, value: Decimal) -> Decimal:
    """``value``, or its negative for a sign below 0; never minus zero, which the wire refuses."""
    return add(ZERO, value) if sign > 0 else subtract(ZERO, value)


def text(value: Decimal) -> str:
    """Write a number for a message: all digits that mean something, never an exponent."""
    return f"{value.normalize(_WIDE):f}"


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Quotient rounded half-even to 12 decimals: for presentation only."""
    return _rounded(_WIDE.divide(numerator, denominator), _TWELVE_PLACES)


def percent(part: Decimal, whole: Decimal) -> Decimal:
    """``part`` in percent of ``whole``, rounded half-even to 4 decimals: for presentation only."""
    return _rounded(_WIDE.divide(multiply(part, _PERCENT), whole), _FOUR_PLACES)


def basis_points(part: Decimal, whole: Decimal) -> Decimal:
    """``part`` in basis points of ``whole``, rounded half-even to 4 decimals: for presentation only."""
    return _rounded(_WIDE.divide(multiply(part, _BASIS_POINTS), whole), _FOUR_PLACES)


def bps_of_percent(share: Decimal) -> Decimal:
    """Percent as basis points, rounded half-even to 4 decimals: for presentation only."""
    return basis_points(share, _PERCENT)


def mean(weighted: Decimal, weights: Decimal) -> Decimal:
    """A weighted mean of basis points, half-even to 4 decimals as they are: for presentation only."""
    return _rounded(_WIDE.divide(weighted, weights), _FOUR_PLACES)


def root_mean_square(values: Sequence[Decimal]) -> Decimal:
    """Square root of the mean of the squares of at least one value, half-even to 12 decimals."""
    squares = total(multiply(value, value) for value in values)
    return _rounded(_WIDE.sqrt(_WIDE.divide(squares, Decimal(len(values)))), _TWELVE_PLACES)


def _rounded(value: Decimal, places: Decimal) -> Decimal:
    return value.quantize(places, context=_WIDE) or ZERO
