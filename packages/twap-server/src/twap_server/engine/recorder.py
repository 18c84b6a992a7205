"""Records decisions and tells of them afterwards: numbering, one transaction, then the bus.

A user's event numbers have no gap: they are given in the order of recording, and given back when the
recording failed.
"""

from collections.abc import Sequence

from twap_models.enums import OrderEventType
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import TwapError
from twap_server.domain.order import Fill, Order, OrderEvent, SliceResult
from twap_server.engine.ports import EventSink, OrderStore, OrderWrite
from twap_server.engine.working import Step

_Draft = tuple[OrderEventType, Order, SliceResult | None, tuple[Fill, ...]]


class Recorder:
    """Recorded before told."""

    def __init__(self, *, store: OrderStore, events: EventSink) -> None:
        self._store, self._events = store, events
        self._seqs: dict[str, int] = {}

    async def new_order(
        self, order: Order, slices: tuple[SliceResult, ...], kind: OrderEventType
    ) -> OrderWrite:
        """The write of a new order."""
        events = await self._number(order.terms.user_id, [(kind, order, None, ())], at=order.terms.created)
        return OrderWrite(order=order, is_new=True, slices=slices, events=events)

    async def step(self, before: Order, step: Step, *, at: Nanos) -> OrderWrite:
        """The write of one decision about an order that was ``before``."""
        events = await self._number(before.terms.user_id, step.events, at=at)
        return OrderWrite(
            order=step.sealed(before), slices=tuple(step.slices), fills=tuple(step.fills), events=events
        )

    async def commit(self, writes: list[OrderWrite]) -> None:
        """Record all in one transaction, then publish their events.

        Raises:
            StoreConflict, StoreUnavailable: nothing was recorded and nobody was told.
        """
        try:
            await self._store.commit(writes)
        except TwapError:
            self._forget(writes)
            raise
        for write in writes:
            for event in write.events:
                self._events.publish(write.order.terms.user_id, event)

    def _forget(self, writes: list[OrderWrite]) -> None:
        for write in writes:
            self._seqs.pop(write.order.terms.user_id, None)

    async def _number(self, user_id: str, drafts: Sequence[_Draft], *, at: Nanos) -> tuple[OrderEvent, ...]:
        if user_id not in self._seqs:
            self._seqs[user_id] = await self._store.last_event_seq(user_id)
        first = self._seqs[user_id] + 1
        self._seqs[user_id] += len(drafts)
        return tuple(
            OrderEvent(seq=seq, type=kind, time=at, order=order, slice=result, fills=fills)
            for seq, (kind, order, result, fills) in enumerate(drafts, first)
        )
