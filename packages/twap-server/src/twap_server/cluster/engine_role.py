"""Work the orders of the partitions that this node holds: one unchanged engine for each.

While a partition's lease is held its engine answers the gateways' questions and tells events. When it is
given away, or lost, nothing new is begun, what is under way gets its answer, and what cannot be done any more
is answered with "ask elsewhere": then the next owner is asked.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, assert_never

from twap_models.enums import AGGREGATE
from twap_server.books.waiting import become_live
from twap_server.cluster.coding import decode, encode
from twap_server.cluster.event_relay import EventTeller
from twap_server.cluster.failures import Failure
from twap_server.cluster.held_market import HeldMarket
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.order_messages import OrderMessage, PreviewMessage, ResultMessage
from twap_server.cluster.order_questions import (
    Amend,
    Answer,
    AskPreview,
    AskTaken,
    Cancel,
    Changed,
    Pause,
    Previewed,
    Question,
    Resume,
    Submit,
    Submitted,
    TakenLevels,
)
from twap_server.cluster.questions import Answers, NotHere
from twap_server.cluster.subjects import Subjects
from twap_server.domain.clock import SECOND, Clock
from twap_server.domain.errors import EngineBusy, StoreTakenOver, TwapError, UnavailableError
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.terms import OrderRequest
from twap_server.domain.ownership import Lease, partition_of_lease
from twap_server.engine.config import EngineConfig
from twap_server.engine.engine import Engine
from twap_server.engine.ports import Market, OrderStore, TakingRecords

log = logging.getLogger(__name__)

_LONGEST_TURN_S: Final = 10
"""A turn takes that long only where the database does not answer."""
_LAST_ANSWERS_S: Final = 1
"""What looks up a market longer than this is asked elsewhere."""
_ON_THEIR_WAY_S: Final = 0.05
"""Answers that are given have to be sent."""
_BOOKS_WITHIN: Final = 2 * SECOND
"""So long a preview waits for books that its gateway waited for already."""
_MOST_BOOKS: Final = 50
_BEGIN_AT_ONCE: Final = 4
"""Engines that read their orders at a time: half of all partitions may come at once, from a node that died.

All together would keep the node so busy that it renews their leases too late, loses them, and begins anew.
"""
_QUESTION: Any = Question


class EngineRole:
    """What a ``LeaseKeeper`` of partitions runs."""

    def __init__(
        self,
        *,
        market: Market,
        make_store: Callable[[Lease], OrderStore],
        takings: TakingRecords,
        messenger: Messenger,
        subjects: Subjects,
        clock: Clock,
        config: EngineConfig,
        new_id: Callable[[], str],
    ) -> None:
        """Build it.

        Args:
            market: of the node: all partitions share it.
            make_store: gives a store whose commits hold only while that lease does.
            takings: what users took while another node worked their orders.
            messenger: to the gateways.
            subjects: what those ask.
            clock: the time.
            config: of each engine.
            new_id: gives a fresh order id, unique for ever.
        """
        self._market, self._make_store, self._takings = market, make_store, takings
        self._messenger, self._subjects, self._clock = messenger, subjects, clock
        self._config, self._new_id = config, new_id
        self._engines: dict[int, Engine] = {}
        self._beginning = asyncio.Semaphore(_BEGIN_AT_ONCE)

    @property
    def engines(self) -> Mapping[int, Engine]:
        """Those that work now, by partition."""
        return self._engines

    async def work(self, lease: Lease) -> None:
        """Work the orders of a partition until cancelled; then finish what is under way, and end."""
        partition = partition_of_lease(lease.name)
        with self._books(lease) as market:
            engine = self._made(lease, market)
            async with asyncio.TaskGroup() as group:
                async with self._beginning:
                    running = group.create_task(engine.run(), name=f"engine of {lease.name}")
                    await engine.ready.wait()
                desk = _Desk(engine, market, self._clock)
                answers = Answers(desk.answer, clock=self._clock, group=group)
                answering = await self._messenger.answer(self._subjects.commands(partition), answers.reply)
                self._engines[partition] = engine
                log.debug("works %s epoch=%d open_orders=%d", lease.name, lease.epoch, engine.open_orders)
                try:
                    await asyncio.wait([running])  # whoever is cancelled here cancels no turn under way
                finally:
                    answers.close()
                    engine.stop()
                    await self._wind_up(running, answers)
                    await answering.end()
                    del self._engines[partition]

    async def _wind_up(self, running: asyncio.Task[None], answers: Answers) -> None:
        """Let the turn under way finish, and those who wait have their answers."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_TURN_S):
                await asyncio.wait([running])
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_ANSWERS_S):
                await answers.finish()
        await self._clock.sleep(_ON_THEIR_WAY_S)

    def _made(self, lease: Lease, market: Market) -> Engine:
        return Engine(
            store=self._make_store(lease),
            market=market,
            events=EventTeller(self._messenger, self._subjects),
            clock=self._clock,
            config=self._config,
            new_id=self._new_id,
            takings=self._takings,
        )

    @contextmanager
    def _books(self, lease: Lease) -> Iterator[HeldMarket]:
        market = HeldMarket(self._market, name=f"{lease.name}:{lease.epoch}")
        try:
            yield market
        finally:
            market.release_all()


