"""Write figures as text: every digit, without zeros at the end."""

from decimal import Decimal

from twap_models.reading import NOTHING, for_reading, number
from twap_server.domain.clock import to_datetime
from twap_server.domain.orders.order import Order

_FEW = 4


def amount(value: Decimal | None) -> str:
    """All digits, with its sign: a cost may be a gain."""
    return NOTHING if value is None else f"{'+' if value > 0 else ''}{number(value)}"


def short_amount(value: Decimal | None) -> str:
    """An amount in a headline, with its sign: rounded for reading; the tables have every digit."""
    return NOTHING if value is None else f"{'+' if value > 0 else ''}{for_reading(value)}"


def bps(value: Decimal | None) -> str:
    """Basis points in a headline: two decimals, half-even, with their sign; the tables have all four."""
    if value is None:
        return NOTHING
    made = round(value, 2)
    return f"{made:+.2f}" if made else "0.00"


def short(value: Decimal) -> str:
    """A few significant digits with its sign, where there is no room: the table beside it is exact."""
    places = max(0, _FEW - 1 - value.adjusted()) if value else 0
    return f"{value:+.{min(places, 8)}f}" if value else "0"


def moment(nanos: int) -> str:
    """A time of day in UTC, to the millisecond."""
    return to_datetime(nanos).strftime("%H:%M:%S.%f")[:-3]


def stamp(nanos: int) -> str:
    """Date and time in UTC, to the second."""
    return to_datetime(nanos).strftime("%Y-%m-%d %H:%M:%S UTC")


def of_unread(unread: str) -> list[str]:
    """The note of a replay some of whose messages could not be read; none where all were.

    Args:
        unread: how many, and why; empty where all were.
    """
    return [f"skipped unreadable messages of the recording: {unread}"] if unread else []


def file_name(order: Order, end: str) -> str:
    """What a file about an order is called.

    A token id is letters, digits and ``._:-``; a colon is none of Windows' letters.
    """
    return f"twap-{order.terms.token_id.replace(':', '_')}-{end}"
