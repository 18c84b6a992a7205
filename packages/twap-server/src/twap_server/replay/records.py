"""Keep what a replay records in memory: it need not survive, the recording can be played again.

Implements the engine's ``OrderStore``; what it holds of an order is what its execution report is made from.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from twap_server.domain.errors import StoreConflict
from twap_server.domain.orders.order import Fill, Order, SliceResult
from twap_server.domain.orders.record import Hole, OrderRecord
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import Plan
from twap_server.domain.orders.write import OrderWrite
from twap_server.engine.ports import OrderKey
from twap_server.replay.holes import Holes


@dataclass(slots=True)
class _Kept:
    order: Order
    slices: list[SliceResult] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    """As they came: of many orders, so nothing else is kept for each."""
    plans: dict[int, Plan] = field(default_factory=dict)
    """By their revisions."""


class MemoryRecords:
    """Orders by id, and by user and token."""

    def __init__(self, holes: Holes) -> None:
        """Start empty; holes: of the recordings that are played."""
        self._holes = holes
        self._kept: dict[str, _Kept] = {}
        self._ids: dict[OrderKey, str] = {}
        self._seqs: dict[str, int] = {}

    async def commit(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
        """Record all writes and samples.

        Raises:
            StoreConflict: an order is not as it was before its decision, or a token was used; nothing was
                recorded.
        """
        for write in writes:
            self._check(write)
        for write in writes:
            self._record(write)
        for order_id, sample in samples:
            if (kept := self._kept.get(order_id)) is not None:
                kept.samples.append(sample)

    async def was_recorded(self, writes: Sequence[OrderWrite]) -> bool:
        """Whether these were recorded; memory is never in doubt."""
        held = (self._kept.get(write.order.terms.order_id) for write in writes)
        return all(
            one is not None and one.order == write.order for one, write in zip(held, writes, strict=True)
        )

    async def open_orders(self) -> list[Order]:
        """Every order that can still fill."""
        return [kept.order for kept in self._kept.values() if kept.order.status.is_open]

    async def find(self, user_id: str, token_ids: Sequence[str]) -> dict[str, Order]:
        """The user's orders with these token ids."""
        found = await self.find_all([(user_id, token) for token in token_ids])
        return {token: order for (_, token), order in found.items()}

    async def find_all(self, keys: Collection[OrderKey]) -> dict[OrderKey, Order]:
        """The orders with these keys, of any users."""
        return {key: self._kept[self._ids[key]].order for key in keys if key in self._ids}

    async def last_event_seq(self, user_id: str) -> int:
        """The highest event seq of a user, 0 without any."""
        return self._seqs.get(user_id, 0)

    def records(self) -> Iterable[OrderRecord]:
        """All that is recorded, in the order of submission."""
        return map(self._record_of, self._kept.values())

    def order(self, order_id: str) -> Order:
        """One order as it is."""
        return self._kept[order_id].order

    def take(self, order_id: str) -> OrderRecord:
        """Give all that is recorded of one order, and keep nothing of it: what comes later is lost."""
        kept = self._kept.pop(order_id)
        terms = kept.order.terms
        del self._ids[terms.user_id, terms.token_id]
        return self._record_of(kept)

    def _check(self, write: OrderWrite) -> None:
        terms, version = write.order.terms, write.order.progress.version
        kept = self._kept.get(terms.order_id)
        fits = (
            kept is None if write.is_new else kept is not None and kept.order.progress.version == version - 1
        )
        if not fits or (write.is_new and (terms.user_id, terms.token_id) in self._ids):
            raise StoreConflict("not recorded: an order was changed by somebody else in the meantime")

    def _record(self, write: OrderWrite) -> None:
        terms = write.order.terms
        kept = self._kept.setdefault(terms.order_id, _Kept(write.order))
        kept.order = write.order
        kept.plans.setdefault(write.order.plan.revision, write.order.plan)
        kept.slices += write.slices
        kept.fills += write.fills
        self._ids[terms.user_id, terms.token_id] = terms.order_id
        if write.events:
            self._seqs[terms.user_id] = write.events[-1].seq

    def _record_of(self, kept: _Kept) -> OrderRecord:
        return OrderRecord(
            order=kept.order,
            slices=tuple(kept.slices),
            fills=tuple(kept.fills),
            samples=_by_time(kept.samples),
            plans=tuple(plan for _, plan in sorted(kept.plans.items())),
            holes=self._holes_of(kept),
        )

    def _holes_of(self, kept: _Kept) -> tuple[Hole, ...]:
        """Without a mid at first, the hole before is why: a book goes on with its next whole one only."""
        terms, order = kept.order.terms, kept.order
        within = self._holes.within(terms.exchange, terms.start, order.progress.ended or order.plan.end)
        is_blind = terms.decision_price is None or any(one.mid is None for one in kept.slices[:1])
        return within or (self._holes.last_before(terms.exchange, terms.start) if is_blind else ())


def _by_time(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """In time order, of those of one moment the first."""
    if all(one.time < following.time for one, following in pairwise(samples)):
        return tuple(samples)
    found: dict[int, Sample] = {}
    for sample in samples:
        found.setdefault(sample.time, sample)
    return tuple(sample for _, sample in sorted(found.items()))
