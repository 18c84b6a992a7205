"""One exchange: its instruments, its connections, its books, kept up for ever."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random

import httpx

from twap_models.enums import Integrity, Interval
from twap_server.books.demand import Demand
from twap_server.books.keeper import Keeper
from twap_server.collector.around import Surroundings
from twap_server.collector.backoff import delays
from twap_server.collector.budget import Budget
from twap_server.collector.config import CollectorConfig
from twap_server.collector.history import History
from twap_server.collector.listing import in_words, merged
from twap_server.collector.network import OpenSocket
from twap_server.collector.shard import Shard
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import TwapError
from twap_server.domain.instrument import Instrument, InstrumentId
from twap_server.exchanges.base import Exchange

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 1


class ConnectionState(StrEnum):
    """How an exchange is reached."""

    CONNECTED = "connected"
    CONNECTING = "connecting"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeStatus:
    """What is known about the way to an exchange."""

    name: str
    state: ConnectionState
    reason: str
    """Why it is not connected, in words fit for a user; empty when connected."""
    since: Nanos
    """Wall time of the last change of state."""
    connections: int
    """Open connections."""
    books: int
    """Books collected now."""
    instruments: int
    """Instruments listed; 0 while the list is not loaded."""
    integrity: Integrity
    intervals: tuple[Interval, ...]
    """Candle intervals the exchange has itself."""


class Collector:
    """Runs one exchange. Nothing that happens there reaches another exchange."""

    def __init__(
        self,
        exchange: Exchange,
        config: CollectorConfig,
        *,
        keeper: Keeper,
        demand: Demand,
        clock: Clock,
        rng: Random,
        http: httpx.AsyncClient,
        open_socket: OpenSocket,
        instruments: Iterable[Instrument] = (),
        on_instruments: Callable[[Mapping[str, Instrument]], None] = lambda _: None,
    ) -> None:
        """Args: instruments: a list known from before; on_instruments: called with each newly loaded list."""
        self.exchange = exchange
        self.history = History(exchange, config, clock, http)
        self._config = config
        self._keeper = keeper
        self._demand = demand
        self._clock = clock
        self._rng = rng
        self._on_instruments = on_instruments
        self._instruments: Mapping[str, Instrument] = {}
        self._is_loaded = asyncio.Event()
        self._woken = asyncio.Event()
        self._asked = True
        """Whether somebody began to want a book, or the list changed, since demand was last looked at."""
        self._shards: dict[Shard, asyncio.Task[None]] = {}
        self._list_failure = "the list of instruments is not loaded yet"
        self._state = (ConnectionState.CONNECTING, clock.now())
        limits = exchange.limits
        self._around = Surroundings(
            exchange=exchange,
            config=config,
            clock=clock,
            rng=rng,
            history=self.history,
            open_socket=open_socket,
            trades=keeper.trades,
            instruments=lambda: self._instruments,
            connects=Budget(clock, amount=limits.connect_attempts, window_s=limits.connect_window_s),
        )
        demand.listen(self._on_demand)
        self._learn({one.id.symbol: one for one in instruments})

    @property
    def loaded(self) -> bool:
        """Whether the list of instruments is known, from the exchange or from before."""
        return bool(self._instruments)

    def instruments(self) -> Mapping[str, Instrument]:
        """Return canonical symbol to instrument; empty while not loaded."""
        return self._instruments

    def status(self) -> ExchangeStatus:
        """Say how the exchange is reached now."""
        state, reason, connections = self._observe()
        return ExchangeStatus(
            name=self.exchange.name,
            state=state,
            reason=reason,
            since=self._state[1],
            connections=connections,
            books=sum(book.instrument.exchange == self.exchange.name for book in self._keeper),
            instruments=len(self._instruments),
            integrity=self.exchange.integrity,
            intervals=tuple(self.exchange.klines.native),
        )

    async def run(self) -> None:
        """Collect, for ever. Cancelling closes every connection."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_instruments(), name=f"{self.exchange.name} instruments")
            await self._is_loaded.wait()
            while True:
                if self._asked or self._demand.lingers(self.exchange.name):
                    self._asked = False
                    self._follow_demand(group)
                self._observe()
                self._woken.clear()
                alarm = asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._woken.set)
                await self._woken.wait()
                alarm.cancel()

    async def _keep_instruments(self) -> None:
        config = self._config
        waits = delays(self._rng, initial_ms=config.backoff_initial_ms, cap_s=config.backoff_max_s)
        while True:
            try:
                listed = await self.history.instruments()
            except TwapError as error:
                self._list_failure = str(error)
                _log.warning("instruments not loaded: %s", error)
                await self._clock.sleep(next(waits))
                continue
            if listed.left_out:
                _log.warning("%s instruments: %s", self.exchange.name, in_words(listed.left_out))
            self._learn(merged(listed, self._instruments))
            self._on_instruments(self._instruments)
            waits = delays(self._rng, initial_ms=config.backoff_initial_ms, cap_s=config.backoff_max_s)
            await self._clock.sleep(config.instruments_refresh_s)

    def _learn(self, found: Mapping[str, Instrument]) -> None:
        if not found:
            return
        self._instruments = found
        self.exchange.learn(found.values())
        self._is_loaded.set()
        self._on_demand(self.exchange.name)
        for shard in self._shards:
            shard.changed()

    def _on_demand(self, exchange: str) -> None:
        if exchange == self.exchange.name:
            self._asked = True
            self._woken.set()

    def _follow_demand(self, group: asyncio.TaskGroup) -> None:
        wanted = self._demand.wanted(self.exchange.name)
        wanted.update(self._config.exchange(self.exchange.name).symbols)
        self._drop_unwanted(wanted)
        served = {symbol for shard in self._shards for symbol in shard.symbols}
        for symbol in sorted((wanted & self._instruments.keys()) - served):
            shard = self._roomy_shard(group)
            shard.symbols.add(symbol)
            shard.find_book(self._instruments[symbol])
            shard.changed()
        if not self._shards:
            self._open_shard(group)

    def _drop_unwanted(self, wanted: set[str]) -> None:
        for shard, task in list(self._shards.items()):
            gone = shard.symbols - wanted
            if gone:
                shard.symbols -= gone
                shard.changed()
            for symbol in gone:
                self._keeper.remove(InstrumentId(self.exchange.name, symbol))
            if not shard.symbols and len(self._shards) > 1:
                del self._shards[shard]
                task.cancel()

    def _roomy_shard(self, group: asyncio.TaskGroup) -> Shard:
        room = self.exchange.limits.symbols_per_connection
        for shard in self._shards:
            if not room or len(shard.symbols) < room:
                return shard
        return self._open_shard(group)

    def _open_shard(self, group: asyncio.TaskGroup) -> Shard:
        shard = Shard(self._around, self._keeper)
        self._shards[shard] = group.create_task(shard.run(), name=f"{self.exchange.name} connection")
        return shard

    def _observe(self) -> tuple[ConnectionState, str, int]:
        """State, why, open connections; a change of state is noted with its time."""
        connections = sum(shard.connected for shard in self._shards)
        state, reason = self._condition(connections)
        if state is not self._state[0]:
            self._state = (state, self._clock.now())
        return state, reason, connections

    def _condition(self, connections: int) -> tuple[ConnectionState, str]:
        if connections:
            return ConnectionState.CONNECTED, ""
        if not self._instruments:
            return ConnectionState.DOWN, self._list_failure
        failure = next((shard.failure for shard in self._shards if shard.failure), None)
        if failure is None:
            return ConnectionState.CONNECTING, "connecting"
        return ConnectionState.DOWN, str(failure)
