"""Run the engine: one task that owns every open order.

Commands (submit, cancel, pause, resume, amend) and due slices meet in one place, so a cancel against a slice
in flight has exactly one winner. Each turn takes one group of commands, then one round of the slices that are
due, both by turns of their users; each is decided, recorded in one transaction, and only then taken into
memory, answered and told: recorded before told. While one commit is under way the next group gathers. A
restart reads the open orders and goes on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from twap_server.domain.clock import MILLISECOND, SECOND, Clock, Nanos, to_span
from twap_server.domain.errors import EngineBusy, StoreUnavailable, TwapError
from twap_server.domain.execution.decay import FORGOTTEN_AFTER
from twap_server.domain.execution.decision_clock import DecisionClock
from twap_server.domain.execution.own_impact import ImpactMemories
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.realism import IDEAL, PROFILES, SHIFT_HALF_LIFE
from twap_server.domain.orders.rules import OrderLimits
from twap_server.domain.orders.terms import Amendment, OrderRequest
from twap_server.engine.commands.batches import BatchContext, Command, CommandBatcher, CommandResult
from twap_server.engine.commands.handlers import CommandHandlers
from twap_server.engine.commands.queue import CommandQueue
from twap_server.engine.config import EngineConfig
from twap_server.engine.entry.acceptance import OrderAcceptance, limits_of
from twap_server.engine.entry.allowance import Allowances
from twap_server.engine.entry.outlook import MarketOutlook
from twap_server.engine.entry.preview import Preview, Previewer
from twap_server.engine.entry.results import SubmitResult
from twap_server.engine.market.handed_over import HandedOver
from twap_server.engine.market.own_taken import OwnTaken
from twap_server.engine.market.sampler import MarketSampler
from twap_server.engine.market.snapshot import MarketReader
from twap_server.engine.ports import EventSink, Market, OrderStore, TakingRecords
from twap_server.engine.work.commit import DecisionCommitter
from twap_server.engine.work.due_orders import DueOrders
from twap_server.engine.work.journal import Journal
from twap_server.engine.work.open_orders import OpenOrders
from twap_server.engine.work.presence import Presence
from twap_server.engine.work.store_waits import StoreWaits, WaitedForStore

log = logging.getLogger(__name__)

_LONGEST_SLEEP_S = 1.0
"""The wall clock may jump: look at it at least this often."""
_ASK_AGAIN_S = 0.25
"""How soon a database is asked again what became of a commit in doubt: slices wait for it."""
_SAMPLES_PER_TURN = 1_000
_SAMPLES_AT_ONCE = 50
_SAMPLING = 10 * MILLISECOND
"""A turn takes no more samples after so long: slices must not wait for them."""
_SAMPLES_BEHIND = SECOND
"""So long samples wait while slices are due: a sample costs as much as deciding half a slice."""
_ORDERS_PER_GROUP = 256
"""Deciding so many holds up a slice by less than a tenth of a second."""
_NANOS_PER_SECOND = 1e9

_T = TypeVar("_T")


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
        takings: TakingRecords | None = None,
        has_users: bool = True,
    ) -> None:
        """Build it.

        Args:
            store: of the orders that it owns.
            market: the books.
            events: who is told.
            clock: the time.
            config: bounds and settings.
            new_id: gives a fresh order id, unique for ever.
            takings: where another engine worked the orders before this one, what users took then; None: that
                is forgotten.
            has_users: who can send an order again; a replay's orders are sent by nobody.
        """
        waits = StoreWaits()
        self._store, self._clock, self._config = WaitedForStore(store, clock, waits), clock, config
        self._presence = Presence(clock=clock, waits=waits)
        self._journal = Journal(store=self._store, events=events)
        decision_clock = DecisionClock(clock)
        half_life = to_span(config.impact_half_life)
        self._impact = impact = ImpactMemories(half_life=half_life, monotonic=decision_clock)
        own = OwnTaken(market, impact.usual)
        self.own_taken = own.at
        """What a user took of levels and has not grown back; see ``OwnTaken.at``."""
        self.all_taken = own.all_of
        """The same of all levels; see ``OwnTaken.all_of``."""
        self._takings, self._handed_over = takings, HandedOver(market, impact)
        self._market_reader = MarketReader(market, config)
        self._outlook = MarketOutlook(market, clock)
        self._sampler = MarketSampler(market_reader=self._market_reader, market=market)
        self._open_orders = OpenOrders(market=market, sampler=self._sampler, clock=clock)
        self._allowances = Allowances(open_orders=self._open_orders, config=config)
        limits = limits_of(config)
        acceptance = OrderAcceptance(market=market, limits=limits, new_id=new_id, has_users=has_users)
        self._previewer = self._make_previewer(market, acceptance, store)
        self._committer = DecisionCommitter(
            store=self._store,
            journal=self._journal,
            open_orders=self._open_orders,
            sampler=self._sampler,
            impact=impact,
            clock=clock,
        )
        self._due_orders = self._make_rounds(impact, decision_clock)
        self._do = self._make_commands(acceptance, limits)
        self._groups = self._make_groups()
        self._queue = CommandQueue(
            most=config.max_pending_commands, most_of_user=config.max_pending_commands_per_user
        )
        self._wake = asyncio.Event()
        self._stopping = False
        self._behind_since: Nanos | None = None
        self.ready = asyncio.Event()
        """Set once every open order was taken up again."""

    @property
    def open_orders(self) -> int:
        """How many orders are open."""
        return len(self._open_orders)

    async def submit(self, user_id: str, requests: Sequence[OrderRequest]) -> list[SubmitResult]:
        """Accept, recognise or reject each request; all of it is recorded when this returns.

        Windows are judged, and begin where they begin now, by the time of this call; where a strategy has to
        look up its market first, by the time when that was done.

        Raises:
            EngineBusy, StoreUnavailable, ExchangeUnavailable: nothing was stored; send the same again.
        """
        self._queue.refuse_above_most(user_id)
        requests = await self._outlook.seen(user_id, self._told(requests))
        named, received = (request.token_id for request in requests), self._clock.now()
        return await self._ask(
            user_id, named, lambda context: self._do.submit(context, user_id, requests, received=received)
        )

    async def preview(
        self, user_id: str, requests: Sequence[OrderRequest], *, compare: bool = False
    ) -> list[Preview]:
        """Say what would become of each request; see ``Previewer``. Nothing is stored, no slice waits.

        Args:
            user_id: whose orders they would be.
            requests: what would be submitted.
            compare: also say what other strategies are expected to cost.
        """
        return await self._previewer.preview(user_id, self._told(requests), compare=compare)

    async def cancel(self, user_id: str, token_id: str) -> Order:
        """Cancel an open order and give it as it then is.

        Raises:
            OrderNotFound: the user has no such order.
            OrderNotOpen: it had already ended.
        """
        return await self._ask(
            user_id, [token_id], lambda context: self._do.cancel(context, user_id, token_id)
        )

    async def pause(self, user_id: str, token_id: str) -> Order:
        """Let an open order fill nothing until it is resumed; slices due meanwhile are missed.

        Raises:
            OrderNotFound, OrderNotOpen.
        """
        return await self._ask(
            user_id, [token_id], lambda context: self._do.pause(context, user_id, token_id)
        )

    async def resume(self, user_id: str, token_id: str) -> Order:
        """Let a paused order go on.

        Raises:
            OrderNotFound, OrderNotOpen.
        """
        return await self._ask(
            user_id, [token_id], lambda context: self._do.resume(context, user_id, token_id)
        )

    async def amend(
        self, user_id: str, token_id: str, wanted: Amendment, *, revision: int | None = None
    ) -> Order:
        """Change limit, end or quantity of an open order; what is done stays done.

        Args:
            wanted: the changes.
            revision: the plan's revision that the change was made for; None takes any.

        Raises:
            OrderNotFound, OrderNotOpen, RevisionMismatch, InvalidRequest.
        """
        return await self._ask(
            user_id,
            [token_id],
            lambda context: self._do.amend(context, user_id, token_id, wanted, revision=revision),
        )

    async def look(self, user_id: str, instruments: Collection[InstrumentId]) -> None:
        """Do nothing: ``own_taken`` tells what is so now, whoever asks."""

    async def run(self) -> None:
        """Take up the open orders, then work until stopped."""
        await self._recover()
        self.ready.set()
        while not self._stopping:
            await self._sleep()
            await self._turn()
        await self._measure(self._clock.now(), at_once=True)
        while self._queue:
            for command in self._queue.take(most=_ORDERS_PER_GROUP):
                command.refuse(EngineBusy("the server is stopping: send the same again later"))

    def _told(self, requests: Sequence[OrderRequest]) -> Sequence[OrderRequest]:
        """The same, with the server's realism where they do not say one."""
        usual = PROFILES[self._config.realism]
        if usual is IDEAL:  # what is not said is ideal by itself
            return requests
        return [replace(one, realism=usual) if one.realism is None else one for one in requests]

    def stop(self) -> None:
        """Finish the turn under way, then let ``run`` return. Open orders stay open for the next start."""
        self._stopping = True
        self.ready.clear()
        self._wake.set()

    def _make_previewer(self, market: Market, acceptance: OrderAcceptance, store: OrderStore) -> Previewer:
        return Previewer(
            market=market,
            market_reader=self._market_reader,
            outlook=self._outlook,
            acceptance=acceptance,
            store=store,
            clock=self._clock,
            allowances=self._allowances,
        )

    def _make_commands(self, acceptance: OrderAcceptance, limits: OrderLimits) -> CommandHandlers:
        return CommandHandlers(
            journal=self._journal,
            acceptance=acceptance,
            open_orders=self._open_orders,
            sampler=self._sampler,
            market_reader=self._market_reader,
            clock=self._clock,
            limits=limits,
            allowances=self._allowances,
        )

    def _make_rounds(self, impact: ImpactMemories, decision_clock: DecisionClock) -> DueOrders:
        return DueOrders(
            open_orders=self._open_orders,
            market_reader=self._market_reader,
            impact=impact,
            decision_clock=decision_clock,
            committer=self._committer,
            lost_to=self._presence.reason,
            others_wait=lambda: len(self._queue) > 0,
            clock=self._clock,
            config=self._config,
        )

    def _make_groups(self) -> CommandBatcher:
        return CommandBatcher(
            store=self._store,
            journal=self._journal,
            open_orders=self._open_orders,
            read_again=self._committer.read_again,
            market_reader=self._market_reader,
            clock=self._clock,
        )

    async def _ask(
        self, user_id: str, token_ids: Iterable[str], decide: Callable[[BatchContext], CommandResult[_T]]
    ) -> _T:
        if self._stopping:
            raise EngineBusy("the server is stopping: send the same again later", retry_after=1)
        self._queue.refuse_above_most(user_id)
        answer: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        keys = frozenset((user_id, token_id) for token_id in token_ids)
        self._queue.add(user_id, Command(keys=keys, decide=decide, answer=answer))
        self._wake.set()
        return await answer

    async def _recover(self) -> None:
        while True:
            try:
                orders = await self._store.open_orders()
                await self._take_over(orders)
                break
            except StoreUnavailable as error:
                log.warning("the engine waits for the store: %s", error)
                await self._clock.sleep(_LONGEST_SLEEP_S)
        for order in orders:
            self._open_orders.adopt(order)
        await self._due_orders.end_elapsed()
        self._presence.begin()
        level = logging.INFO if len(self._open_orders) else logging.DEBUG  # of many partitions most have none
        log.log(level, "engine ready open_orders=%d", len(self._open_orders))

    async def _take_over(self, orders: Sequence[Order]) -> None:
        """Remember what the users of these orders took while another engine worked them."""
        if self._takings is None or not orders:
            return
        now = self._clock.now()
        longest = max(one.terms.realism.half_life or 0 for one in orders)
        half_life = max(longest, to_span(self._config.impact_half_life), SHIFT_HALF_LIFE)
        since = Nanos(now - FORGOTTEN_AFTER * half_life)
        self._handed_over.add(await self._takings.takings(orders, since), now=now)

    async def _sleep(self) -> None:
        at, sample_at = self._open_orders.next_due(), self._sampler.next_due()
        if at is None or (sample_at is not None and sample_at < at):
            at = sample_at
        longest = _ASK_AGAIN_S if self._journal.in_doubt else _LONGEST_SLEEP_S
        delay = longest if at is None else (at - self._clock.now()) / _NANOS_PER_SECOND
        if self._wake.is_set() or delay <= 0:
            await self._clock.sleep(0)  # others get their turn, however much is due
        else:
            await self._clock.wait(self._wake, min(delay, longest))
        self._wake.clear()

    async def _turn(self) -> None:
        self._presence.note()
        if self._handed_over:
            self._handed_over.bind(now=self._clock.now())
        if self._journal.in_doubt:
            await self._settle()
        if self._queue:
            await self._groups.carry_out(self._queue.take(most=_ORDERS_PER_GROUP))
        is_behind = await self._due_orders.work_due()
        if self._may_measure(is_behind=is_behind):
            await self._measure(self._clock.now())
        if self._queue:
            self._wake.set()

    async def _settle(self) -> None:
        """Learn what became of a commit in doubt."""
        if not self._journal.in_doubt:
            return
        with contextlib.suppress(StoreUnavailable):
            writes = await self._journal.settle()
            self._impact.resolve(was_recorded=bool(writes))
            for write in writes:
                self._open_orders.apply(write, is_late=True)

    def _may_measure(self, *, is_behind: bool) -> bool:
        """Whether samples have their turn: not while slices are due, unless that goes on and on."""
        mono = self._clock.monotonic()
        if is_behind and self._behind_since is None:
            self._behind_since = mono
        if is_behind and self._behind_since is not None and mono - self._behind_since < _SAMPLES_BEHIND:
            return False
        self._behind_since = None
        return True

    async def _measure(self, now: Nanos, *, at_once: bool = False) -> None:
        """Sample the markets of the orders; recorded with the next decision, after a while, or at once."""
        begin = self._clock.monotonic()
        for _ in range(_SAMPLES_PER_TURN // _SAMPLES_AT_ONCE):
            samples = self._sampler.collect(now, most=_SAMPLES_AT_ONCE)
            self._journal.measured(samples)
            if len(samples) < _SAMPLES_AT_ONCE or self._clock.monotonic() - begin > _SAMPLING:
                break
        if not self._journal.wants_flush(now, at_once=at_once):
            return
        try:
            await self._journal.flush(now, at_once=at_once)
        except TwapError as error:
            log.warning("samples could not be stored, trying again: %s", error)
