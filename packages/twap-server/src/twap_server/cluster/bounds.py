"""Name the bounds of what nodes tell each other: what lies beyond them is not read."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final, Protocol

from msgspec import Meta

from twap_models.exact_json import check_decimal
from twap_server.domain.clock import Nanos
from twap_server.domain.ownership import MOST_PARTS

_MOST: Final = 2**63 - 1
"""As a database keeps whole numbers."""

_LARGEST_SUM: Final = 70
"""Power of ten: price and quantity of a trade are below 10^30 each, and trades are fewer than 10^10."""

Count = Annotated[int, Meta(ge=0, le=_MOST)]
"""A number of things or of a message, or a length of time."""
Moment = Annotated[Nanos, Meta(ge=0, le=_MOST)]
"""Of a wall clock, or of a monotonic one."""
Epoch = Annotated[int, Meta(ge=0, le=2**30 - 1)]
"""Of a lease. With the number of a book's state it makes one that a database keeps (``shown_seq``)."""
State = Annotated[int, Meta(ge=0, le=2**62)]
"""Number of a book's state in one epoch."""
Part = Annotated[int, Meta(ge=1, le=MOST_PARTS)]
"""Of an exchange, or how many it has."""
Limit = Annotated[int, Meta(ge=1, le=100_000)]
"""So many are asked for at most."""


class TradeNumbers(Protocol):
    """A trade, or what is told of one."""

    @property
    def price(self) -> Decimal:
        """In quote currency."""
        ...

    @property
    def quantity(self) -> Decimal:
        """In base currency."""
        ...


def check_sums(*sums: Decimal) -> None:
    """Refuse what no trades can add up to. Such a sum may have more digits than a number that is shown.

    Raises:
        ValueError.
    """
    for one in sums:
        if not one.is_finite() or one < 0 or one.adjusted() > _LARGEST_SUM:
            raise ValueError(f"expected what trades add up to, got {one:.3e}")


def check_scale(scale: Decimal) -> None:
    """Refuse what no quantity can be counted in.

    Raises:
        ValueError.
    """
    if check_decimal(scale) <= 0:
        raise ValueError(f"expected a scale above 0, got {scale}")


def check_trades(trades: Sequence[TradeNumbers]) -> None:
    """Refuse trades that no answer could show.

    Raises:
        ValueError.
    """
    for one in trades:
        check_decimal(one.price)
        check_decimal(one.quantity)
