"""Collect one exchange: its instruments, its connections, its books, as long as the server runs."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from random import Random

import httpx

from twap_models.enums import Integrity, Interval
from twap_server.books.interest import BookInterest
from twap_server.books.live import LiveBook, NewBook
from twap_server.books.registry import BookRegistry
from twap_server.collector.allowance import ExchangeAllowance
from twap_server.collector.bridge_process import bridge_of
from twap_server.collector.candle_archive import CandleArchive
from twap_server.collector.clock_lag import ClockLag
from twap_server.collector.config import CollectorConfig
from twap_server.collector.context import session_context
from twap_server.collector.failures import until_of
from twap_server.collector.history import History
from twap_server.collector.instrument_list import InstrumentList
from twap_server.collector.network import Network
from twap_server.collector.shard import Shard
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.market.errors import FeedError
from twap_server.domain.market.events import CandleRange
from twap_server.domain.market.instrument import TRADING, Instrument
from twap_server.domain.market.status import ConnectionState, ExchangeStatus
from twap_server.exchanges.base import Exchange

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 1
_NO_ROOM = "books that are not collected, for it allows no further connection: {}"


class Collector:
    """Runs one exchange. Nothing that happens there reaches another exchange."""

    def __init__(
        self,
        exchange: Exchange,
        config: CollectorConfig,
        *,
        registry: BookRegistry,
        interest: BookInterest,
        clock: Clock,
        rng: Random,
        http: httpx.AsyncClient,
        network: Network,
        instruments: Iterable[Instrument] = (),
        on_instruments: Callable[[Mapping[str, Instrument]], None] = lambda _: None,
        archive: CandleArchive | None = None,
        new_book: NewBook = LiveBook,
        allowance: ExchangeAllowance,
    ) -> None:
        """Build everything, start nothing.

        Args:
            exchange: which.
            config: settings of all.
            registry: where books are kept.
            interest: what is wanted.
            clock: time.
            rng: chance, for jitter only.
            http: the way to its REST interface.
            network: the way to its streams.
            instruments: a list known from before.
            on_instruments: called with each newly loaded list.
            archive: where closed candles are kept; None keeps none.
            new_book: builds the books that readers see.
            allowance: what it still allows our address.
        """
        self.exchange, self._bridge = exchange, bridge_of(exchange, config, clock, rng)
        requests, is_urgent = allowance.requests, interest.is_of_an_order
        self.history = History(
            exchange, config, clock, http, is_urgent=is_urgent, archive=archive, allowance=requests
        )
        self._config, self._registry, self._interest, self._clock = config, registry, interest, clock
        self._woken, self._asked = asyncio.Event(), True
        """Whether somebody began to want a book, or the list changed, since demand was last looked at."""
        self._shards: dict[Shard, asyncio.Task[None]] = {}
        self._without_room = 0
        """Books that are wanted, and for which the exchange allows no further connection."""
        self._state = (ConnectionState.CONNECTING, clock.now())
        self._list = InstrumentList(
            exchange,
            self.history,
            config,
            clock,
            rng,
            known=instruments,
            wanted=self._wanted,
            on_change=self._on_list_change,
            on_loaded=on_instruments,
        )
        self._clock_lag, self._looked_at = ClockLag(), Nanos(0)
        self._context = session_context(
            exchange,
            config=config,
            clock=clock,
            rng=rng,
            history=self.history,
            network=network if self._bridge is None else self._bridge.through(network),
            trades=registry.trades,
            new_book=new_book,
            instruments=self.instruments,
            on_trading_status=self._list.hear,
            doubt_list=self._list.doubt,
            allowance=allowance,
        )
        interest.listen(self._on_demand)

    @property
    def name(self) -> str:
        """Return the exchange's name."""
        return self.exchange.name

    @property
    def integrity(self) -> Integrity:
        """Return how the exchange's books are proven."""
        return self.exchange.integrity

    @property
    def loaded(self) -> bool:
        """Whether the list of instruments is known, from the exchange or from before."""
        return bool(self._list.instruments)

    def instruments(self) -> Mapping[str, Instrument]:
        """Return canonical symbol to instrument; empty while not loaded."""
        return self._list.instruments

    def clashing(self) -> Iterable[Instrument]:
        """Return the listed instruments that share their canonical name, and so cannot be found."""
        return self._list.clashing

    def gone(self) -> Mapping[str, Instrument]:
        """Return what was listed before and is missing from the newest list, by canonical symbol."""
        return self._list.gone

    async def klines(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start: Nanos | None,
        end: Nanos | None,
    ) -> CandleRange:
        """Fetch candles; see ``History``."""
        return await self.history.klines(instrument, interval, limit=limit, start=start, end=end)

    def trading_status(self, symbol: str) -> str:
        """Return ``trading``, or why an instrument does not trade; ``trading`` too while no list is known."""
        return self._list.trading_status(symbol)

    def status(self) -> ExchangeStatus:
        """Say how the exchange is reached now."""
        state, reason, connections = self._observe()
        return ExchangeStatus(
            name=self.exchange.name,
            state=state,
            reason=reason,
            since=self._state[1],
            connections=connections,
            books=sum(book.instrument.exchange == self.exchange.name for book in self._registry),
            instruments=len(self._list.instruments),
            integrity=self.exchange.integrity,
            intervals=tuple(self.exchange.klines.native),
            market_status=self._list.market_status,
            lag=self._clock_lag.least,
            clock_warning=self._clock_lag.warning,
            taker_fee=self._config.exchange(self.exchange.name).taker_fee,
            retry_at=self._retry_at(),
        )

    async def run(self) -> None:
        """Collect, for ever. Cancelling closes every connection."""
        async with asyncio.TaskGroup() as group:
            if self._bridge is not None:
                group.create_task(self._bridge.keep(), name=f"{self.exchange.name} process")
                await self._bridge.serves.wait()
            group.create_task(self._list.keep(), name=f"{self.exchange.name} instruments")
            group.create_task(self._list.watch(), name=f"{self.exchange.name} status")
            await self._list.is_loaded.wait()
            while True:
                if self._asked or self._interest.lingers(self.exchange.name):
                    self._asked = False
                    self._follow_interest(group)
                self._observe()
                self._look_at_clocks()
                self._woken.clear()
                await self._clock.wait(self._woken, _LOOK_EVERY_S)

    def _wanted(self) -> set[str]:
        return self._interest.wanted(self.exchange.name)

    def _on_list_change(self) -> None:
        self._on_demand(self.exchange.name)
        for shard in self._shards:
            shard.list_changed(self._list.instruments)

    def _on_demand(self, exchange: str) -> None:
        if exchange == self.exchange.name:
            self._asked = True
            self._woken.set()

    def _follow_interest(self, group: asyncio.TaskGroup) -> None:
        wanted, listed = self._wanted(), self._list.instruments
        self._drop_unwanted(wanted)
        served = {symbol for shard in self._shards for symbol in shard.symbols}
        missing = sorted((wanted & listed.keys()) - served)
        for place, symbol in enumerate(missing):
            shard = self._roomy_shard(group)
            if shard is None:
                self._note_without_room(len(missing) - place)
                break
            shard.add(listed[symbol])
        else:
            self._note_without_room(0)
        if not self._shards:
            self._list.unheard()

    def _drop_unwanted(self, wanted: set[str]) -> None:
        for shard, task in list(self._shards.items()):
            for symbol in shard.symbols - wanted:
                shard.remove(symbol)
            if not shard.symbols:
                del self._shards[shard]
                task.cancel()

    def _note_without_room(self, count: int) -> None:
        """Remember how many books there is no connection for, and log it when that begins."""
        if count and not self._without_room:
            _log.warning("%s: %s", self.exchange.name, _NO_ROOM.format(count))
        self._without_room = count

    def _roomy_shard(self, group: asyncio.TaskGroup) -> Shard | None:
        """One that takes another book; None where all are full and no other may be opened."""
        limits = self.exchange.limits
        for shard in self._shards:
            if not limits.symbols_per_connection or len(shard.symbols) < limits.symbols_per_connection:
                return shard
        if limits.kept_connections and len(self._shards) >= limits.kept_connections:
            return None
        return self._open_shard(group)

    def _open_shard(self, group: asyncio.TaskGroup) -> Shard:
        shard = Shard(self._context, self._registry)
        self._shards[shard] = group.create_task(shard.run(), name=f"{self.exchange.name} connection")
        return shard

    def _observe(self) -> tuple[ConnectionState, str, int]:
        """State, why, open connections; a change of state is noted with its time."""
        connections = sum(shard.connected for shard in self._shards)
        state, reason = self._condition(connections)
        if state is not self._state[0]:
            self._state = (state, self._clock.now())
        return state, reason, connections

    def _look_at_clocks(self) -> None:
        """Compare the exchange's clock with ours, and log it once when they begin or cease to differ."""
        since, self._looked_at = self._looked_at, self._clock.now()
        lags = [
            book.lag
            for book in self._registry
            if book.instrument.exchange == self.exchange.name and book.ts_received > since
        ]
        if self._clock_lag.note([lag for lag in lags if lag is not None], self._clock.monotonic()):
            words = self._clock_lag.warning or "its clock and this server's agree again"
            _log.warning("%s: %s", self.exchange.name, words)

    def _condition(self, connections: int) -> tuple[ConnectionState, str]:
        if self._bridge is not None and self._bridge.failure:
            return ConnectionState.DOWN, self._bridge.failure
        if connections:
            says = self._list.market_status
            told = () if says == TRADING else (f"the exchange says: {says}",)
            without = (_NO_ROOM.format(self._without_room),) if self._without_room else ()
            refused = () if (refusal := self.history.refusal) is None else (str(refusal),)
            remark = "" if self._bridge is None else self._bridge.remark
            own = filter(None, (self._clock_lag.warning, remark))
            return ConnectionState.CONNECTED, "; ".join((*told, *without, *refused, *own))
        if not self._list.instruments:
            return ConnectionState.DOWN, self._list.failure
        if not self._shards:
            return self._idle()
        failure = self._failure
        if failure is None:
            return ConnectionState.CONNECTING, "connecting"
        return ConnectionState.DOWN, str(failure)

    def _idle(self) -> tuple[ConnectionState, str]:
        """Nobody wants anything of it, which is no failure; its list is kept up all the same."""
        if self._list.failure:
            return ConnectionState.DOWN, self._list.failure
        return ConnectionState.IDLE, "nobody wants a book of it: no connection is open"

    def _retry_at(self) -> Nanos | None:
        untils = [until_of(failure) for failure in (self._context.cooldown.refusal, self.history.refusal)]
        return max((one for one in untils if one is not None and one > self._clock.now()), default=None)

    @property
    def _failure(self) -> FeedError | None:
        """Why a connection is not there."""
        return next((shard.failure for shard in self._shards if shard.failure and not shard.connected), None)
