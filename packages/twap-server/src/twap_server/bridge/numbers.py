"""Write ccxt's numbers as texts, digit for digit as far as a float has them.

ccxt reads what an exchange sends into floats. A number of at most 15 significant digits comes back from its
float as it was, by the shortest text that means this float; of longer ones the last digits are lost in ccxt.
"""

from decimal import Context, Decimal, InvalidOperation
from typing import Final

_EXACT: Final = Context(prec=80)
ONE: Final = Decimal(1)


def decimal_of(value: object) -> Decimal:
    """Read a number that is zero or more.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError(f"expected a number, got {value!r:.40}")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else str(value))
    except InvalidOperation:
        raise ValueError(f"expected a number, got {value!r:.40}") from None
    if not number.is_finite() or number < 0:
        raise ValueError(f"expected a number that is zero or more, got {value!r:.40}")
    return number


def text_of(number: Decimal) -> str:
    """Write a number without an exponent and without zeros at its end."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if number else "0"


def price_of(value: object) -> str:
    """Write a price."""
    return text_of(decimal_of(value))


def quantity_of(value: object, size: Decimal) -> str:
    """Write a quantity in base currency; ``size``: of it in one unit of the exchange's."""
    return text_of(_EXACT.multiply(decimal_of(value), size))
