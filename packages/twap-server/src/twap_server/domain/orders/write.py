"""What is recorded of one decision about one order: all of it in one transaction, or none of it."""

from msgspec import Struct

from twap_server.domain.orders.order import Fill, Order, OrderEvent, SliceResult


class OrderWrite(Struct, frozen=True, kw_only=True, gc=False):
    """One decision about one order."""

    order: Order
    """The order after the decision."""
    is_new: bool = False
    """It was not recorded before."""
    is_replanned: bool = False
    """Its plan was replaced by an amendment."""
    is_sliced: bool = False
    """Nothing but slices is new: state and plan are as before."""
    slices: tuple[SliceResult, ...] = ()
    """Slices that ended by it."""
    fills: tuple[Fill, ...] = ()
    """Their fills."""
    events: tuple[OrderEvent, ...] = ()
    """What it makes to be told."""
