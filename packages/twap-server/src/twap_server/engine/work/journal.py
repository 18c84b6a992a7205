"""Records decisions and tells of them afterwards: numbering, one transaction, then the bus.

A user's event numbers have no gap: they are given in the order of recording, and given back when the
recording failed. Where the database failed in the middle of a commit, nothing more is recorded until it was
asked whether that commit is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from twap_models.enums import OrderEventType
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import CommitInDoubt, StoreUnavailable
from twap_server.domain.orders.order import Fill, Order, OrderEvent, SliceResult
from twap_server.domain.orders.sample import Sample
from twap_server.engine.ports import EventSink, OrderStore, OrderWrite
from twap_server.engine.work.step import Step, Told

_SAMPLES_KEPT = 10_000
_SAMPLES_PER_COMMIT = 1_000
"""More would hold up the slices that are recorded with them."""
_SAMPLES_WAIT = 5 * SECOND


@dataclass(slots=True, kw_only=True)
class Draft:
    """One decision about one order before it is recorded: its events have no numbers yet."""

    order: Order
    """The order after the decision."""
    at: Nanos
    told: Sequence[Told]
    is_new: bool = False
    is_replanned: bool = False
    is_sliced: bool = False
    slices: Sequence[SliceResult] = ()
    fills: Sequence[Fill] = ()

    def numbered(self, first: int) -> OrderWrite:
        """What is recorded, its events numbered from ``first``."""
        return OrderWrite(
            order=self.order,
            is_new=self.is_new,
            is_replanned=self.is_replanned,
            is_sliced=self.is_sliced,
            slices=tuple(self.slices),
            fills=tuple(self.fills),
            events=tuple(
                [
                    OrderEvent(seq=seq, type=kind, time=self.at, order=order, slice=result, fills=fills)
                    for seq, (kind, order, result, fills) in enumerate(self.told, first)
                ]
            ),
        )


class Journal:
    """Recorded before told."""

    def __init__(self, *, store: OrderStore, events: EventSink) -> None:
        self._store, self._events = store, events
        self._seqs: dict[str, int] = {}
        self._doubtful: list[OrderWrite] = []
        self._samples: list[tuple[str, Sample]] = []
        self._flushed = Nanos(0)

    def new_order(self, order: Order, kind: OrderEventType, *, at: Nanos) -> Draft:
        """A new order, decided ``at``: events go by that, so that their times never go back."""
        told: list[Told] = [(kind, order, None, ())]
        return Draft(order=order, at=at, told=told, is_new=True)

    def step(self, before: Order, step: Step) -> Draft:
        """One decision about an order that was ``before``."""
        is_replanned = step.order.plan.revision != before.plan.revision
        return Draft(
            order=step.sealed(before),
            at=step.at,
            told=step.events,
            is_replanned=is_replanned,
            is_sliced=step.order.status is before.status and not is_replanned,
            slices=step.slices,
            fills=step.fills,
        )

    def measured(self, samples: Sequence[tuple[str, Sample]]) -> None:
        """Keep samples, by order id, for the next commit; of too many the oldest are given up."""
        self._samples += samples
        del self._samples[:-_SAMPLES_KEPT]

    async def flush(self, now: Nanos, *, at_once: bool = False) -> None:
        """Record the samples that have waited for a decision long enough, or all of them ``at_once``.

        Raises:
            StoreConflict, StoreUnavailable: they wait on.
        """
        if self._samples and (at_once or now - self._flushed >= _SAMPLES_WAIT):
            self._flushed = now
            await self.commit([])
        while at_once and self._samples:
            await self.commit([])

    async def commit(self, drafts: Sequence[Draft]) -> None:
        """Record all in one transaction, with the samples kept, then publish their events.

        Raises:
            StoreConflict, StoreUnavailable: nothing was recorded and nobody was told.
            CommitInDoubt: not known; ``settle`` tells, and until then nothing else is recorded.
        """
        if self._doubtful:
            raise StoreUnavailable("the database has not said yet what became of the last change; try again")
        try:
            await self._learn_numbers({draft.order.terms.user_id for draft in drafts})
            numbered = [self._numbered(draft) for draft in drafts]
            await self._record(numbered)
        except Exception:
            self._forget(drafts)
            raise
        self._tell(numbered)

    @property
    def in_doubt(self) -> bool:
        """Whether ``settle`` has something to ask."""
        return bool(self._doubtful)

    async def settle(self) -> list[OrderWrite]:
        """Ask what became of a commit in doubt; tell of it if it was recorded.

        Returns:
            What was recorded after all.

        Raises:
            StoreUnavailable: the database is not there to be asked.
        """
        if not self._doubtful:
            return []
        was_recorded = await self._store.was_recorded(self._doubtful)
        writes, self._doubtful = self._doubtful, []
        if not was_recorded:
            return []
        self._tell(writes)
        return writes

    async def _record(self, writes: list[OrderWrite]) -> None:
        try:
            await self._store.commit(writes, tuple(self._samples[:_SAMPLES_PER_COMMIT]))
        except CommitInDoubt:
            self._doubtful = writes
            raise
        del self._samples[:_SAMPLES_PER_COMMIT]

    def _tell(self, writes: list[OrderWrite]) -> None:
        for write in writes:
            for event in write.events:
                self._events.publish(write.order.terms.user_id, event)

    def _forget(self, drafts: Sequence[Draft]) -> None:
        for draft in drafts:
            self._seqs.pop(draft.order.terms.user_id, None)

    async def _learn_numbers(self, users: set[str]) -> None:
        for user_id in users - self._seqs.keys():
            self._seqs[user_id] = await self._store.last_event_seq(user_id)

    def _numbered(self, draft: Draft) -> OrderWrite:
        user_id = draft.order.terms.user_id
        last = self._seqs[user_id]
        self._seqs[user_id] = last + len(draft.told)
        return draft.numbered(last + 1)
