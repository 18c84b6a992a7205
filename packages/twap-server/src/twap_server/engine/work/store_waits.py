"""Note how long the engine waited for the store, so that a slice lost meanwhile has the right reason.

The engine decides nothing while it waits for a commit: slices whose window ends before the commit does are
lost, of all orders that become due meanwhile, not only of those that are being recorded. The store is to
blame for waits that are longer than what was asked of it takes, on a machine with work to do; a wait that is
as long as it had to be is load.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Collection, Sequence
from typing import TypeVar

from twap_server.domain.clock import MICROSECOND, MILLISECOND, SECOND, Clock, Nanos
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.write import OrderWrite
from twap_server.engine.ports import OrderKey, OrderStore

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_USUAL = 200 * MILLISECOND
"""A transaction of little may take so long while the machine is busy."""
_USUAL_EACH = 500 * MICROSECOND
"""And so much longer for each row that it writes: ten times what was measured."""
_NOTED = 20 * MILLISECOND
_TOLD = SECOND
_KEPT = 256


class StoreWaits:
    """Waits for the store, by wall time; of very many the last."""

    def __init__(self) -> None:
        self._waits: deque[tuple[Nanos, Nanos]] = deque(maxlen=_KEPT)
        self._long: deque[tuple[Nanos, Nanos]] = deque(maxlen=_KEPT)
        """Those that are to blame: few, and asked about for each slice that is lost."""

    def note(self, begin: Nanos, end: Nanos, *, rows: int) -> None:
        """The engine waited for the store, which had so many rows to write."""
        if end - begin >= _NOTED:
            self._waits.append((begin, end))
        if end - begin > _USUAL + rows * _USUAL_EACH:
            self._long.append((begin, end))

    def is_to_blame(self, moment: Nanos) -> bool:
        """Whether the engine waited then for longer than what was asked takes."""
        return any(begin <= moment <= end for begin, end in self._long)

    def has_waited(self, begin: Nanos, end: Nanos) -> bool:
        """Whether the engine waited for the store at some time in between."""
        return any(first < end and begin < last for first, last in self._waits)


class WaitedForStore:
    """An ``OrderStore`` that passes everything on, and notes how long that took."""

    def __init__(self, store: OrderStore, clock: Clock, waits: StoreWaits) -> None:
        """Args: clock: the engine's; waits: where waits are noted."""
        self._store, self._clock, self._waits = store, clock, waits

    async def commit(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
        """As the store."""
        rows = sum(1 + len(one.slices) + len(one.fills) + len(one.events) for one in writes) + len(samples)
        await self._timed(self._store.commit(writes, samples), rows=rows)

    async def was_recorded(self, writes: Sequence[OrderWrite]) -> bool:
        """As the store."""
        return await self._timed(self._store.was_recorded(writes))

    async def open_orders(self) -> list[Order]:
        """As the store."""
        return await self._store.open_orders()

    async def find(self, user_id: str, token_ids: Sequence[str]) -> dict[str, Order]:
        """As the store."""
        return await self._timed(self._store.find(user_id, token_ids))

    async def find_all(self, keys: Collection[OrderKey]) -> dict[OrderKey, Order]:
        """As the store."""
        return await self._timed(self._store.find_all(keys), rows=len(keys))

    async def last_event_seq(self, user_id: str) -> int:
        """As the store."""
        return await self._timed(self._store.last_event_seq(user_id))

    async def _timed(self, asked: Awaitable[_T], *, rows: int = 1) -> _T:
        begin = self._clock.now()
        try:
            return await asked
        finally:
            self._note(begin, self._clock.now(), rows=rows)

    def _note(self, begin: Nanos, end: Nanos, *, rows: int) -> None:
        self._waits.note(begin, end, rows=rows)
        if end - begin >= _TOLD:
            log.warning(
                "the database kept the engine waiting for %.1f s (slow disk? locked by another program?): "
                "slices due meanwhile may be lost",
                (end - begin) / SECOND,
            )
