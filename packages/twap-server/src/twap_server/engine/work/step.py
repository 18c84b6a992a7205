"""Decide what one working order needs now: a slice, lost slices, or its end.

Late timer or restart: one slice now, never a backlog; slices whose window passed are missed, and the curve
does the catching up (contract section 4).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from twap_models.enums import OrderEventType, OrderStatus, SliceReason
from twap_server.domain.clock import MILLISECOND, Nanos
from twap_server.domain.orders.order import Fill, Order, OrderEvent, SliceResult
from twap_server.domain.orders.terms import Plan
from twap_server.domain.orders.volume_count import VolumeCount
from twap_server.domain.orders.write import OrderWrite
from twap_server.engine.market.snapshot import MarketSnapshot, Quotes
from twap_server.engine.work.slice_decision import Decision, InFlight, SliceDecider, lost

LOST_PER_LOOK = 200
"""Lost slices settled at once: an order with a hundred thousand of them must not hold up the others."""
LOOK_AGAIN = 100 * MILLISECOND
"""How soon a slice that waits for a usable book looks again."""


@dataclass(slots=True, kw_only=True)
class Working:
    """An open order in memory. ``order`` is always what the store holds."""

    order: Order
    waiting_since: Nanos | None = None
    """When the due slice first looked at the book."""
    in_flight: InFlight | None = None
    """The due slice, where it was sent and has not arrived."""
    volume: VolumeCount = field(default_factory=VolumeCount)
    """What others traded, where the order goes by that."""
    storage_failed: bool = False
    """A decision could not be recorded: slices lost meanwhile say so."""


class PendingWrite(Struct, kw_only=True):
    """What was decided about an order and is not recorded yet: its events have no numbers."""

    before: Order | None
    """The order as it is recorded; None where it is new."""
    order: Order
    """The order after what was decided so far."""
    at: Nanos
    """When it was decided: events go by that, so that their times never go back."""
    slices: list[SliceResult] = []
    fills: list[Fill] = []
    told: list[tuple[OrderEventType, Order, SliceResult | None, tuple[Fill, ...]]] = []
    """What events will say: kind, the order right after it, the slice and the fills it is about."""

    @classmethod
    def of_new(cls, order: Order, *, at: Nanos) -> Self:
        """An order that was not there before, accepted or rejected."""
        made = cls(before=None, order=order, at=at)
        made._tell(OrderEventType.ACCEPTED if order.status.is_open else OrderEventType.REJECTED, order)
        return made

    def add(self, decision: Decision) -> None:
        """Take a slice's outcome in."""
        if self.order.status is OrderStatus.ACCEPTED:
            self._tell(OrderEventType.WORKING, self.order.begun())
        after = self.order.after_slice(decision.result, decision.fills)
        self.slices.append(decision.result)
        self.fills.extend(decision.fills)
        self._tell(OrderEventType.SLICE, after, decision.result, decision.fills)
        self._tell_if_ended()

    def end(self, status: OrderStatus, *, reason: str) -> None:
        """End the order."""
        self.order = self.order.ended_as(status, reason=reason, at=self.at)
        self._tell_if_ended()

    def pause(self) -> None:
        """Let the order fill nothing until resumed."""
        self._tell(OrderEventType.PAUSED, self.order.paused())

    def resume(self) -> None:
        """Let the order fill again."""
        self._tell(OrderEventType.RESUMED, self.order.resumed())

    def amend(self, plan: Plan) -> None:
        """Go on under another plan, which may leave nothing to do."""
        self._tell(OrderEventType.AMENDED, self.order.amended(plan, at=self.at))
        self._tell_if_ended()

    @property
    def recorded(self) -> Order:
        """The order as one recorded change: its version is one above what the store holds."""
        if self.before is None:
            return self.order
        progress, version = self.order.progress, self.before.progress.version + 1
        if progress.version == version:
            return self.order
        return self.order.at(replace(progress, version=version))

    def numbered(self, first: int) -> OrderWrite:
        """What is recorded, its events numbered from ``first``."""
        before, order, at = self.before, self.recorded, self.at
        is_replanned = before is not None and order.plan.revision != before.plan.revision
        return OrderWrite(
            order=order,
            is_new=before is None,
            is_replanned=is_replanned,
            is_sliced=before is not None and order.status is before.status and not is_replanned,
            slices=tuple(self.slices),
            fills=tuple(self.fills),
            events=tuple(
                [
                    OrderEvent(seq=seq, type=kind, time=at, order=then, slice=result, fills=fills)
                    for seq, (kind, then, result, fills) in enumerate(self.told, first)
                ]
            ),
        )

    def _tell(
        self,
        kind: OrderEventType,
        order: Order,
        result: SliceResult | None = None,
        fills: tuple[Fill, ...] = (),
    ) -> None:
        self.order = order
        self.told.append((kind, order, result, fills))

    def _tell_if_ended(self) -> None:
        if not self.order.status.is_open:
            self._tell(OrderEventType.ENDED, self.order)


