"""Exact decimal arithmetic: the default context rounds at 28 digits, which price × quantity can exceed.

Every sum and product that reaches a fill or a ledger goes through here.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact

_EXACT = Context(prec=200, traps=[Inexact])
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
_TWELVE_PLACES = Decimal("1e-12")

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


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Quotient rounded half-even to 12 decimals: for presentation only."""
    return _WIDE.divide(numerator, denominator).quantize(_TWELVE_PLACES, context=_WIDE)
