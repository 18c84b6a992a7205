"""Pause, resume, amend and cancel orders of the scripted server. No slices are replanned."""

from datetime import datetime

from twap_client.testing.examples import NOON
from twap_models import OrderStatus, SliceOutcome, TwapOrderAmendment, TwapOrderDetail
from twap_models.fields import parse_duration


def canceled(order: TwapOrderDetail) -> TwapOrderDetail:
    """End it as it is."""
    return order.model_copy(update={"status": OrderStatus.CANCELED})


def paused(order: TwapOrderDetail) -> TwapOrderDetail:
    """Let it fill nothing."""
    return order.model_copy(update={"status": OrderStatus.PAUSED})


def resumed(order: TwapOrderDetail) -> TwapOrderDetail:
    """Let it go on; one that is not paused stays as it is."""
    if order.status is not OrderStatus.PAUSED:
        return order
    has_begun = any(item.outcome is not SliceOutcome.PENDING for item in order.slices)
    return order.model_copy(update={"status": OrderStatus.WORKING if has_begun else OrderStatus.ACCEPTED})


def amended(order: TwapOrderDetail, wanted: TwapOrderAmendment) -> TwapOrderDetail:
    """Give it other terms and the next revision."""
    update: dict[str, object] = {"revision": order.revision + 1}
    if wanted.quantity is not None:
        update |= {
            "quantity": wanted.quantity,
            "remaining_quantity": wanted.quantity - order.filled_quantity,
        }
    if "price" in wanted.model_fields_set:
        update["limit_price"] = wanted.price
    if wanted.end_time is not None:
        update["end_time"] = _moment(wanted.end_time)
    return order.model_copy(update=update)


def _moment(wanted: datetime | str) -> datetime:
    if isinstance(wanted, datetime):
        return wanted
    return NOON if wanted == "now" else NOON + parse_duration(wanted.removeprefix("+"))
