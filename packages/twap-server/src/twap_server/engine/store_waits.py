"""How long the store kept the engine waiting, so that a slice lost meanwhile is not blamed on the engine.

The engine decides nothing while it waits for a commit: slices whose window ends before the commit does are
lost, of all orders that become due meanwhile, not only of those that are being recorded.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Collection, Sequence
from typing import TypeVar

from twap_server.domain.clock import MILLISECOND, SECOND, Clock, Nanos
from twap_server.domain.order import Order
from twap_server.domain.sample import Sample
from twap_server.engine.ports import OrderKey, OrderStore, OrderWrite

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_NOTED = 20 * MILLISECOND
"""Shorter waits lose no slice that the engine would have decided in time."""
_TOLD = SECOND
_KEPT = 256


class WaitedForStore:
    """An ``OrderStore`` that passes everything on, and remembers its long waits."""

    def __init__(self, store: OrderStore, clock: Clock) -> None:
        """Args: clock: the engine's."""
        self._store, self._clock = store, clock
        self._waits: deque[tuple[Nanos, Nanos]] = deque(maxlen=_KEPT)

    def was_waited_for(self, moment: Nanos) -> bool:
        """Whether the engine waited for the store at that wall time."""
        return any(begin <= moment <= end for begin, end in self._waits)

    async def commit(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
        """As the store."""
        await self._timed(self._store.commit(writes, samples))

    async def was_recorded(self, writes: Sequence[OrderWrite]) -> bool:
        """As the store."""
        return await self._timed(self._store.was_recorded(writes))

    async def open_orders(self) -> list[Order]:
        """As the store."""
        return await self._timed(self._store.open_orders())

    async def find(self, user_id: str, token_ids: Sequence[str]) -> dict[str, Order]:
        """As the store."""
        return await self._timed(self._store.find(user_id, token_ids))

    async def find_all(self, keys: Collection[OrderKey]) -> dict[OrderKey, Order]:
        """As the store."""
        return await self._timed(self._store.find_all(keys))

    async def last_event_seq(self, user_id: str) -> int:
        """As the store."""
        return await self._timed(self._store.last_event_seq(user_id))

    async def _timed(self, asked: Awaitable[_T]) -> _T:
        begin = self._clock.now()
        try:
            return await asked
        finally:
            self._note(begin, self._clock.now())

    def _note(self, begin: Nanos, end: Nanos) -> None:
        if end - begin >= _NOTED:
            self._waits.append((begin, end))
        if end - begin >= _TOLD:
            log.warning(
                "the database kept the engine waiting for %.1f s (slow disk? locked by another program?): "
                "slices due meanwhile may be lost",
                (end - begin) / SECOND,
            )
