"""Follow one exchange that other nodes collect: its status, its list, the books that are wanted here.

Everything is told by its collector, or by one for each part, and may be lost. A pulse, four times a second,
says what must be known by then; what is missing is asked for. Without pulses nothing is trusted.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from twap_models.enums import Integrity, Interval
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.cluster.ask_market import AskMarket
from twap_server.cluster.coding import decode
from twap_server.cluster.market_messages import AskCandles, ExchangePulse
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.replica import Replica
from twap_server.cluster.replica_division import ReplicaDivision
from twap_server.cluster.replica_list import ReplicaList
from twap_server.cluster.replica_part import ReplicaPart
from twap_server.cluster.subjects import Subjects
from twap_server.cluster.wants import TELL_EVERY_S, ToldWants
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import ExchangeUnavailable
from twap_server.domain.exact import ZERO
from twap_server.domain.market.events import CandleRange
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.domain.market.status import CollectedBook, ConnectionState, ExchangeStatus
from twap_server.exchanges.base import Exchange

_log = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 0.25
_MOST_ASKED: Final = 4
"""Whole books asked for at a time."""
_COLLECTED_EVERY_S, _COLLECTED_SELDOM_S = 5, 30
"""How often it is asked how the collected books fare: while somebody looks, and else."""


class ReplicaExchange:
    """One exchange: an ``ExchangeSource``."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        node: str,
        registry: BookRegistry,
        interest: BookInterest,
        clock: Clock,
        messenger: Messenger,
        subjects: Subjects,
        cached: Iterable[Instrument] = (),
    ) -> None:
        """Build it, hear nothing yet; see ``ReplicaMarket``."""
        self._exchange, self._registry, self._interest = exchange, registry, interest
        self._clock, self._messenger, self._subjects = clock, messenger, subjects
        self._list = ReplicaList(cached)
        self._division = ReplicaDivision(
            self.name, lambda part: ReplicaPart(part, clock, AskMarket(part, messenger, subjects))
        )
        self._begun_at = clock.now()
        self._replicas: dict[str, Replica] = {}
        self._following: dict[str, asyncio.Task[None]] = {}
        self._needed: dict[str, None] = {}
        """Symbols whose whole book is needed."""
        self._asked: set[str] = set()
        """Symbols whose whole book was asked for and has not come."""
        self._needs_list: dict[ReplicaPart, None] = {}
        """Parts whose list is another one than is known."""
        self._asks_list: set[ReplicaPart] = set()
        self._looked_at = Nanos(0)
        self._woken = asyncio.Event()
        self._is_demanded = True
        """Whether something more is wanted than was told."""
        self._wants = ToldWants(
            self.name, interest, node=node, messenger=messenger, subjects=subjects, clock=clock
        )
        interest.listen(self._on_demand)

    @property
    def name(self) -> str:
        """See ``ExchangeSource``."""
        return self._exchange.name

    @property
    def integrity(self) -> Integrity:
        """See ``ExchangeSource``."""
        return self._exchange.integrity

    @property
    def loaded(self) -> bool:
        """See ``ExchangeSource``."""
        return bool(self._list.instruments)

    def instruments(self) -> Mapping[str, Instrument]:
        """See ``ExchangeSource``."""
        return self._list.instruments

    def clashing(self) -> Iterable[Instrument]:
        """See ``ExchangeSource``."""
        return self._list.clashing

    def trading_status(self, symbol: str) -> str:
        """See ``ExchangeSource``."""
        return self._list.trading_status(symbol)

    def status(self) -> ExchangeStatus:
        """Say how the exchange is reached: as its collectors say, where those can be heard."""
        return self._division.status(self._unknown())

    def collected(self) -> Sequence[CollectedBook]:
        """Say how the books fare that are collected, as their collectors said a few seconds ago."""
        self._looked_at = self._clock.monotonic()
        books = [book for part in self._division.parts for book in part.collected]
        return sorted(books, key=lambda book: book.instrument.symbol)

    async def klines(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start: Nanos | None,
        end: Nanos | None,
    ) -> CandleRange:
        """See ``ExchangeSource``."""
        asked = AskCandles(symbol=instrument.id.symbol, interval=interval, limit=limit, start=start, end=end)
        part = self._division.part_of(instrument.id.symbol)
        found = await part.ask.candles(asked)
        if found is None:
            why = part.status(self._unknown()).reason or "its collector does not answer"
            raise ExchangeUnavailable(f"{self.name}: no candles now: {why}", retry_after=2)
        return found

    def returned(self) -> None:
        """Begin anew with every book: what was told while the connection to NATS was lost is lost."""
        for replica in self._replicas.values():
            replica.lose("the connection to the other nodes was lost")
        self._on_demand(self.name)

    async def run(self) -> None:
        """Follow it, for ever. Cancelling ends every subscription."""
        pulses = await self._messenger.listen(self._subjects.pulse(self.name), self._hear_pulse)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look(), name=f"silence of {self.name}")
                group.create_task(self._follow_collected(), name=f"collected books of {self.name}")
                while True:
                    self._follow_interest(group)
                    self._ask_needed(group)
                    self._wants.tell(is_asked=self._is_demanded)
                    self._is_demanded = False
                    self._woken.clear()
                    await self._clock.wait(self._woken, TELL_EVERY_S)
        finally:
            await pulses.end()

    def _on_demand(self, exchange: str) -> None:
        if exchange == self.name:
            self._is_demanded = True
            self._woken.set()

    def _on_need(self, symbol: str) -> None:
        self._needed[symbol] = None
        self._woken.set()

    def _follow_interest(self, group: asyncio.TaskGroup) -> None:
        wanted = self._interest.wanted(self.name)
        for symbol in self._replicas.keys() - wanted:
            del self._replicas[symbol]
            self._following.pop(symbol).cancel()
            self._registry.remove(InstrumentId(self.name, symbol))
        for symbol in sorted((wanted & self._list.instruments.keys()) - self._replicas.keys()):
            replica = self._replicas[symbol] = Replica(
                InstrumentId(self.name, symbol),
                registry=self._registry,
                word=self._division.part_of(symbol).word,
                clock=self._clock,
                ask=self._on_need,
            )
            self._following[symbol] = group.create_task(
                replica.run(self._messenger, self._subjects), name=f"replica of {self.name} {symbol}"
            )

    def _hear_pulse(self, body: bytes) -> None:
        told, before = decode(body, ExchangePulse), self._division.parts
        part = self._division.heard(told)
        if part is None:
            return
        if self._division.parts is not before:
            self._follow_division()
        if told.epoch > part.epoch:
            self._on_demand(self.name)  # who takes over knows of nobody's wants
        was_silent, late = part.hear(told)
        if not self._list.is_of(part.part, told.epoch, told.revision):
            self._needs_list[part] = None
            self._woken.set()
        books, refused = {book.symbol: book for book in told.books}, set(told.refused)
        for symbol, replica in self._replicas.items():
            if replica.word is part.word:
                replica.compare(
                    told.epoch,
                    books.get(symbol),
                    late=late,
                    was_silent=was_silent,
                    is_refused=symbol in refused,
                )

    def _follow_division(self) -> None:
        """Go by the collectors of another division: not one book of the one before is trusted any more."""
        self._needs_list.clear()
        for symbol, replica in self._replicas.items():
            replica.heed(self._division.part_of(symbol).word)

    def _ask_needed(self, group: asyncio.TaskGroup) -> None:
        for part in [one for one in self._needs_list if one not in self._asks_list]:
            del self._needs_list[part]
            self._asks_list.add(part)
            group.create_task(self._fetch_list(part), name=f"list of {part.part}")
        needed = [symbol for symbol in self._needed if symbol not in self._asked]
        needed.sort(key=lambda one: not self._interest.is_of_an_order(InstrumentId(self.name, one)))
        for symbol in needed[: _MOST_ASKED - len(self._asked)]:
            del self._needed[symbol]
            replica = self._replicas.get(symbol)
            if replica is not None and replica.is_waiting:
                self._asked.add(symbol)
                group.create_task(self._fetch(symbol), name=f"whole book of {self.name} {symbol}")

    async def _fetch(self, symbol: str) -> None:
        """Ask for a whole book; where there is no answer the next pulse shows that it is still needed."""
        try:
            asking = self._division.part_of(symbol).ask.book(symbol)
            answer, replica = await asking, self._replicas.get(symbol)
            if answer is not None and replica is not None:
                replica.take(answer)
        finally:
            self._asked.discard(symbol)
            self._woken.set()

    async def _fetch_list(self, part: ReplicaPart) -> None:
        try:
            answer = await part.ask.listing()
            if answer is not None:
                self._list.take(part.part, answer)
        finally:
            self._asks_list.discard(part)
            self._woken.set()

    async def _look(self) -> None:
        """See when silence begins and when it is over, for ever."""
        while True:
            for part in self._division.parts:
                part.look()
            for replica in self._replicas.values():
                replica.look()
            await self._clock.sleep(_LOOK_EVERY_S)

    async def _follow_collected(self) -> None:
        while True:
            await self._clock.sleep(1)
            is_looked_at = self._clock.monotonic() - self._looked_at < 60 * SECOND
            for part in self._division.parts:
                await part.follow_collected(_COLLECTED_EVERY_S if is_looked_at else _COLLECTED_SELDOM_S)

    def _unknown(self) -> ExchangeStatus:
        return ExchangeStatus(
            name=self.name,
            state=ConnectionState.DOWN,
            reason="",
            since=self._begun_at,
            connections=0,
            books=0,
            instruments=len(self._list.instruments),
            integrity=self._exchange.integrity,
            intervals=tuple(self._exchange.klines.native),
            market_status=TRADING,
            retry_at=None,
            lag=None,
            taker_fee=ZERO,
            clock_warning="",
        )
