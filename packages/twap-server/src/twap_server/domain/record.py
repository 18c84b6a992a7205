"""All that is recorded of one order: what its execution report is made from."""

from dataclasses import dataclass

from twap_server.domain.order import Fill, Order, SliceResult
from twap_server.domain.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An order with what happened to it, all of the same moment."""

    order: Order
    slices: tuple[SliceResult, ...]
    """Those that have ended, in order."""
    fills: tuple[Fill, ...]
    """In the order they happened."""
    samples: tuple[Sample, ...]
    """Of its market, in time order."""
