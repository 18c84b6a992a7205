"""Compare what an order came to with what its slices came to: figures, status, how many slices there are."""

from collections.abc import Iterator
from typing import TypeAlias

from twap_models.enums import OrderStatus
from twap_server.domain import exact
from twap_server.domain.orders.order import OrderProgress, SliceResult
from twap_server.domain.orders.record import OrderRecord
from twap_server.proof.differences import Difference

_Compared: TypeAlias = tuple[str, str, str]
"""A field, as recorded, as recomputed."""


def end_difference(record: OrderRecord, made: OrderProgress) -> Difference | None:
    """The first difference of the order itself; None where all is as recorded.

    Args:
        record: as recorded.
        made: what the slices came to when they were decided again.
    """
    for field, recorded, recomputed in _pairs(record, made):
        if recorded != recomputed:
            return Difference(field=field, recorded=recorded, recomputed=recomputed)
    return None


def beyond_the_end(told: SliceResult) -> Difference:
    """A slice of an order that had nothing left to fill."""
    return Difference(
        slice=told.index,
        field="outcome",
        recorded=told.outcome.value,
        recomputed="none: the slice before filled the rest of the order",
    )


def _pairs(record: OrderRecord, made: OrderProgress) -> Iterator[_Compared]:
    told = record.order.progress
    yield "filled_quantity", exact.text(told.filled), exact.text(made.filled)
    yield "notional", exact.text(told.notional), exact.text(made.notional)
    yield "fees", exact.text(told.fees), exact.text(made.fees)
    yield "status", *_statuses(record, made)
    if told.status is OrderStatus.EXPIRED:
        yield "slices", str(len(record.slices)), str(record.order.plan.slice_count)


def _statuses(record: OrderRecord, made: OrderProgress) -> tuple[str, str]:
    """As recorded, and as it has to be. That its user paused or canceled an order is in no recording."""
    told, quantity = record.order.status, record.order.plan.quantity
    if made.filled == quantity:
        return told.value, OrderStatus.FILLED.value
    if told is OrderStatus.FILLED:
        filled = f"{exact.text(made.filled)} of {exact.text(quantity)}"
        return told.value, f"another one, for {filled} are filled"
    return told.value, OrderStatus.WORKING.value if told is OrderStatus.ACCEPTED else told.value
