"""Decide users' commands: submit, cancel, pause, resume, amend. Runs inside the engine's turn.

Each command is decided against what is in memory (which is what the store holds); ``CommandBatcher`` records
what was decided, and only then is it taken into memory and answered.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from twap_models.enums import OrderStatus
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import (
    EngineBusy,
    OrderNotFound,
    OrderNotOpen,
    RevisionMismatch,
    TwapError,
)
from twap_server.domain.orders.amendment import amend
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.rules import OrderLimits
from twap_server.domain.orders.terms import Amendment, OrderRequest
from twap_server.engine.commands.batches import BatchContext, CommandResult
from twap_server.engine.entry.acceptance import OrderAcceptance
from twap_server.engine.entry.allowance import Allowances
from twap_server.engine.entry.results import SubmitResult, SubmitResultKind
from twap_server.engine.market.sampler import MarketSampler
from twap_server.engine.market.snapshot import MarketReader
from twap_server.engine.work.journal import Journal
from twap_server.engine.work.open_orders import OpenOrders
from twap_server.engine.work.step import PendingWrite, Working, had_elapsed

log = logging.getLogger(__name__)


class CommandHandlers:
    """Decides commands."""

    def __init__(
        self,
        *,
        journal: Journal,
        acceptance: OrderAcceptance,
        open_orders: OpenOrders,
        sampler: MarketSampler,
        market_reader: MarketReader,
        clock: Clock,
        limits: OrderLimits,
        allowances: Allowances,
    ) -> None:
        self._journal, self._acceptance = journal, acceptance
        self._open_orders, self._sampler, self._market_reader = open_orders, sampler, market_reader
        self._clock, self._limits, self._allowances = clock, limits, allowances

    def submit(
        self, context: BatchContext, user_id: str, requests: Sequence[OrderRequest], *, received: Nanos
    ) -> CommandResult[list[SubmitResult]]:
        """Accept, recognise or reject each request as of its receipt; they are recorded together.

        One of which nothing can be said is told so, and costs the others nothing.

        Raises:
            ExchangeUnavailable, EngineBusy: nothing can be said of any but those that are refused; nothing
                is recorded.
        """
        allowance = replace(context.allowances.get(user_id) or self._allowances.of(user_id))
        made: dict[str, Order] = {}
        results: list[SubmitResult] = []
        writes: list[PendingWrite] = []
        failures: list[Exception] = []
        for request in requests:
            known = made.get(request.token_id) or context.recorded.get((user_id, request.token_id))
            try:
                result = self._acceptance.accept(
                    user_id,
                    request,
                    known=known,
                    snapshot=context.snapshot,
                    received=received,
                    now=context.now,
                    allowance=allowance,
                )
            except Exception as error:
                failures.append(error)
                _note(error)
                results.append(self._acceptance.not_judged(user_id, request, error, now=context.now))
                continue
            results.append(result)
            if result.kind is SubmitResultKind.NEW:
                made[request.token_id] = result.order
                if result.order.status.is_open:
                    allowance.take(result.order.plan)
                writes.append(PendingWrite.of_new(result.order, at=context.now))
        if failures and not any(_is_accepted(result) for result in results):
            raise failures[0]
        context.allowances[user_id] = allowance
        return CommandResult(answer=results, writes=writes)

    def cancel(self, context: BatchContext, user_id: str, token_id: str) -> CommandResult[Order]:
        """End an open order as it is."""
        working = self._open(context, user_id, token_id)
        return self._change(working, lambda write: write.end(OrderStatus.CANCELED, reason="canceled_by_user"))

    def pause(self, context: BatchContext, user_id: str, token_id: str) -> CommandResult[Order]:
        """Let an open order fill nothing until resumed; an order that is paused stays as it is."""
        working = self._open(context, user_id, token_id)
        if working.order.status is OrderStatus.PAUSED:
            return CommandResult(answer=working.order)
        return self._change(working, PendingWrite.pause)

    def resume(self, context: BatchContext, user_id: str, token_id: str) -> CommandResult[Order]:
        """Let a paused order go on; an order that is not paused stays as it is."""
        working = self._open(context, user_id, token_id)
        if working.order.status is not OrderStatus.PAUSED:
            return CommandResult(answer=working.order)
        return self._change(working, PendingWrite.resume)

    def amend(
        self, context: BatchContext, user_id: str, token_id: str, wanted: Amendment, *, revision: int | None
    ) -> CommandResult[Order]:
        """Replace an open order's plan for what is still to come.

        Raises:
            OrderNotFound, OrderNotOpen: there is nothing to amend.
            RevisionMismatch: it was amended meanwhile.
            EngineBusy: slices that were past when it came are still being recorded.
            InvalidRequest: the new plan breaks a rule.
        """
        working = self._open(context, user_id, token_id)
        order, now = working.order, self._clock.now()
        if order.plan.end <= now:
            raise OrderNotOpen(f"order {token_id!r} has reached its end: nothing is left to change")
        if had_elapsed(order, order.progress.next_slice):
            raise EngineBusy(
                f"the slices of {token_id!r} that were past are still being recorded: try again soon",
                retry_after=1,
            )
        if revision is not None and revision != order.plan.revision:
            raise RevisionMismatch(
                f"order {token_id!r} was amended meanwhile: it is at revision {order.plan.revision}, "
                f"not {revision}; look at it and send the change again"
            )
        plan = amend(order, wanted, now=now, limits=self._limits, reference=self._mid(order))
        return self._change(working, lambda write: write.amend(plan))

    def _mid(self, order: Order) -> Decimal | None:
        return self._market_reader.quotes(order.terms.destinations, self._clock.now()).mid

    def _change(self, working: Working, decide: Callable[[PendingWrite], None]) -> CommandResult[Order]:
        write = PendingWrite(before=working.order, order=working.order, at=self._clock.now())
        decide(write)
        if not write.order.status.is_open:
            self._journal.measured(self._sampler.take(working.order.terms.order_id, write.at))
        return CommandResult(answer=write.recorded, writes=[write], working=working)

    def _open(self, context: BatchContext, user_id: str, token_id: str) -> Working:
        working = self._open_orders.find(user_id, token_id)
        if working is None:
            raise _not_open(context.recorded.get((user_id, token_id)), token_id)
        return working


def _note(error: Exception) -> None:
    if not isinstance(error, TwapError):
        log.error("an order could not be checked", exc_info=error)


def _is_accepted(result: SubmitResult) -> bool:
    is_judged = result.kind in (SubmitResultKind.NEW, SubmitResultKind.REPEAT)
    return is_judged and result.order.status is not OrderStatus.REJECTED


def _not_open(order: Order | None, token_id: str) -> TwapError:
    if order is None:
        return OrderNotFound(f"you have no order with token_id {token_id!r}")
    return OrderNotOpen(f"order {token_id!r} has already ended: it is {order.status.value}")
