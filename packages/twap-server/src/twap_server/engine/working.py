"""The life of one working order: what is to be done with it at a given moment.

Late timer or restart: one slice now, never a backlog; slices whose window passed are missed, and the curve
does the catching up (contract section 4).
"""

from dataclasses import dataclass, field, replace

from twap_models.enums import OrderEventType, OrderStatus, SliceReason
from twap_server.domain.clock import MILLISECOND, Nanos
from twap_server.domain.order import Fill, Order, SliceResult
from twap_server.engine.decision import Decision, SliceDecider, lost
from twap_server.engine.ports import LiveBookView

_LOOK_AGAIN = 100 * MILLISECOND
"""How soon a slice that waits for a usable book looks again."""


@dataclass(slots=True, kw_only=True)
class Working:
    """An open order in memory. ``order`` is always what the store holds."""

    order: Order
    waiting_since: Nanos | None = None
    """When the due slice first looked at the book."""
    storage_failed: bool = False
    """A decision could not be recorded: slices lost meanwhile say so."""


@dataclass(slots=True, kw_only=True)
class Step:
    """What one look at an order decided; recorded as one write."""

    order: Order
    slices: list[SliceResult] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    events: list[tuple[OrderEventType, Order, SliceResult | None, tuple[Fill, ...]]] = field(
        default_factory=list
    )

    def add(self, decision: Decision) -> None:
        """Take a slice's outcome in."""
        began = self.order.status is OrderStatus.ACCEPTED
        self.order = self.order.after_slice(decision.result, decision.fills)
        if began:
            self.events.append((OrderEventType.WORKING, self.order, None, ()))
        self.slices.append(decision.result)
        self.fills.extend(decision.fills)
        self.events.append((OrderEventType.SLICE, self.order, decision.result, decision.fills))
        if not self.order.status.is_open:
            self.events.append((OrderEventType.ENDED, self.order, None, ()))

    def end(self, status: OrderStatus, *, reason: str, at: Nanos) -> None:
        """End the order."""
        self.order = self.order.ended_as(status, reason=reason, at=at)
        self.events.append((OrderEventType.ENDED, self.order, None, ()))

    def sealed(self, before: Order) -> Order:
        """The order as one recorded change: its version is one above what the store holds."""
        progress = replace(self.order.progress, version=before.progress.version + 1)
        return replace(self.order, progress=progress)


def look(
    working: Working, live: LiveBookView | None, *, now: Nanos, decider: SliceDecider, max_wait: int
) -> Step:
    """Decide what is due for an order at ``now``; an empty step means: nothing yet."""
    order, schedule = working.order, working.order.terms.schedule
    step = Step(order=order)
    at_end = now >= order.terms.end
    current = schedule.count if at_end else schedule.index_at(now)
    missed_because = SliceReason.STORAGE if working.storage_failed else SliceReason.ENGINE_DOWN
    for index in range(order.progress.next_slice, current):
        step.add(lost(step.order, index, missed_because, now=now))
    if at_end:
        step.end(OrderStatus.EXPIRED, reason="end_reached", at=now)
    elif step.order.progress.next_slice == current:
        _look_at_slice(working, step, current, live, now=now, decider=decider, max_wait=max_wait)
    return step


def next_look(working: Working, *, now: Nanos) -> Nanos:
    """When to look again: the next due slice, soon while one waits for its book, or the end."""
    order = working.order
    if working.waiting_since is not None:
        return min(Nanos(now + _LOOK_AGAIN), order.terms.end)
    if order.progress.next_slice >= order.terms.slice_count:
        return order.terms.end
    return order.terms.schedule.due(order.progress.next_slice)


def _look_at_slice(
    working: Working,
    step: Step,
    index: int,
    live: LiveBookView | None,
    *,
    now: Nanos,
    decider: SliceDecider,
    max_wait: int,
) -> None:
    schedule = step.order.terms.schedule
    since = working.waiting_since if working.waiting_since is not None and not step.slices else now
    wait = min(schedule.interval // 2, max_wait)
    deadline = min(since + wait, schedule.window_end(index) - _LOOK_AGAIN)
    decision = decider.decide(step.order, index, live, now=now, final=now >= deadline)
    working.waiting_since = since if decision is None else None
    if decision is not None:
        step.add(decision)