def look(
    working: Working,
    snapshot: MarketSnapshot,
    *,
    now: Nanos,
    decider: SliceDecider,
    max_wait: int,
    lost_to: Callable[[Nanos], SliceReason],
) -> PendingWrite:
    """Decide what is due for an order at ``now``; one that tells nothing means: nothing yet.

    A slice with a latency is looked at twice: when it is sent, which is not recorded, and when it arrives.

    Args:
        working: the order; noted in it is since when its slice waits.
        snapshot: the books at ``now``.
        now: wall time.
        decider: decides a slice.
        max_wait: how long a slice waits for a usable book, in nanoseconds.
        lost_to: why a slice is lost whose window ended at that time.
    """
    order, schedule = working.order, working.order.schedule
    step = PendingWrite(before=order, order=order, at=now)
    at_end = now >= order.plan.end
    index = order.progress.next_slice
    while index < schedule.count and (
        at_end or schedule.window_end(index) <= now or had_elapsed(order, index)
    ):
        if not step.slices:
            working.volume.look(order, snapshot.market)
        if len(step.slices) == LOST_PER_LOOK:
            return step
        step.add(lost(step.order, index, _why_lost(working, index, lost_to), now=now))
        index += 1
    if step.slices:
        working.waiting_since = working.in_flight = None
    if at_end:
        if step.order.status.is_open and not _ended_by_delisting(step, snapshot):
            step.end(OrderStatus.EXPIRED, reason="end_reached")
    elif index < schedule.count and schedule.due(index) <= now:
        _look_at_slice(working, step, snapshot, now=now, decider=decider, max_wait=max_wait)
    return step


def next_look(working: Working, *, now: Nanos) -> Nanos:
    """When to look again: the next due slice, soon while one waits for its book, or the end."""
    order, flight = working.order, working.in_flight
    if flight is not None and flight.is_of(order, order.progress.next_slice):
        return min(flight.arrives, order.plan.end)
    if working.waiting_since is not None:
        return min(Nanos(now + LOOK_AGAIN), order.plan.end)
    if order.progress.next_slice >= order.plan.slice_count:
        return order.plan.end
    return order.schedule.due(order.progress.next_slice)


def had_elapsed(order: Order, index: int) -> bool:
    """Whether the slice was past before the order came (``late_start=skip``)."""
    created = order.terms.created
    return order.plan.start < created and order.schedule.begin(index) < created


def _why_lost(working: Working, index: int, lost_to: Callable[[Nanos], SliceReason]) -> SliceReason:
    if had_elapsed(working.order, index):
        return SliceReason.ELAPSED
    if working.in_flight is not None and working.in_flight.is_of(working.order, index):
        return SliceReason.TOO_LATE
    if working.storage_failed:
        return SliceReason.STORAGE
    return lost_to(working.order.schedule.window_end(index))


def _look_at_slice(
    working: Working,
    step: PendingWrite,
    snapshot: MarketSnapshot,
    *,
    now: Nanos,
    decider: SliceDecider,
    max_wait: int,
) -> None:
    order, index = step.order, step.order.progress.next_slice
    flight, working.in_flight = working.in_flight, None
    if flight is not None and flight.is_of(order, index):
        _look_at_arrival(working, step, snapshot, now=now, decider=decider, flight=flight)
        return
    waiting = working.waiting_since
    since = now if waiting is None else min(waiting, now)  # the wall clock may have gone back
    quotes = _quotes(order, snapshot)
    if not quotes.open and _ended_by_delisting(step, snapshot):
        return
    decision = decider.decide(
        order,
        index,
        quotes,
        now=now,
        final=not quotes.open and now >= _latest(order, index, since, max_wait),
        traded=working.volume.since_before(order, index, quotes.odd, snapshot.market),
    )
    working.waiting_since = since if decision is None else None
    if isinstance(decision, InFlight):
        working.in_flight = decision
    elif decision is not None:
        step.add(decision)


def _look_at_arrival(
    working: Working,
    step: PendingWrite,
    snapshot: MarketSnapshot,
    *,
    now: Nanos,
    decider: SliceDecider,
    flight: InFlight,
) -> None:
    order = step.order
    if now < flight.arrives:
        working.in_flight = flight
        return
    quotes = _quotes(order, snapshot)
    if not quotes.open and _ended_by_delisting(step, snapshot):
        return
    step.add(decider.arrive(flight, order, quotes, now=now))


def _quotes(order: Order, snapshot: MarketSnapshot) -> Quotes:
    """What the order may be filled from now."""
    return snapshot.quotes(order.terms.destinations, limited=order.plan.limit is not None, filling=True)


def _latest(order: Order, index: int, since: Nanos, max_wait: int) -> int:
    """Until when a slice waits for a usable book."""
    schedule = order.schedule
    wait = min(schedule.interval // 2, max_wait)
    return min(since + wait, schedule.window_end(index) - LOOK_AGAIN)


def _ended_by_delisting(step: PendingWrite, snapshot: MarketSnapshot) -> bool:
    """End an order whose every market is gone for good."""
    if not snapshot.are_delisted(step.order.terms.destinations):
        return False
    step.end(OrderStatus.FAILED, reason="delisted")
    return True
