"""Orders in memory, by the rules of the real store: ``tests/server/store`` holds both to the same."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Collection, Hashable, Iterator, Sequence
from typing import TypeAlias, TypeVar

from support.changes import replace
from twap_models.enums import Fidelity, OrderStatus, Side
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import CommitInDoubt, StoreConflict, StoreUnavailable
from twap_server.domain.execution.taking import Taking
from twap_server.domain.orders.order import Fill, Order, OrderEvent, SliceResult
from twap_server.domain.orders.record import EventRange, OrderPage, OrderRecord, PageRequest
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import Plan
from twap_server.domain.orders.write import OrderWrite

T = TypeVar("T")
Orders: TypeAlias = list[Order]
Fills: TypeAlias = list[Fill]
Events: TypeAlias = list[OrderEvent]
AT_ONCE = 7
"""Slices or fills of a part."""


class OrderReading(ABC):
    """What the API reads, from whatever holds the orders."""

    @abstractmethod
    def orders_of(self, user_id: str) -> Orders:
        """A user's orders."""

    @abstractmethod
    def record_of(self, order: Order) -> OrderRecord:
        """All that is known of one."""

    @abstractmethod
    def told_to(self, user_id: str) -> Sequence[OrderEvent]:
        """A user's events, in order."""

    def _named(self, user_id: str, token_id: str) -> Order | None:
        return next((one for one in self.orders_of(user_id) if one.terms.token_id == token_id), None)

    async def detail(self, user_id: str, token_id: str) -> OrderRecord | None:
        order = self._named(user_id, token_id)
        return None if order is None else self.record_of(order)

    async def page(self, user_id: str, token_id: str, asked: PageRequest) -> OrderPage | None:
        found = await self.detail(user_id, token_id)
        if found is None:
            return None
        slices = [one for one in found.slices if one.index > asked.after.slice]
        fills = [(key, one) for key, one in _numbered(found.fills) if key > asked.after.fill]
        shown = _part(fills, asked.fills, latest=asked.latest)
        return OrderPage(
            order=found.order,
            asked=asked,
            slices=tuple(_part(slices, asked.slices, latest=asked.latest)),
            fills=tuple(one for _, one in shown),
            last_fill=shown[-1][0] if shown else asked.after.fill,
            has_more_fills=bool(asked.fills) and len(shown) < len(fills),
        )

    async def parts(self, user_id: str, token_id: str, asked: PageRequest) -> AsyncGenerator[OrderPage, None]:
        """Some fills at a time, then some slices."""
        found = await self.page(user_id, token_id, asked)
        if found is None:
            return
        slices, fills, before = found.slices, found.fills, 0
        while len(fills) > AT_ONCE:
            yield replace(found, slices=(), fills=fills[:AT_ONCE])
            fills = fills[AT_ONCE:]
        while len(slices) > AT_ONCE:
            yield replace(found, slices=slices[:AT_ONCE], fills=(), slices_before=before)
            slices, before = slices[AT_ONCE:], before + AT_ONCE
        yield replace(found, slices=slices, fills=fills, slices_before=before)

    async def list(
        self,
        user_id: str,
        *,
        token_id: str | None = None,
        statuses: Collection[OrderStatus] | None = None,
        exchange: str | None = None,
        symbols: Collection[str] | None = None,
        side: Side | None = None,
        limit: int,
        after: tuple[Nanos, str] | None = None,
    ) -> Orders:
        found = [
            order
            for order in self.orders_of(user_id)
            if token_id in (None, order.terms.token_id)
            and (statuses is None or order.status in statuses)
            and exchange in (None, order.terms.exchange)
            and (symbols is None or (order.terms.instrument and order.terms.instrument.symbol in symbols))
            and side in (None, order.terms.side)
        ]
        found.sort(key=_place, reverse=True)
        return [order for order in found if after is None or _place(order) < after][:limit]

    async def events(self, user_id: str, since: int, limit: int) -> Events:
        return [event for event in self.told_to(user_id) if event.seq > since][:limit]

    async def events_of(
        self, user_id: str, token_id: str, wanted: EventRange, *, limit: int
    ) -> Events | None:
        if self._named(user_id, token_id) is None:
            return None
        found = await self.events(user_id, wanted.since, 1_000_000)
        mine = [event for event in found if event.order.terms.token_id == token_id]
        if not wanted.latest:
            return mine[:limit]
        return [event for event in mine if wanted.before is None or event.seq < wanted.before][-limit:]

    async def last_event_seqs(self, user_ids: Collection[str]) -> dict[str, int]:
        found = {user_id: await self.last_event_seq(user_id) for user_id in user_ids}
        return {user_id: seq for user_id, seq in found.items() if seq}

    async def last_event_seq(self, user_id: str) -> int:
        return max((event.seq for event in self.told_to(user_id)), default=0)


