"""Write figures and names for people, the same on a terminal and in a report's page. Pure."""

from decimal import Decimal

from twap_models.exact_json import format_decimal

NOTHING = "–"

WAYS = {
    "sweep": ("all at once", "everything at the start, through the displayed depth within the limit"),
    "naive_twap": (
        "at best prices",
        "equal slices, each whole at its best price, as if depth were endless",
    ),
    "vwap": ("market VWAP", "everything at the average price of what others traded"),
}
"""What each of the report's ``counterfactuals`` is called, and what it is; the dashboard says the same."""


def number(value: Decimal | None) -> str:
    """Write all digits, without zeros at the end."""
    if value is None:
        return NOTHING
    text = format_decimal(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def for_reading(value: Decimal | None) -> str:
    """Write a price or an amount rounded half-even: 4 decimals, below 1 six digits; no zeros at the end."""
    if value is None or not value:
        return number(value)
    return number(round(value, 4 if abs(value) >= 1 else 5 - value.adjusted()))


def reason_words(reason: str) -> str:
    """Write a reason's code as words: ``canceled_by_user`` is ``canceled by user``."""
    return reason.replace("_", " ")
