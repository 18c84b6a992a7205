"""Carry out waiting commands in batches: decide them one by one, record them in one transaction.

In: commands in the order they came. Out: each caller's answer, given only after the commit that holds what
it was told; a command that is refused is answered without one. No group names an order twice, so each
command is decided against what is recorded. Where the data of one command break the commit, the group is
carried out again in halves until that one stands alone: it fails, and no other.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import StoreConflict, StoreUnavailable, TwapError
from twap_server.domain.orders.order import Order
from twap_server.engine.entry.allowance import Allowance
from twap_server.engine.market.snapshot import MarketReader, MarketSnapshot
from twap_server.engine.ports import OrderKey, OrderStore
from twap_server.engine.work.journal import Journal
from twap_server.engine.work.open_orders import OpenOrders
from twap_server.engine.work.step import PendingWrite, Working

log = logging.getLogger(__name__)

_T = TypeVar("_T")


@dataclass(slots=True, kw_only=True)
class BatchContext:
    """What the commands of a group are decided against, beside the open orders in memory: one moment."""

    now: Nanos
    snapshot: MarketSnapshot
    """The books at that moment; nothing is awaited until all of the group are decided."""
    recorded: Mapping[OrderKey, Order]
    """Orders that the group names, as the store holds them."""
    allowances: dict[str, Allowance] = field(default_factory=dict)
    """What users have open with what the group itself accepted so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult(Generic[_T]):
    """What a command comes to: its answer, once its writes are recorded."""

    answer: _T
    writes: Sequence[PendingWrite] = ()
    working: Working | None = None
    """The open order that it changes."""


@dataclass(slots=True, kw_only=True, eq=False)
class Command(Generic[_T]):
    """Something a user asked for."""

    keys: frozenset[OrderKey]
    """The orders that it names."""
    decide: Callable[[BatchContext], CommandResult[_T]]
    """Raises TwapError where it is refused."""
    answer: asyncio.Future[_T]

    def fulfil(self, value: _T) -> None:
        """Answer, unless the caller has gone."""
        if not self.answer.done():
            self.answer.set_result(value)

    def refuse(self, error: Exception) -> None:
        """Answer with a failure, unless the caller has gone."""
        if not self.answer.done():
            self.answer.set_exception(error)


class CommandBatcher:
    """Carries groups out."""

    def __init__(
        self,
        *,
        store: OrderStore,
        journal: Journal,
        open_orders: OpenOrders,
        read_again: Callable[[Working], Awaitable[None]],
        market_reader: MarketReader,
        clock: Clock,
    ) -> None:
        """Args: read_again: reads an order that somebody else changed."""
        self._store, self._journal = store, journal
        self._open_orders, self._read_again = open_orders, read_again
        self._market_reader, self._clock = market_reader, clock

    async def carry_out(self, group: Sequence[Command[Any]]) -> None:
        """Decide, record, answer; whoever has gone meanwhile is passed over."""
        waiting = [command for command in group if not command.answer.done()]
        if not waiting:
            return
        try:
            recorded = await self._store.find_all([key for command in waiting for key in command.keys])
        except TwapError as error:
            _refuse(waiting, error)
            return
        now = self._clock.now()
        context = BatchContext(now=now, snapshot=self._market_reader.snapshot(now), recorded=recorded)
        decided = [(command, made) for command in waiting if (made := _decided(command, context)) is not None]
        await self._record([(command, made) for command, made in decided if made.writes])

    async def _record(self, decided: list[tuple[Command[Any], CommandResult[Any]]]) -> None:
        if not decided:
            return
        try:
            recorded = await self._journal.commit([write for _, made in decided for write in made.writes])
        except StoreUnavailable as error:
            _refuse([command for command, _ in decided], error)
        except Exception as error:
            await self._record_apart(decided, error)
        else:
            for write in recorded:
                self._open_orders.apply(write)
            for command, made in decided:
                command.fulfil(made.answer)

    async def _record_apart(
        self, decided: list[tuple[Command[Any], CommandResult[Any]]], error: Exception
    ) -> None:
        """The data of one of them cannot be recorded: the others are decided again without it."""
        if len(decided) > 1:
            middle = len(decided) // 2
            for half in (decided[:middle], decided[middle:]):
                await self.carry_out([command for command, _ in half])
            return
        command, made = decided[0]
        if not isinstance(error, TwapError):
            log.error("a command could not be recorded", exc_info=error)
        if isinstance(error, StoreConflict) and made.working is not None:
            await self._read_again(made.working)
        command.refuse(error)


def _decided(command: Command[Any], context: BatchContext) -> CommandResult[Any] | None:
    """What becomes of a command; None where that was answered already."""
    try:
        made = command.decide(context)
    except TwapError as error:
        command.refuse(error)
        return None
    except Exception as error:
        log.exception("a command could not be decided")
        command.refuse(error)
        return None
    if not made.writes:
        command.fulfil(made.answer)
    return made


def _refuse(commands: Sequence[Command[Any]], error: TwapError) -> None:
    for command in commands:
        command.refuse(error)