class MemoryStore(OrderReading):
    """Keeps writes with the same unique keys and version rule as the real store; fails when told."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.slices: dict[tuple[str, int], SliceResult] = {}
        self.fills: dict[str, Fill] = {}
        self.log: list[tuple[str, OrderEvent]] = []
        self.samples: dict[tuple[str, Nanos], Sample] = {}
        self.commits = 0
        self.failing = False
        self.latency_s = 0.0
        """How long a commit takes."""
        self.unreadable: set[str] = set()
        """Users whose last event cannot be asked for."""
        self.doubt: bool | None = None
        """The next commit is left in doubt: recorded all the same, or not."""
        self._taken: set[Hashable] = set()
        self._filled: dict[str, Fills] = {}

    async def commit(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
        if self.failing:
            raise StoreUnavailable("the disk is full")
        await asyncio.sleep(self.latency_s)
        self._check(writes)
        doubt, self.doubt = self.doubt, None
        if doubt is not False:
            for write in writes:
                self._keep(write)
            for order_id, sample in samples:
                self.samples.setdefault((order_id, sample.time), sample)
            self.commits += 1
        if doubt is not None:
            self.failing = True
            raise CommitInDoubt("the connection was lost")

    async def was_recorded(self, writes: Sequence[OrderWrite]) -> bool:
        order = writes[0].order
        if self.failing:
            raise StoreUnavailable("the disk is full")
        return self.orders.get(order.terms.order_id) == order

    def _check(self, writes: Sequence[OrderWrite]) -> None:
        for write in writes:
            before = self.orders.get(write.order.terms.order_id)
            is_stale = before is None or before.progress.version != write.order.progress.version - 1
            if is_stale and not write.is_new:
                raise StoreConflict("not recorded: an order was changed by somebody else in the meantime")
        keys = [key for write in writes for key in _keys(write)]
        new = set(keys)
        homes = {_slice_key(write.order, fill.slice_index) for write in writes for fill in write.fills}
        if len(new) < len(keys) or not self._taken.isdisjoint(new) or not homes - new <= self._taken:
            raise StoreConflict("a key was taken")

    def _keep(self, write: OrderWrite) -> None:
        terms = write.order.terms
        self._taken.update(_keys(write))
        self.orders[terms.order_id] = write.order
        self.slices.update({(terms.order_id, result.index): result for result in write.slices})
        self._filled.setdefault(terms.order_id, []).extend(write.fills)
        self.fills.update({fill.fill_id: fill for fill in write.fills})
        self.log.extend((terms.user_id, event) for event in write.events)

    async def open_orders(self) -> Orders:
        return sorted((order for order in self.orders.values() if order.status.is_open), key=_place)

    async def takings(self, orders: Sequence[Order], since: Nanos) -> Sequence[Taking]:
        users = {one.terms.user_id for one in orders}
        found = [
            one
            for order in self.orders.values()
            if order.terms.user_id in users and order.terms.fidelity is Fidelity.DEPTH
            for one in self._takings_of(order)
            if one.time >= since
        ]
        return sorted(found, key=lambda one: one.time)

    def _takings_of(self, order: Order) -> Iterator[Taking]:
        terms = order.terms
        markets = {one.instrument.exchange: one.instrument for one in terms.destinations}
        for fill in self._filled.get(terms.order_id, ()):
            yield Taking(
                user_id=terms.user_id,
                instrument=markets[fill.exchange],
                side=terms.side,
                realism=terms.realism,
                time=fill.time,
                price=fill.price,
                quantity=fill.quantity,
                touch=self.slices[terms.order_id, fill.slice_index].touch,
            )

    async def find(self, user_id: str, token_ids: Sequence[str]) -> dict[str, Order]:
        mine = {order.terms.token_id: order for order in self.orders_of(user_id)}
        return {token_id: mine[token_id] for token_id in token_ids if token_id in mine}

    async def find_all(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Order]:
        named = {(order.terms.user_id, order.terms.token_id): order for order in self.orders.values()}
        return {key: named[key] for key in keys if key in named}

    async def last_event_seq(self, user_id: str) -> int:
        if user_id in self.unreadable:
            raise StoreUnavailable("the connection was lost")
        return await super().last_event_seq(user_id)

    def results(self, order: Order) -> Sequence[SliceResult]:
        """The order's slices, in order."""
        return [s for (order_id, _), s in sorted(self.slices.items()) if order_id == order.terms.order_id]

    def orders_of(self, user_id: str) -> Orders:
        return [order for order in self.orders.values() if order.terms.user_id == user_id]

    def told_to(self, user_id: str) -> Sequence[OrderEvent]:
        return sorted((event for user, event in self.log if user == user_id), key=lambda event: event.seq)

    def record_of(self, order: Order) -> OrderRecord:
        fills = self._filled.get(order.terms.order_id, ())
        return OrderRecord(
            order=order,
            slices=tuple(self.results(order)),
            fills=tuple(sorted(fills, key=lambda fill: fill.slice_index)),
            samples=tuple(self._samples_of(order)),
            plans=self._plans_of(order),
        )

    def _plans_of(self, order: Order) -> tuple[Plan, ...]:
        order_id = order.terms.order_id
        told = [event.order for _, event in self.log if event.order.terms.order_id == order_id]
        plans = {one.plan.revision: one.plan for one in (*told, order)}
        return tuple(plan for _, plan in sorted(plans.items()))

    def _samples_of(self, order: Order) -> Iterator[Sample]:
        for (order_id, _), sample in sorted(self.samples.items()):
            if order_id == order.terms.order_id:
                yield sample


def _slice_key(order: Order, index: int) -> Hashable:
    return "slice", order.terms.order_id, index


def _keys(write: OrderWrite) -> Iterator[Hashable]:
    """The unique keys that a write takes."""
    terms = write.order.terms
    if write.is_new:
        yield "order", terms.order_id
        yield "token", terms.user_id, terms.token_id
    yield from (_slice_key(write.order, result.index) for result in write.slices)
    yield from (("fill", fill.fill_id) for fill in write.fills)
    yield from (("event", terms.user_id, event.seq) for event in write.events)


def _numbered(fills: Sequence[Fill]) -> Iterator[tuple[tuple[int, int], Fill]]:
    """Fills by their slice and their number within it."""
    before, number = -1, 0
    for fill in fills:
        number = number + 1 if fill.slice_index == before else 0
        before = fill.slice_index
        yield (before, number), fill


def _part(items: Sequence[T], most: int | None, *, latest: bool) -> Sequence[T]:
    if most is None:
        return items
    return items[max(0, len(items) - most) :] if latest else items[:most]


def _place(order: Order) -> tuple[Nanos, str]:
    return order.terms.created, order.terms.order_id
