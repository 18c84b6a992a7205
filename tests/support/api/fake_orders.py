"""Engine and order store in memory."""

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from support.api.fakes import HandClock
from support.changes import replace
from twap_models.enums import OrderEventType, OrderStatus, RejectReason
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import (
    OrderNotFound,
    OrderNotOpen,
    RevisionMismatch,
)
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import (
    Fill,
    Order,
    OrderEvent,
    OrderProgress,
    SliceResult,
)
from twap_server.domain.orders.record import OrderPage, OrderRecord, PageRequest
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import Amendment, OrderRequest, OrderTerms, Plan
from twap_server.engine.entry.preview import Preview
from twap_server.engine.entry.results import SubmitResult, SubmitResultKind
from twap_server.feed.bus import Bus

T = TypeVar("T")


@dataclass
class MemoryOrders:
    """Engine and order store in one: accepts whatever has a window, remembers by token id."""

    bus: Bus
    clock: HandClock
    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    slices: dict[str, list[SliceResult]] = field(default_factory=dict)
    fills: dict[str, list[Fill]] = field(default_factory=dict)
    log: dict[str, list[OrderEvent]] = field(default_factory=dict)
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    requests: list[OrderRequest] = field(default_factory=list)
    amendments: list[Amendment] = field(default_factory=list)
    previews: dict[str, Preview] = field(default_factory=dict)
    on_preview: Callable[[], None] = lambda: None
    """Called while a preview is made."""

    async def submit(self, user_id: str, requests: Sequence[OrderRequest]) -> list[SubmitResult]:
        self.requests.extend(requests)
        return [self._decide(user_id, request) for request in requests]

    async def preview(self, user_id: str, requests: Sequence[OrderRequest]) -> "list[Preview]":  # type: ignore[valid-type]
        """What the test prepared by token id; else an order that would be accepted, and no more."""
        self.on_preview()
        blank = Preview(request=requests[0], time=self.clock.now(), rules=None, broken=())
        return [self.previews.get(one.token_id) or replace(blank, request=one) for one in requests]

    def _decide(self, user_id: str, request: OrderRequest) -> SubmitResult:
        known = self.orders.get((user_id, request.token_id))
        if known is not None and known.terms.fingerprint == request.fingerprint:
            return SubmitResult(order=known, kind=SubmitResultKind.REPEAT)
        made = self._order(user_id, request)
        if known is not None:
            made = _rejected(made, RejectReason.DUPLICATE_TOKEN_ID)
            return SubmitResult(order=made, kind=SubmitResultKind.CONFLICT)
        if request.end <= self.clock.now():
            made = _rejected(made, RejectReason.WINDOW_ELAPSED)
        elif request.randomize > 50:
            made = _rejected(made, RejectReason.INVALID_OPTION)
        self.orders[user_id, request.token_id] = made
        kind = OrderEventType.REJECTED if not made.status.is_open else OrderEventType.ACCEPTED
        self.tell(user_id, made, kind)
        return SubmitResult(order=made, kind=SubmitResultKind.NEW)

    def _order(self, user_id: str, request: OrderRequest) -> Order:
        now = self.clock.now()
        start = now if request.start is None else max(request.start, now)
        length = max(0, request.end - start)
        interval = request.interval or max(1, length // (request.slices or 1))
        terms = OrderTerms(
            order_id=f"o-{user_id}-{request.token_id}",
            user_id=user_id,
            token_id=request.token_id,
            fingerprint=request.fingerprint,
            exchange=request.exchange,
            symbol=request.symbol,
            instrument=InstrumentId(request.exchange, "BTC-USDT"),
            side=request.side,
            created=now,
            start=Nanos(start),
            carry=request.carry,
            max_slippage_bps=request.max_slippage_bps,
            fidelity=request.fidelity,
            tick_size=Decimal("0.01"),
            lot_size=Decimal("0.00000001"),
            decision_price=Decimal(100),
        )
        plan = Plan(
            quantity=request.quantity,
            limit=request.limit,
            start=Nanos(start),
            end=request.end,
            interval=interval,
            slice_count=-(-length // interval),
        )
        return Order(terms=terms, plan=plan, progress=OrderProgress(status=OrderStatus.ACCEPTED))

    def tell(
        self, user_id: str, order: Order, kind: OrderEventType = OrderEventType.WORKING, *, live: bool = True
    ) -> OrderEvent:
        """Record an event and, unless told not to, publish it."""
        log = self.log.setdefault(user_id, [])
        event = OrderEvent(seq=len(log) + 1, type=kind, time=self.clock.now(), order=order)
        log.append(event)
        if live:
            self.bus.publish(user_id, event)
        return event

    def _open(self, user_id: str, token_id: str) -> Order:
        order = self.orders.get((user_id, token_id))
        if order is None:
            raise OrderNotFound(f"you have no order {token_id!r}")
        if not order.status.is_open:
            raise OrderNotOpen(f"order {token_id!r} has already ended as {order.status}")
        return order

    def _keep(self, user_id: str, changed: Order, kind: OrderEventType) -> Order:
        self.orders[user_id, changed.terms.token_id] = changed
        self.tell(user_id, changed, kind)
        return changed

    async def cancel(self, user_id: str, token_id: str) -> Order:
        order = self._open(user_id, token_id)
        ended = order.ended_as(OrderStatus.CANCELED, reason="canceled_by_user", at=self.clock.now())
        return self._keep(user_id, ended, OrderEventType.ENDED)

    async def pause(self, user_id: str, token_id: str) -> Order:
        return self._keep(user_id, self._open(user_id, token_id).paused(), OrderEventType.PAUSED)

    async def resume(self, user_id: str, token_id: str) -> Order:
        return self._keep(user_id, self._open(user_id, token_id).resumed(), OrderEventType.RESUMED)

    async def amend(self, user_id: str, token_id: str, wanted: Amendment, *, revision: int | None) -> Order:
        order = self._open(user_id, token_id)
        if revision not in (None, order.plan.revision):
            raise RevisionMismatch(f"order {token_id!r} is at revision {order.plan.revision}")
        self.amendments.append(wanted)
        plan = replace(order.plan, revision=order.plan.revision + 1)
        return self._keep(user_id, order.amended(plan, at=self.clock.now()), OrderEventType.AMENDED)

    async def detail(self, user_id: str, token_id: str) -> OrderRecord | None:
        order = self.orders.get((user_id, token_id))
        if order is None:
            return None
        return OrderRecord(
            order=order,
            slices=tuple(self.slices.get(token_id, ())),
            fills=tuple(self.fills.get(token_id, ())),
            samples=tuple(self.samples.get(token_id, ())),
        )

    async def page(self, user_id: str, token_id: str, asked: PageRequest) -> OrderPage | None:
        found = await self.detail(user_id, token_id)
        if found is None:
            return None
        slices = [one for one in found.slices if one.index > asked.after.slice]
        keyed = [((one.slice_index, n), one) for n, one in enumerate(found.fills)]
        fills = [(key, one) for key, one in keyed if key > asked.after.fill]
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
        """Seven fills at a time, then seven slices."""
        found = await self.page(user_id, token_id, asked)
        if found is None:
            return
        slices, fills, before = found.slices, found.fills, 0
        while len(fills) > 7:
            yield replace(found, slices=(), fills=fills[:7])
            fills = fills[7:]
        while len(slices) > 7:
            yield replace(found, slices=slices[:7], fills=(), slices_before=before)
            slices, before = slices[7:], before + 7
        yield replace(found, slices=slices, fills=fills, slices_before=before)

    async def events_of(
        self, user_id: str, token_id: str, *, since: int, limit: int
    ) -> "list[OrderEvent] | None":  # type: ignore[valid-type]
        if (user_id, token_id) not in self.orders:
            return None
        found = await self.events(user_id, since, 1_000_000)
        return [event for event in found if event.order.terms.token_id == token_id][:limit]

    async def list(
        self,
        user_id: str,
        *,
        token_id: str | None = None,
        statuses: Collection[OrderStatus] | None = None,
        exchange: str | None = None,
        symbols: Collection[str] | None = None,
        limit: int,
        after: tuple[Nanos, str] | None = None,
    ) -> list[Order]:
        found = [
            order
            for (owner, name), order in self.orders.items()
            if owner == user_id
            and token_id in (None, name)
            and (statuses is None or order.status in statuses)
            and exchange in (None, order.terms.exchange)
            and (symbols is None or (order.terms.instrument and order.terms.instrument.symbol in symbols))
        ]
        found.sort(key=_place, reverse=True)
        return [order for order in found if after is None or _place(order) < after][:limit]

    async def events(self, user_id: str, since: int, limit: int) -> "list[OrderEvent]":  # type: ignore[valid-type]
        return [event for event in self.log.get(user_id, ()) if event.seq > since][:limit]

    async def last_event_seq(self, user_id: str) -> int:
        return len(self.log.get(user_id, ()))


def _part(items: Sequence[T], most: int | None, *, latest: bool) -> Sequence[T]:
    if most is None:
        return items
    return items[max(0, len(items) - most) :] if latest else items[:most]


def _place(order: Order) -> tuple[Nanos, str]:
    return order.terms.created, order.terms.order_id


def _rejected(order: Order, reason: RejectReason) -> Order:
    return replace(order, progress=replace(order.progress, status=OrderStatus.REJECTED, reason=reason.value))