class _Desk:
    """Carries out what gateways ask of one engine."""

    def __init__(self, engine: Engine, market: HeldMarket, clock: Clock) -> None:
        self._engine, self._market, self._clock = engine, market, clock

    async def answer(self, body: bytes) -> bytes:
        """The answer to a question.

        Raises:
            NotHere: the engine ends, or another one has the partition: nothing was done.
        """
        try:
            return encode(await self._answer(decode(body, _QUESTION)))
        except StoreTakenOver:
            raise NotHere("another node works these orders now", retry_after=1) from None
        except TwapError as error:
            if isinstance(error, EngineBusy) and not self._engine.ready.is_set():
                raise NotHere("another node works these orders soon", retry_after=1) from None
            return encode(Failure.of(error))
        except Exception:
            log.exception("a question of a gateway could not be carried out")
            return encode(Failure.of(UnavailableError("something went wrong on our side: try again")))

    async def _answer(self, question: Question) -> Answer:
        engine = self._engine
        match question:
            case Submit():
                with self._holding(question, question.requests):  # they come while the orders are recorded
                    results = await engine.submit(question.user_id, question.requests)
                return Submitted([ResultMessage.of(one) for one in results])
            case AskPreview():
                return await self._preview(question)
            case AskTaken():
                return TakenLevels(engine.all_taken(set(question.wanted)))
            case Cancel():
                order = await engine.cancel(question.user_id, question.token_id)
            case Pause():
                order = await engine.pause(question.user_id, question.token_id)
            case Resume():
                order = await engine.resume(question.user_id, question.token_id)
            case Amend():
                order = await engine.amend(
                    question.user_id, question.token_id, question.wanted, revision=question.revision
                )
            case _:
                assert_never(question)
        return Changed(OrderMessage.of(order))

    async def _preview(self, question: AskPreview) -> Previewed:
        """With the books that the gateway waited for: they are live here as soon as they are wanted here."""
        with self._holding(question, question.requests) as books:
            await become_live(self._market, books, self._clock, within=_BOOKS_WITHIN)
            previews = await self._engine.preview(
                question.user_id, question.requests, compare=question.compare
            )
        return Previewed([PreviewMessage.of(one) for one in previews])

    @contextmanager
    def _holding(self, question: Question, requests: Sequence[OrderRequest]) -> Iterator[list[InstrumentId]]:
        """Want the books that a question is about until it is answered."""
        owner = f"question:{id(question)}"
        books = list(dict.fromkeys(self._books_of(requests)))[:_MOST_BOOKS]
        try:
            for one in books:
                self._market.hold(one, owner)
            yield books
        finally:
            for one in books:
                self._market.release(one, owner)

    def _books_of(self, requests: Sequence[OrderRequest]) -> Iterator[InstrumentId]:
        for one in requests:
            with suppress(TwapError):  # the engine says so in its own words
                if one.exchange == AGGREGATE:
                    yield from (found.id for found in self._market.find_everywhere(one.symbol))
                else:
                    yield self._market.find_instrument(one.exchange, one.symbol).id
