"""Engine and order store in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from server.api.fakes import HandClock
from twap_models.enums import OrderEventType, OrderStatus, RejectReason
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import (
    OrderNotFound,
    OrderNotOpen,
)
from twap_server.domain.instrument import InstrumentId
from twap_server.domain.order import (
    Fill,
    Order,
    OrderEvent,
    OrderProgress,
    OrderRequest,
    OrderTerms,
    SliceResult,
)
from twap_server.engine.verdict import Verdict, VerdictKind
from twap_server.feed.bus import Bus


@dataclass
class MemoryOrders:
    """Engine and order store in one: accepts whatever has a window, remembers by token id."""

    bus: Bus
    clock: HandClock
    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    slices: dict[str, list[SliceResult]] = field(default_factory=dict)
    fills: dict[str, list[Fill]] = field(default_factory=dict)
    log: dict[str, list[OrderEvent]] = field(default_factory=dict)
    requests: list[OrderRequest] = field(default_factory=list)

    async def submit(self, user_id: str, requests: Sequence[OrderRequest]) -> list[Verdict]:
        self.requests.extend(requests)
        return [self._decide(user_id, request) for request in requests]

    def _decide(self, user_id: str, request: OrderRequest) -> Verdict:
        known = self.orders.get((user_id, request.token_id))
        if known is not None and known.terms.fingerprint == request.fingerprint:
            return Verdict(order=known, kind=VerdictKind.REPEAT)
        made = self._order(user_id, request)
        if known is not None:
            made = _rejected(made, RejectReason.DUPLICATE_TOKEN_ID)
            return Verdict(order=made, kind=VerdictKind.CONFLICT)
        if request.end <= self.clock.now():
            made = _rejected(made, RejectReason.WINDOW_ELAPSED)
        elif request.unsupported:
            made = _rejected(made, RejectReason.INVALID_OPTION)
        self.orders[user_id, request.token_id] = made
        kind = OrderEventType.REJECTED if not made.status.is_open else OrderEventType.ACCEPTED
        self.tell(user_id, made, kind)
        return Verdict(order=made, kind=VerdictKind.NEW)

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
            quantity=request.quantity,
            limit=request.limit,
            created=now,
            start=Nanos(start),
            end=request.end,
            interval=interval,
            slice_count=-(-length // interval),
            carry=request.carry,
            max_slippage_bps=request.max_slippage_bps,
            fidelity=request.fidelity,
            lot_size=Decimal("0.00000001"),
            min_quantity=Decimal(0),
            min_notional=Decimal(0),
            arrival_price=Decimal(100),
        )
        return Order(terms=terms, progress=OrderProgress(status=OrderStatus.ACCEPTED))

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

    async def cancel(self, user_id: str, token_id: str) -> Order:
        order = self.orders.get((user_id, token_id))
        if order is None:
            raise OrderNotFound(f"you have no order {token_id!r}")
        if not order.status.is_open:
            raise OrderNotOpen(f"order {token_id!r} has already ended as {order.status}")
        ended = order.ended_as(OrderStatus.CANCELED, reason="canceled_by_user", at=self.clock.now())
        self.orders[user_id, token_id] = ended
        self.tell(user_id, ended, OrderEventType.ENDED)
        return ended

    async def detail(self, user_id: str, token_id: str) -> tuple[Order, list[SliceResult], list[Fill]] | None:
        order = self.orders.get((user_id, token_id))
        if order is None:
            return None
        return order, self.slices.get(token_id, []), self.fills.get(token_id, [])

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


def _place(order: Order) -> tuple[Nanos, str]:
    return order.terms.created, order.terms.order_id


def _rejected(order: Order, reason: RejectReason) -> Order:
    return replace(order, progress=replace(order.progress, status=OrderStatus.REJECTED, reason=reason.value))
