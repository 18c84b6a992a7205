"""Describe what the market did while an order worked: measured, stored with the order, bounded.

The values are msgspec structs, as in ``order.py``: an order has some hundreds of them.
"""

from decimal import Decimal

from msgspec import Struct

from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO

MARK_OUTS = (1, 10, 60)
"""Seconds after a fill at which the mid is looked at again."""


class Sweep(Struct, frozen=True, kw_only=True, gc=False):
    """What one order over the whole quantity, at the schedule's begin, would have got; nothing was taken."""

    filled: Decimal
    notional: Decimal
    fees: Decimal


class Sample(Struct, frozen=True, kw_only=True, gc=False):
    """The market at one moment of an order's life.

    Samples are taken from the effective start to the end at a steady period, when the order ends, and 1, 10
    and 60 seconds after slices that filled, where no slice measures the mid by then.
    """

    time: Nanos
    mid: Decimal | None
    """Middle of the best bid and ask of the live books; None when no book could be trusted."""
    volume: Decimal = ZERO
    """Traded since the sample before, in base currency, as far as trades were received."""
    notional: Decimal = ZERO
    """The same in quote currency."""
    sweep: Sweep | None = None
    """On the first sample that met a live book."""
