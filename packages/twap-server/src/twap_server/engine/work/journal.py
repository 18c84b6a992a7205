"""Record decisions and publish them: number the events, write one transaction, then tell the bus.

A user's event numbers have no gap: they are given in the order of recording, and given back when the
recording failed. Where the database failed in the middle of a commit, nothing more is recorded until it was
asked whether that commit is there.
"""

from collections.abc import Sequence

from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import CommitInDoubt, StoreUnavailable
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.write import OrderWrite
from twap_server.engine.ports import EventSink, OrderStore
from twap_server.engine.work.step import PendingWrite

_SAMPLES_KEPT = 10_000
_ROWS_PER_COMMIT = 1_000
"""Decisions, and samples beside them: more samples would hold up the slices that are recorded with them."""
_SAMPLES_URGENT = 5_000
"""So many are recorded beside however many decisions, before the oldest are given up."""
_SAMPLES_WAIT = 5 * SECOND


class Journal:
    """Recorded before told."""

    def __init__(self, *, store: OrderStore, events: EventSink) -> None:
        self._store, self._events = store, events
        self._seqs: dict[str, int] = {}
        self._doubtful: list[OrderWrite] = []
        self._samples: list[tuple[str, Sample]] = []
        self._flushed = Nanos(0)

    def measured(self, samples: Sequence[tuple[str, Sample]]) -> None:
        """Keep samples, by order id, for the next commit; of too many the oldest are given up."""
        self._samples += samples
        del self._samples[:-_SAMPLES_KEPT]

    def wants_flush(self, now: Nanos, *, at_once: bool) -> bool:
        """Whether samples are many, or have waited for a decision long enough, or any go ``at_once``."""
        count = len(self._samples)
        return count > 0 and (at_once or count >= _ROWS_PER_COMMIT or now - self._flushed >= _SAMPLES_WAIT)

    async def flush(self, now: Nanos, *, at_once: bool = False) -> None:
        """Record the samples where that ``wants_flush``; all of them ``at_once``.

        Raises:
            StoreConflict, StoreUnavailable: they wait on.
        """
        if self.wants_flush(now, at_once=at_once):
            self._flushed = now
            await self.commit([])
        while at_once and self._samples:
            await self.commit([])

    async def commit(self, pending: Sequence[PendingWrite]) -> list[OrderWrite]:
        """Record all in one transaction, with the samples kept, then publish their events.

        Returns:
            What was recorded.

        Raises:
            StoreConflict, StoreUnavailable: nothing was recorded and nobody was told.
            CommitInDoubt: not known; ``settle`` tells, and until then nothing else is recorded.
        """
        if self._doubtful:
            raise StoreUnavailable("the database has not said yet what became of the last change; try again")
        try:
            await self._learn_numbers({one.order.terms.user_id for one in pending})
            numbered = [self._numbered(one) for one in pending]
            await self._record(numbered)
        except Exception:
            self._forget(pending)
            raise
        self._tell(numbered)
        return numbered

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
        is_urgent = len(self._samples) >= _SAMPLES_URGENT
        most = _ROWS_PER_COMMIT if is_urgent else max(0, _ROWS_PER_COMMIT - len(writes))
        try:
            await self._store.commit(writes, tuple(self._samples[:most]))
        except CommitInDoubt:
            self._doubtful = writes
            raise
        del self._samples[:most]

    def _tell(self, writes: list[OrderWrite]) -> None:
        for write in writes:
            for event in write.events:
                self._events.publish(write.order.terms.user_id, event)

    def _forget(self, pending: Sequence[PendingWrite]) -> None:
        for one in pending:
            self._seqs.pop(one.order.terms.user_id, None)

    async def _learn_numbers(self, users: set[str]) -> None:
        for user_id in [one for one in users if one not in self._seqs]:
            self._seqs[user_id] = await self._store.last_event_seq(user_id)

    def _numbered(self, pending: PendingWrite) -> OrderWrite:
        user_id = pending.order.terms.user_id
        last = self._seqs[user_id]
        self._seqs[user_id] = last + len(pending.told)
        return pending.numbered(last + 1)
