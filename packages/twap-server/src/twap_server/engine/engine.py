"""The engine: one task that owns every open order.

Commands (submit, cancel, pause, resume, amend) and due slices meet in one place, so a cancel against a slice
in flight has exactly one winner. Each turn drains what has come: the commands in groups, the slices that are
due after each group; each is decided, recorded in one transaction, and only then taken into memory, answered
and told: recorded before told. While one commit is under way the next group gathers. A restart reads the
open orders and goes on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from twap_server.domain.admission import Limits
from twap_server.domain.clock import Clock, Nanos, to_span
from twap_server.domain.errors import EngineBusy, StoreUnavailable, TwapError
from twap_server.domain.impact import ImpactMemory
from twap_server.domain.order import Order
from twap_server.domain.terms import Amendment, OrderRequest
from twap_server.engine.commands import Commands
from twap_server.engine.config import EngineConfig
from twap_server.engine.desk import Desk
from twap_server.engine.groups import Command, Decision, Groups, Scene, grouped
from twap_server.engine.observers import Observers
from twap_server.engine.ports import EventSink, Market, OrderStore
from twap_server.engine.preview import Preview, Previewer
from twap_server.engine.quotes import Sight
from twap_server.engine.recorder import Recorder
from twap_server.engine.rounds import Rounds
from twap_server.engine.settlement import Settlement
from twap_server.engine.store_waits import WaitedForStore
from twap_server.engine.submission import Admission, limits_of
from twap_server.engine.verdict import Verdict

log = logging.getLogger(__name__)

_LONGEST_SLEEP_S = 1.0
"""The wall clock may jump: look at it at least this often."""
_ASK_AGAIN_S = 0.25
"""How soon a database is asked again what became of a commit in doubt: slices wait for it."""
_SAMPLES_PER_TURN = 1_000
_COMMANDS_PER_TURN = 256
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
    ) -> None:
        """Args: new_id gives a fresh order id, unique for ever."""
        self._store, self._clock, self._config = WaitedForStore(store, clock), clock, config
        self._recorder = Recorder(store=self._store, events=events)
        impact = ImpactMemory(half_life=to_span(config.impact_half_life), monotonic=clock.monotonic)
        self._sight = Sight(market, config)
        self._desk = Desk(market=market, clock=clock)
        self._observers = Observers(sight=self._sight, market=market)
        limits = limits_of(config)
        admission = Admission(market=market, limits=limits, new_id=new_id)
        self._previewer = Previewer(
            market=market,
            sight=self._sight,
            admission=admission,
            store=store,
            desk=self._desk,
            clock=clock,
            most=config.max_open_orders,
        )
        self._settlement = Settlement(
            store=self._store,
            recorder=self._recorder,
            desk=self._desk,
            observers=self._observers,
            impact=impact,
            clock=clock,
        )
        self._rounds = self._make_rounds(impact)
        self._do = self._make_commands(admission, limits)
        self._groups = self._make_groups()
        self._commands: list[Command[Any]] = []
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
        named = (request.token_id for request in requests)
        return await self._ask(user_id, named, lambda scene: self._do.submit(scene, user_id, requests))

    async def preview(self, user_id: str, requests: Sequence[OrderRequest]) -> list[Preview]:
        """Say what would become of each request; see ``Previewer``. Nothing is stored, no slice waits."""
        return await self._previewer.preview(user_id, requests)

    async def cancel(self, user_id: str, token_id: str) -> Order:
        """Cancel an open order and give it as it then is.

        Raises:
            OrderNotFound: the user has no such order.
            OrderNotOpen: it had already ended.
        """
        return await self._ask(user_id, [token_id], lambda scene: self._do.cancel(scene, user_id, token_id))

    async def pause(self, user_id: str, token_id: str) -> Order:
        """Let an open order fill nothing until it is resumed; slices due meanwhile are missed.

        Raises:
            OrderNotFound, OrderNotOpen.
        """
        return await self._ask(user_id, [token_id], lambda scene: self._do.pause(scene, user_id, token_id))

    async def resume(self, user_id: str, token_id: str) -> Order:
        """Let a paused order go on.

        Raises:
            OrderNotFound, OrderNotOpen.
        """
        return await self._ask(user_id, [token_id], lambda scene: self._do.resume(scene, user_id, token_id))

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
            lambda scene: self._do.amend(scene, user_id, token_id, wanted, revision=revision),
        )

    async def run(self) -> None:
        """Take up the open orders, then work until stopped."""
        await self._recover()
        self.ready.set()
        while not self._stopping:
            await self._sleep()
            await self._turn()
        await self._measure(self._clock.now(), at_once=True)
        for command in self._commands:
            command.refuse(EngineBusy("the server is stopping: send the same again later"))

    def stop(self) -> None:
        """Finish the turn under way, then let ``run`` return. Open orders stay open for the next start."""
        self._stopping = True
        self.ready.clear()
        self._wake.set()

    def _make_commands(self, admission: Admission, limits: Limits) -> Commands:
        return Commands(
            recorder=self._recorder,
            admission=admission,
            desk=self._desk,
            observers=self._observers,
            sight=self._sight,
            clock=self._clock,
            limits=limits,
            max_open_orders=self._config.max_open_orders,
        )

    def _make_rounds(self, impact: ImpactMemory) -> Rounds:
        return Rounds(
            desk=self._desk,
            sight=self._sight,
            impact=impact,
            settlement=self._settlement,
            was_waiting=self._store.was_waited_for,
            clock=self._clock,
            config=self._config,
        )

    def _make_groups(self) -> Groups:
        return Groups(
            store=self._store,
            recorder=self._recorder,
            take_in=self._do.recorded,
            read_again=lambda working: self._settlement.read_again(working, self._clock.now()),
            sight=self._sight,
            clock=self._clock,
        )

    async def _ask(
        self, user_id: str, token_ids: Iterable[str], decide: Callable[[Scene], Decision[_T]]
    ) -> _T:
        if self._stopping or len(self._commands) >= self._config.max_pending_commands:
            raise EngineBusy(
                "the engine has more to do than it can take: try again in a moment", retry_after=1
            )
        answer: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        keys = frozenset((user_id, token_id) for token_id in token_ids)
        self._commands.append(Command(keys=keys, decide=decide, answer=answer))
        self._wake.set()
        return await answer

    async def _recover(self) -> None:
        while True:
            try:
                orders = await self._store.open_orders()
                break
            except StoreUnavailable as error:
                log.warning("engine waits for the store: %s", error)
                await self._clock.sleep(_LONGEST_SLEEP_S)
        for order in orders:
            self._do.adopt(order)
        await self._rounds.end_elapsed()
        log.info("engine ready open_orders=%d", len(self._desk))

    async def _sleep(self) -> None:
        moments = [at for at in (self._desk.next_due(), self._observers.next_due()) if at is not None]
        now = self._clock.now()
        longest = _ASK_AGAIN_S if self._recorder.in_doubt else _LONGEST_SLEEP_S
        delay = longest if not moments else (min(moments) - now) / _NANOS_PER_SECOND
        if self._wake.is_set() or delay <= 0:
            await self._clock.sleep(0)  # others get their turn, however much is due
        else:
            alarm = asyncio.get_running_loop().call_later(min(delay, longest), self._wake.set)
            await self._wake.wait()
            alarm.cancel()
        self._wake.clear()

    async def _turn(self) -> None:
        commands, self._commands = self._commands[:_COMMANDS_PER_TURN], self._commands[_COMMANDS_PER_TURN:]
        if self._commands:
            self._wake.set()
        with contextlib.suppress(StoreUnavailable):
            for write in await self._recorder.settle():
                self._do.take_in(write)
        for group in grouped(commands, most=_ORDERS_PER_GROUP):
            await self._groups.carry_out(group)
            await self._rounds.work_due()  # many commands must not hold up a slice
        await self._rounds.work_due()
        await self._measure(self._clock.now())

    async def _measure(self, now: Nanos, *, at_once: bool = False) -> None:
        """Sample the markets of the orders; recorded with the next decision, after a while, or at once."""
        self._recorder.measured(self._observers.collect(now, most=_SAMPLES_PER_TURN))
        try:
            await self._recorder.flush(now, at_once=at_once)
        except TwapError as error:
            log.warning("samples wait to be recorded: %s", error)
