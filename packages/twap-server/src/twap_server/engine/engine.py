"""The engine: one task that owns every open order.

Commands (submit, cancel) and due slices meet in one place, so a cancel against a slice in flight has exactly
one winner. Each turn drains what has come, decides, records all of it in one transaction, and only then
updates its memory, answers and tells: recorded before told. A restart reads the open orders and goes on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from twap_models.enums import OrderEventType, OrderStatus
from twap_server.domain.clock import Clock, Nanos, to_span
from twap_server.domain.errors import (
    EngineBusy,
    OrderNotFound,
    OrderNotOpen,
    StoreConflict,
    StoreUnavailable,
    TwapError,
)
from twap_server.domain.impact import ImpactMemory
from twap_server.domain.order import Order, OrderRequest
from twap_server.engine.config import EngineConfig
from twap_server.engine.decision import SliceDecider
from twap_server.engine.desk import Desk
from twap_server.engine.ports import EventSink, Market, OrderStore, OrderWrite
from twap_server.engine.recorder import Recorder
from twap_server.engine.submission import Admission
from twap_server.engine.verdict import Verdict, VerdictKind
from twap_server.engine.working import Step, Working, look

log = logging.getLogger(__name__)

_LONGEST_SLEEP_S = 1.0
"""The wall clock may jump: look at it at least this often."""
_ORDERS_PER_TURN = 2_000
_COMMANDS_PER_TURN = 256
_RETRY_STORE_NS = 250_000_000
_NANOS_PER_SECOND = 1e9

_T = TypeVar("_T")
_Changed = list[tuple[Working, Step]]


@dataclass(slots=True, kw_only=True)
class _Submit:
    user_id: str
    requests: Sequence[OrderRequest]
    answer: asyncio.Future[list[Verdict]]


@dataclass(slots=True, kw_only=True)
class _Cancel:
    user_id: str
    token_id: str
    answer: asyncio.Future[Order]


class Engine:
    """Accepts orders and works them. Run ``run()`` in the process's root task group."""

    def __init__(
        self,
        *,
        store: OrderStore,
        market: Market,
        events: EventSink,
        clock: Clock,
        config: EngineConfig,
        new_id: Callable[[], str],
    ) -> None:
        """Args: new_id gives a fresh order id, unique for ever."""
        self._store, self._market, self._clock, self._config = store, market, clock, config
        self._recorder = Recorder(store=store, events=events)
        self._admission = Admission(market=market, config=config, new_id=new_id)
        self._impact = ImpactMemory(half_life=to_span(config.impact_half_life))
        self._decider = SliceDecider(
            impact=self._impact, max_book_age=to_span(config.max_book_age), fee=market.taker_fee
        )
        self._desk = Desk(market=market, clock=clock)
        self._commands: list[_Submit | _Cancel] = []
        self._wake = asyncio.Event()
        self._stopping = False
        self.ready = asyncio.Event()
        """Set once every open order was taken up again."""

    @property
    def open_orders(self) -> int:
        """How many orders are open."""
        return len(self._desk)

    async def submit(self, user_id: str, requests: Sequence[OrderRequest]) -> list[Verdict]:
        """Accept, recognise or reject each request; all of it is recorded when this returns.

        Raises:
            EngineBusy, StoreUnavailable, ExchangeUnavailable: nothing was stored; send the same again.
        """
        answer: asyncio.Future[list[Verdict]] = asyncio.get_running_loop().create_future()
        self._enqueue(_Submit(user_id=user_id, requests=requests, answer=answer))
        return await answer

    async def cancel(self, user_id: str, token_id: str) -> Order:
        """Cancel an open order and give it as it then is.

        Raises:
            OrderNotFound: the user has no such order.
            OrderNotOpen: it had already ended.
        """
        answer: asyncio.Future[Order] = asyncio.get_running_loop().create_future()
        self._enqueue(_Cancel(user_id=user_id, token_id=token_id, answer=answer))
        return await answer

    async def run(self) -> None:
        """Take up the open orders, then work until stopped."""
        await self._recover()
        self.ready.set()
        while not self._stopping:
            await self._sleep()
            await self._turn()
        for command in self._commands:
            if not command.answer.done():
                command.answer.set_exception(EngineBusy("the server is stopping: send the same again later"))

    def stop(self) -> None:
        """Finish the turn under way, then let ``run`` return. Open orders stay open for the next start."""
        self._stopping = True
        self.ready.clear()
        self._wake.set()

    def _enqueue(self, command: _Submit | _Cancel) -> None:
        if self._stopping or len(self._commands) >= self._config.max_pending_commands:
            raise EngineBusy(
                "the engine has more to do than it can take: try again in a moment", retry_after=1
            )
        self._commands.append(command)
        self._wake.set()

    async def _recover(self) -> None:
        while True:
            try:
                orders = await self._store.open_orders()
                break
            except StoreUnavailable as error:
                log.warning("engine waits for the store: %s", error)
                await self._clock.sleep(_LONGEST_SLEEP_S)
        for order in orders:
            self._desk.adopt(order)
        await self._end_elapsed()
        log.info("engine ready open_orders=%d", len(self._desk))

    async def _end_elapsed(self) -> None:
        """End what ran out while nobody was here: who hears "ready" finds no order open past its end."""
        elapsed = self._desk.elapsed(self._clock.now())
        for first in range(0, len(elapsed), _ORDERS_PER_TURN):
            await self._work(elapsed[first : first + _ORDERS_PER_TURN])

    async def _sleep(self) -> None:
        moment = self._desk.next_due()
        delay = _LONGEST_SLEEP_S if moment is None else (moment - self._clock.now()) / _NANOS_PER_SECOND
        if not self._wake.is_set() and delay > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(delay, _LONGEST_SLEEP_S)):
                    await self._wake.wait()
        self._wake.clear()

    async def _turn(self) -> None:
        commands, self._commands = self._commands[:_COMMANDS_PER_TURN], self._commands[_COMMANDS_PER_TURN:]
        if self._commands:
            self._wake.set()
        with contextlib.suppress(StoreUnavailable):
            for write in await self._recorder.settle():
                self._desk.take_in(write.order)
        for command in commands:
            await self._obey(command)
        await self._work(self._desk.due(self._clock.now(), most=_ORDERS_PER_TURN))

    # Due slices

    async def _work(self, due: list[Working]) -> None:
        now = self._clock.now()
        changed: _Changed = []
        for working in due:
            step = self._look(working, now)
            if step.events:
                changed.append((working, step))
            else:
                self._desk.plan(working)
        if changed:
            await self._record(changed, now)
        self._impact.prune(now)

    def _look(self, working: Working, now: Nanos) -> Step:
        instrument = working.order.terms.instrument
        live = self._market.live_book(instrument) if instrument is not None else None
        return look(
            working, live, now=now, decider=self._decider, max_wait=to_span(self._config.max_book_wait)
        )

    async def _record(self, changed: _Changed, now: Nanos) -> None:
        try:
            writes = [self._recorder.step(working.order, step, at=now) for working, step in changed]
            await self._recorder.commit(writes)
        except StoreConflict as error:
            await self._after_conflict(changed, error, now)
        except StoreUnavailable as error:
            self._after_failure(changed, error)
        else:
            for working, step in changed:
                self._desk.replace(working, step.sealed(working.order))

    async def _after_conflict(self, changed: _Changed, error: StoreConflict, now: Nanos) -> None:
        """Record one by one; an order that the store holds in another state is read again."""
        if len(changed) > 1:
            for pair in changed:
                await self._record([pair], now)
            return
        working = changed[0][0]
        terms = working.order.terms
        log.error("order=%s was recorded elsewhere, read again: %s", terms.order_id, error)
        try:
            stored = (await self._store.find(terms.user_id, [terms.token_id])).get(terms.token_id)
        except StoreUnavailable as unavailable:
            self._after_failure(changed, unavailable)
        else:
            self._desk.replace(working, stored if stored is not None else working.order)

    def _after_failure(self, changed: _Changed, error: TwapError) -> None:
        """Nothing was recorded: decide again soon; a slice whose window passes is lost to storage."""
        log.error("decisions=%d could not be recorded: %s", len(changed), error)
        retry = Nanos(self._clock.now() + _RETRY_STORE_NS)
        for working, _ in changed:
            working.storage_failed = True
            self._desk.plan(working, at=retry)

    # Commands

    async def _obey(self, command: _Submit | _Cancel) -> None:
        if command.answer.done():
            return
        try:
            if isinstance(command, _Submit):
                _answer(command.answer, await self._submit(command))
            else:
                _answer(command.answer, await self._cancel(command))
        except TwapError as error:
            if not command.answer.done():
                command.answer.set_exception(error)

    async def _submit(self, command: _Submit) -> list[Verdict]:
        known = await self._store.find(command.user_id, [request.token_id for request in command.requests])
        now = self._clock.now()
        room = self._config.max_open_orders - self._desk.open_count(command.user_id)
        verdicts: list[Verdict] = []
        writes: list[OrderWrite] = []
        for request in command.requests:
            verdict, slices = self._admission.judge(
                command.user_id, request, known=known.get(request.token_id), now=now, room=room
            )
            verdicts.append(verdict)
            if verdict.kind is VerdictKind.NEW:
                known[request.token_id] = verdict.order
                room -= verdict.order.status.is_open
                writes.append(self._recorder.new_order(verdict.order, slices, _event_of(verdict.order)))
        if writes:
            await self._recorder.commit(writes)
        for write in writes:
            self._desk.take_in(write.order)
        return verdicts

    async def _cancel(self, command: _Cancel) -> Order:
        working = self._desk.find(command.user_id, command.token_id)
        if working is None:
            raise await self._not_open(command)
        now = self._clock.now()
        step = Step(order=working.order)
        step.end(OrderStatus.CANCELED, reason="canceled_by_user", at=now)
        await self._recorder.commit([self._recorder.step(working.order, step, at=now)])
        canceled = step.sealed(working.order)
        self._desk.replace(working, canceled)
        return canceled

    async def _not_open(self, command: _Cancel) -> TwapError:
        order = (await self._store.find(command.user_id, [command.token_id])).get(command.token_id)
        if order is None:
            return OrderNotFound(f"you have no order with token_id {command.token_id!r}")
        return OrderNotOpen(f"order {command.token_id!r} has already ended: it is {order.status.value}")


def _event_of(order: Order) -> OrderEventType:
    return OrderEventType.ACCEPTED if order.status.is_open else OrderEventType.REJECTED


def _answer(future: asyncio.Future[_T], value: _T) -> None:
    if not future.done():
        future.set_result(value)
