"""An order's state rebuilt from its events alone, by naive arithmetic: what the store holds must equal it.

In: events, one by one; of the orders that they carry only the terms (which never change) and the plans of
``accepted`` and ``amended`` are read. Out: the state; an AssertionError where an event cannot follow.
"""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from twap_models.enums import FillState, OrderEventType, OrderStatus, SliceOutcome, SliceReason
from twap_server.domain.orders.order import Fill, Order, OrderEvent, SliceResult
from twap_server.domain.orders.terms import OrderTerms, Plan

_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
_REASONS = {
    OrderStatus.FILLED: "",
    OrderStatus.EXPIRED: "end_reached",
    OrderStatus.CANCELED: "canceled_by_user",
}


@dataclass
class Replay:
    """One order."""

    terms: OrderTerms | None = None
    plan: Plan | None = None
    status: OrderStatus | None = None
    filled: Decimal = Decimal(0)
    notional: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    next_slice: int = 0
    reason: str = ""
    ended: int | None = None
    is_over: bool = False
    slices: dict[int, SliceResult] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)

    def take(self, event: OrderEvent) -> None:
        """Take the next event in."""
        assert not self.is_over, f"{event.type} after the end"
        assert (self.terms is None) == (event.type in (OrderEventType.ACCEPTED, OrderEventType.REJECTED))
        assert self.terms in (None, event.order.terms), "terms never change"
        getattr(self, f"_{event.type.value}")(event)
        if self.plan is not None and self.status is not OrderStatus.REJECTED:
            assert 0 <= self.filled <= self.plan.quantity

    def _accepted(self, event: OrderEvent) -> None:
        self.terms, self.plan, self.status = event.order.terms, event.order.plan, OrderStatus.ACCEPTED
        assert self.plan.revision == 1
        self._check_plan()

    def _rejected(self, event: OrderEvent) -> None:
        self.terms, self.plan, self.status = event.order.terms, event.order.plan, OrderStatus.REJECTED
        self.reason, self.ended, self.is_over = event.order.progress.reason, event.time, True
        assert self.reason

    def _working(self, _: OrderEvent) -> None:
        assert self.status is OrderStatus.ACCEPTED
        self.status = OrderStatus.WORKING

    def _slice(self, event: OrderEvent) -> None:
        assert self.plan is not None and self.terms is not None and event.slice is not None
        part, index = event.slice, event.slice.index
        assert self.status in (OrderStatus.WORKING, OrderStatus.PAUSED) and index == self.next_slice
        assert part.filled == sum(fill.quantity for fill in event.fills) <= part.wanted
        assert part.notional == sum(fill.quantity * fill.price for fill in event.fills)
        assert (part.outcome is SliceOutcome.FILLED) == (part.filled == part.wanted and bool(part.filled))
        assert part.decided == event.time
        if part.reason is SliceReason.ELAPSED:  # past when the order came, whatever the clock says now
            assert self._begin(index) < self.terms.created
        else:
            assert event.time >= part.due
        self._check_fills(event)
        self.slices[index], self.next_slice = part, index + 1
        self.fills += event.fills
        self.filled += part.filled
        self.notional += part.notional
        self.fees += sum(fill.fee for fill in event.fills)
        assert part.filled == 0 or self.filled <= self.bound(index), "ahead of the curve"
        if self.filled == self.plan.quantity:
            self._end(OrderStatus.FILLED, event)

    def _check_fills(self, event: OrderEvent) -> None:
        assert self.plan is not None and self.terms is not None
        assert not event.fills or self.status is not OrderStatus.PAUSED, "a paused order fills nothing"
        for fill in event.fills:
            assert fill.slice_index == self.next_slice and self.plan.start <= fill.time < self.plan.end
            better = self.plan.limit is None or self.terms.side.sign * (self.plan.limit - fill.price) >= 0
            assert better, "worse than the limit"
            assert fill.quantity > 0 and fill.quantity % self.terms.lot_size == 0

    def _paused(self, _: OrderEvent) -> None:
        assert self.status in (OrderStatus.ACCEPTED, OrderStatus.WORKING)
        self.status = OrderStatus.PAUSED

    def _resumed(self, _: OrderEvent) -> None:
        assert self.status is OrderStatus.PAUSED
        self.status = OrderStatus.WORKING if self.next_slice else OrderStatus.ACCEPTED

    def _amended(self, event: OrderEvent) -> None:
        assert self.status is not None and self.status.is_open and self.plan is not None
        before, self.plan = self.plan, event.order.plan
        assert self.plan.revision == before.revision + 1
        if (self.plan.quantity, self.plan.end) == (before.quantity, before.end):
            assert self.plan.slice_count >= self.next_slice
        if self.plan.first != before.first:
            assert (self.plan.first, self.plan.base) == (self.next_slice, self.filled), "the past stays"
        if self.filled == self.plan.quantity:
            self._end(OrderStatus.FILLED, event)
        elif self.plan.first != before.first:
            self._check_plan()

    def _check_plan(self) -> None:
        assert self.plan is not None
        assert self.plan.interval > 0 and self.plan.start < self.plan.end
        last = self.plan.slice_count - 1
        assert last >= self.next_slice and self._begin(last) < self.plan.end, "every slice before the end"

    def _ended(self, event: OrderEvent) -> None:
        assert self.status is not None and self.plan is not None
        if self.status.is_open:
            named = event.order.progress.status
            assert named in (OrderStatus.EXPIRED, OrderStatus.CANCELED) and self.filled < self.plan.quantity
            assert named is OrderStatus.CANCELED or event.time >= self.plan.end
            self._end(named, event)
        assert self.ended == event.time
        self.is_over = True

    def _end(self, status: OrderStatus, event: OrderEvent) -> None:
        self.status, self.reason, self.ended = status, _REASONS[status], event.time

    def _begin(self, index: int) -> int:
        assert self.plan is not None
        return self.plan.start + (index - self.plan.first) * self.plan.interval

    def bound(self, index: int) -> Decimal:
        """Most that may be filled once this slice is done: the curve without randomize, on the lot grid."""
        assert self.plan is not None and self.terms is not None
        if index == self.plan.slice_count - 1:
            return self.plan.quantity
        length = self.plan.end - self.plan.start
        elapsed = min(self._begin(index + 1) - self.plan.start, length)
        lots = int((self.plan.quantity - self.plan.base) / self.terms.lot_size)
        return self.plan.base + lots * elapsed // length * self.terms.lot_size

    def state(self) -> dict[str, Any]:
        """What the events say of the order."""
        assert self.plan is not None
        average = _WIDE.divide(self.notional, self.filled) if self.filled else None
        left = self.plan.quantity - self.filled
        partly = FillState.PARTIAL if left else FillState.FULL
        return {
            "status": self.status,
            "plan": self.plan,
            "filled": self.filled,
            "remaining": left,
            "notional": self.notional,
            "fees": self.fees,
            "next_slice": self.next_slice,
            "fill_state": partly if self.filled else FillState.NONE,
            "average": average and average.quantize(Decimal("1e-12"), context=_WIDE),
            "reason": self.reason,
            "ended": self.ended,
        }


def state_of(order: Order) -> dict[str, Any]:
    """The same of an order as the engine made it."""
    progress = order.progress
    return {
        "status": order.status,
        "plan": order.plan,
        "filled": progress.filled,
        "remaining": order.remaining,
        "notional": progress.notional,
        "fees": progress.fees,
        "next_slice": progress.next_slice,
        "fill_state": order.fill_state,
        "average": order.average_price,
        "reason": progress.reason,
        "ended": progress.ended,
    }
