"""What users ask of the engine: submit, cancel, pause, resume, amend. One by one, inside the engine's turn.

Each command is decided against what is in memory (which is what the store holds), recorded, and only then
taken into memory and answered.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from twap_models.enums import OrderEventType, OrderStatus
from twap_server.domain.admission import Limits
from twap_server.domain.amendment import amend
from twap_server.domain.clock import Clock
from twap_server.domain.errors import (
    OrderNotFound,
    OrderNotOpen,
    RevisionMismatch,
    StoreConflict,
    TwapError,
)
from twap_server.domain.order import Order
from twap_server.domain.terms import Amendment, OrderRequest
from twap_server.engine.desk import Desk
from twap_server.engine.observers import Observers
from twap_server.engine.ports import OrderStore, OrderWrite
from twap_server.engine.quotes import Sight
from twap_server.engine.recorder import Recorder
from twap_server.engine.settlement import Settlement
from twap_server.engine.submission import Admission
from twap_server.engine.verdict import Verdict, VerdictKind
from twap_server.engine.working import Step, Working


class Commands:
    """Decides and records commands."""

    def __init__(
        self,
        *,
        store: OrderStore,
        recorder: Recorder,
        admission: Admission,
        desk: Desk,
        observers: Observers,
        settlement: Settlement,
        sight: Sight,
        clock: Clock,
        limits: Limits,
        max_open_orders: int,
    ) -> None:
        self._store, self._recorder, self._admission = store, recorder, admission
        self._desk, self._observers, self._sight = desk, observers, sight
        self._settlement = settlement
        self._clock, self._limits, self._max_open_orders = clock, limits, max_open_orders

    async def submit(self, user_id: str, requests: Sequence[OrderRequest]) -> list[Verdict]:
        """Accept, recognise or reject each request, all in one transaction."""
        known = await self._store.find(user_id, [request.token_id for request in requests])
        now = self._clock.now()
        room = self._max_open_orders - self._desk.open_count(user_id)
        verdicts: list[Verdict] = []
        writes: list[OrderWrite] = []
        for request in requests:
            verdict, slices = self._admission.judge(
                user_id, request, known=known.get(request.token_id), now=now, room=room
            )
            verdicts.append(verdict)
            if verdict.kind is VerdictKind.NEW:
                known[request.token_id] = verdict.order
                room -= verdict.order.status.is_open
                writes.append(self._recorder.new_order(verdict.order, slices, _event_of(verdict.order)))
        if writes:
            await self._recorder.commit(writes)
        for write in writes:
            self.take_in(write)
        return verdicts

    async def cancel(self, user_id: str, token_id: str) -> Order:
        """End an open order as it is."""
        working = await self._open(user_id, token_id)
        now = self._clock.now()
        return await self._change(
            working, lambda step: step.end(OrderStatus.CANCELED, reason="canceled_by_user", at=now)
        )

    async def pause(self, user_id: str, token_id: str) -> Order:
        """Let an open order fill nothing until resumed; an order that is paused stays as it is."""
        working = await self._open(user_id, token_id)
        if working.order.status is OrderStatus.PAUSED:
            return working.order
        return await self._change(working, Step.pause)

    async def resume(self, user_id: str, token_id: str) -> Order:
        """Let a paused order go on; an order that is not paused stays as it is."""
        working = await self._open(user_id, token_id)
        if working.order.status is not OrderStatus.PAUSED:
            return working.order
        return await self._change(working, Step.resume)

    async def amend(self, user_id: str, token_id: str, wanted: Amendment, *, revision: int | None) -> Order:
        """Replace an open order's plan for what is still to come.

        Raises:
            OrderNotFound, OrderNotOpen: there is nothing to amend.
            RevisionMismatch: it was amended meanwhile.
            InvalidRequest: the new plan breaks a rule.
        """
        working = await self._open(user_id, token_id)
        order, now = working.order, self._clock.now()
        if order.plan.end <= now:
            raise OrderNotOpen(f"order {token_id!r} has reached its end: nothing is left to change")
        if revision is not None and revision != order.plan.revision:
            raise RevisionMismatch(
                f"order {token_id!r} was amended meanwhile: it is at revision {order.plan.revision}, "
                f"not {revision}; look at it and send the change again"
            )
        plan = amend(order, wanted, now=now, limits=self._limits, reference=self._mid(order))
        return await self._change(working, lambda step: step.amend(plan, at=now))

    def adopt(self, order: Order) -> None:
        """Take up an open order that is recorded."""
        self._desk.adopt(order)
        self._observers.follow(order, self._clock.now())

    def take_in(self, write: OrderWrite) -> None:
        """Take in what was recorded of an order, known before or not."""
        order, now = write.order, self._clock.now()
        is_known = self._desk.find(order.terms.user_id, order.terms.token_id) is not None
        self._desk.take_in(order, decided=write.slices[-1].decided if write.slices else None)
        if is_known:
            self._observers.note(order, filled=bool(write.fills), now=now)
        elif order.status.is_open:
            self._observers.follow(order, now)

    def _mid(self, order: Order) -> Decimal | None:
        return self._sight.quotes(order.terms.legs, self._clock.now()).mid

    async def _change(self, working: Working, decide: Callable[[Step], None]) -> Order:
        now, order_id = self._clock.now(), working.order.terms.order_id
        step = Step(order=working.order)
        decide(step)
        write = self._recorder.step(working.order, step, at=now)
        if not write.order.status.is_open:
            self._recorder.measured(self._observers.take(order_id, now))
        try:
            await self._recorder.commit([write])
        except StoreConflict:
            await self._settlement.read_again(working, now)
            raise
        self._desk.replace(working, write.order)
        self._observers.note(write.order, filled=False, now=now)
        return write.order

    async def _open(self, user_id: str, token_id: str) -> Working:
        working = self._desk.find(user_id, token_id)
        if working is None:
            raise await self._not_open(user_id, token_id)
        return working

    async def _not_open(self, user_id: str, token_id: str) -> TwapError:
        order = (await self._store.find(user_id, [token_id])).get(token_id)
        if order is None:
            return OrderNotFound(f"you have no order with token_id {token_id!r}")
        return OrderNotOpen(f"order {token_id!r} has already ended: it is {order.status.value}")


def _event_of(order: Order) -> OrderEventType:
    return OrderEventType.ACCEPTED if order.status.is_open else OrderEventType.REJECTED
