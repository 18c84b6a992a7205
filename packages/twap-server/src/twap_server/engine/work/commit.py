"""Record a turn's decisions in one transaction, and handle its failure.

Nothing recorded: the orders stay as they were and are looked at again soon. A conflict: somebody else changed
an order, so it is read again. In memory stands only what the store holds.
"""

import logging
from collections.abc import Sequence

from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import CommitInDoubt, StoreConflict, StoreUnavailable, TwapError
from twap_server.domain.execution.own_impact import ImpactMemories
from twap_server.domain.orders.write import OrderWrite
from twap_server.engine.market.sampler import MarketSampler
from twap_server.engine.ports import OrderStore
from twap_server.engine.work.journal import Journal
from twap_server.engine.work.open_orders import OpenOrders
from twap_server.engine.work.step import PendingWrite, Working

log = logging.getLogger(__name__)

_RETRY_STORE_NS = 250_000_000
_TAKEN_AT_ONCE = 500
"""Taken into memory without giving way to others: some milliseconds."""


class DecisionCommitter:
    """Brings decisions into the store and into memory."""

    def __init__(
        self,
        *,
        store: OrderStore,
        journal: Journal,
        open_orders: OpenOrders,
        sampler: MarketSampler,
        impact: ImpactMemories,
        clock: Clock,
    ) -> None:
        self._store, self._journal, self._open_orders = store, journal, open_orders
        self._sampler, self._impact, self._clock = sampler, impact, clock

    async def record(self, pending: Sequence[PendingWrite]) -> None:
        """Record the decisions of one turn, take them into memory, and tell; what failed is decided again."""
        for one in pending:
            if not one.order.status.is_open:
                self._journal.measured(self._sampler.take(one.order.terms.order_id, one.at))
        try:
            recorded = await self._journal.commit(pending)
        except StoreConflict as error:
            await self._after_conflict(pending, error)
        except StoreUnavailable as error:
            self._after_failure(pending, error)
        else:
            self._impact.settle()
            for number, write in enumerate(recorded, 1):
                self._open_orders.apply(write)
                if number % _TAKEN_AT_ONCE == 0:
                    await self._clock.sleep(0)

    async def _after_conflict(self, pending: Sequence[PendingWrite], error: StoreConflict) -> None:
        """Record one by one; an order that the store holds in another state is read again."""
        if len(pending) > 1:
            for one in pending:
                await self.record([one])
            return
        working = self._open_orders.of(pending[0].order)
        log.error("order=%s was changed by somebody else: %s", working.order.terms.order_id, error)
        try:
            await self.read_again(working)
        except StoreUnavailable as unavailable:
            self._after_failure(pending, unavailable)

    async def read_again(self, working: Working) -> None:
        """Take an order into memory as the store holds it.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        terms = working.order.terms
        stored = (await self._store.find(terms.user_id, [terms.token_id])).get(terms.token_id)
        self._open_orders.apply(OrderWrite(order=stored if stored is not None else working.order))
        if working.order.status.is_open:
            self._look_later(working)

    def _after_failure(self, pending: Sequence[PendingWrite], error: TwapError) -> None:
        """Nothing was recorded: decide again soon; a slice whose window passes is lost to storage."""
        log.error("decisions=%d could not be recorded: %s", len(pending), error)
        if isinstance(error, CommitInDoubt):
            self._impact.doubt()
        else:
            self._impact.take_back()
        for one in pending:
            working = self._open_orders.of(one.order)
            working.storage_failed = True
            self._look_later(working)

    def _look_later(self, working: Working) -> None:
        self._open_orders.plan(working, at=Nanos(self._clock.now() + _RETRY_STORE_NS))
