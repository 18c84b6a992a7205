"""An engine in memory that decides next to nothing; what it made is read as from any store."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from support.changes import replace
from support.clocks import HandClock
from support.stores.orders import OrderReading
from twap_models.enums import OrderEventType, OrderStatus, RejectReason, Side
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
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import Amendment, OrderRequest, OrderTerms, Plan
from twap_server.engine.entry.preview import Preview
from twap_server.engine.entry.results import SubmitResult, SubmitResultKind
from twap_server.feed.bus import Bus


@dataclass
class MemoryOrders(OrderReading):
    """Accepts whatever has a window, remembers by token id."""

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
    taken: dict[tuple[str, InstrumentId, Side, Decimal], Decimal] = field(default_factory=dict)
    """What the test says that users took: by user, instrument, side of the taker, price."""
    looked: list[tuple[str, tuple[InstrumentId, ...]]] = field(default_factory=list)
    """Of whom and of what it was asked to know that."""
    on_preview: Callable[[], None] = lambda: None
    """Called while a preview is made."""

    async def submit(self, user_id: str, requests: Sequence[OrderRequest]) -> list[SubmitResult]:
        self.requests.extend(requests)
        return [self._decide(user_id, request) for request in requests]

    async def preview(
        self, user_id: str, requests: Sequence[OrderRequest], *, compare: bool
    ) -> list[Preview]:
        """What the test prepared by token id; else an order that would be accepted, and no more."""
        self.on_preview()
        blank = Preview(request=requests[0], time=self.clock.now(), rules=None, broken=())
        return [self.previews.get(one.token_id) or replace(blank, request=one) for one in requests]

    async def look(self, user_id: str, instruments: Collection[InstrumentId]) -> None:
        self.looked.append((user_id, tuple(instruments)))

    def own_taken(
        self, user_id: str, instrument: InstrumentId, side: Side, prices: Iterable[Decimal]
    ) -> Mapping[Decimal, Decimal]:
        found = {price: self.taken.get((user_id, instrument, side, price)) for price in prices}
        return {price: taken for price, taken in found.items() if taken}

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
            realism=request.simulated,
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

    def orders_of(self, user_id: str) -> list[Order]:
        return [order for (owner, _), order in self.orders.items() if owner == user_id]

    def record_of(self, order: Order) -> OrderRecord:
        token_id = order.terms.token_id
        return OrderRecord(
            order=order,
            slices=tuple(self.slices.get(token_id, ())),
            fills=tuple(self.fills.get(token_id, ())),
            samples=tuple(self.samples.get(token_id, ())),
        )

    def told_to(self, user_id: str) -> Sequence[OrderEvent]:
        return self.log.get(user_id, ())


def _rejected(order: Order, reason: RejectReason) -> Order:
    return replace(order, progress=replace(order.progress, status=OrderStatus.REJECTED, reason=reason.value))
