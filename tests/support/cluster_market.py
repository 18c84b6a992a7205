"""A collector whose exchange the test plays, readers of its books, and what these were at each number."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from support.clocks import LoopClock
from support.cluster_messenger import MemoryMessenger, MessengerNetwork
from support.collector.memory import listed
from twap_models.enums import Integrity, Interval, Side
from twap_server.books.health import BookHealth
from twap_server.books.interest import BookInterest
from twap_server.books.live import LiveBook, NewBook
from twap_server.books.pulse import Pulse
from twap_server.books.registry import BookRegistry
from twap_server.cluster.collector_role import CollectorRole
from twap_server.cluster.market_messages import book_told
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.replica_market import ReplicaMarket
from twap_server.cluster.subjects import Subjects
from twap_server.collector.config import CollectorConfig, ExchangeConfig
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import ExchangeUnavailable
from twap_server.domain.exact import ZERO
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    BookStatus,
    Candle,
    CandleRange,
    TextLevel,
    Trade,
)
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.domain.market.status import CollectedBook, ConnectionState, ExchangeStatus
from twap_server.domain.ownership import ExchangePart, Lease
from twap_server.exchanges.base import SnapshotFirst
from twap_server.exchanges.binance.spot import BinanceExchange

EXCHANGE = "binance"
SYMBOL = "BTC-USD"
BTC = InstrumentId(EXCHANGE, SYMBOL)
SUBJECTS = Subjects("test")
WHOLE = ExchangePart(EXCHANGE)
Levels = tuple[list[TextLevel], list[TextLevel]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """A collector's book right after a message about it."""

    levels: Levels
    scale: Decimal
    status: BookStatus
    seq: int


class PlayedExchange:
    """What the test makes of the exchange: a ``CollectedExchange``."""

    name = EXCHANGE
    integrity = Integrity.SEQUENCE

    def __init__(self, instruments: Mapping[str, Instrument], clock: Clock) -> None:
        self.listed: Mapping[str, Instrument] = instruments
        self.left: Mapping[str, Instrument] = {}
        self.refuses = ""
        """Why there are no candles."""
        self._clock = clock

    @property
    def loaded(self) -> bool:
        return bool(self.listed)

    def instruments(self) -> Mapping[str, Instrument]:
        return self.listed

    def clashing(self) -> Iterable[Instrument]:
        return ()

    def gone(self) -> Mapping[str, Instrument]:
        return self.left

    def trading_status(self, symbol: str) -> str:
        return self.listed[symbol].status if symbol in self.listed else TRADING

    def status(self) -> ExchangeStatus:
        return ExchangeStatus(
            name=self.name,
            state=ConnectionState.CONNECTED,
            reason="",
            since=self._clock.now(),
            connections=1,
            books=1,
            instruments=len(self.listed),
            integrity=self.integrity,
            intervals=(Interval("1m"),),
            market_status=TRADING,
            retry_at=None,
            lag=5_000_000,
            taker_fee=ZERO,
            clock_warning="",
        )

    async def klines(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start: Nanos | None,
        end: Nanos | None,
    ) -> CandleRange:
        if self.refuses:
            raise ExchangeUnavailable(self.refuses, retry_after=7)
        one = Decimal("1.10")
        candles = [
            Candle(
                open_time=Nanos(at), close_time=Nanos(at + 1), open=one, high=one, low=one, close=one,
                volume=Decimal(at), closed=True,
            )
            for at in range(limit)
        ]  # fmt: skip
        return CandleRange(candles=candles, oldest_available=start)


class PlayedMarket:
    """A ``CollectedMarket`` whose books are fed by the test."""

    def __init__(self, exchange: PlayedExchange, new_book: NewBook, clock: Clock, *, depth: int = 0) -> None:
        self.registry = BookRegistry()
        self.interest = BookInterest(clock, linger_s=0)
        self.exchange, self.clock, self.depth = exchange, clock, depth
        self.connection = Pulse(clock)
        self.is_mute = False
        """Whether the exchange says nothing."""
        self._new_book = new_book
        self._health = BookHealth(self.registry, clock)

    def source(self, exchange: str) -> PlayedExchange:
        assert exchange == EXCHANGE
        return self.exchange

    def collected(self, exchange: str) -> Sequence[CollectedBook]:
        return self._health.of(exchange)

    async def run(self) -> None:
        while True:
            self.follow()
            if not self.is_mute:
                self.connection.heard_at = self.clock.monotonic()
                for book in self.registry:
                    book.confirm(self.clock.now())
            await self.clock.sleep(0.1)

    def follow(self) -> None:
        """Collect what is wanted, and nothing else."""
        wanted = self.interest.wanted(EXCHANGE) & self.exchange.listed.keys()
        for book in self.registry:
            if book.instrument.symbol not in wanted:
                self.registry.remove(book.instrument)
        for symbol in sorted(wanted - {book.instrument.symbol for book in self.registry}):
            book = self.built(symbol, self._new_book)
            self.registry.add(book)
            book.resync("subscribed")
            self.snapshot(symbol, [("10.0", "1")], [("11.0", "1")])

    def built(self, symbol: str, new_book: NewBook = LiveBook) -> LiveBook:
        """A book, as a shard builds one."""
        multiplier = self.exchange.listed[symbol].multiplier
        book = new_book(
            InstrumentId(EXCHANGE, symbol), SnapshotFirst(), depth=self.depth, multiplier=multiplier
        )
        book.pulse = self.connection
        return book

    def book(self, symbol: str = SYMBOL) -> LiveBook:
        """The book that readers of this process see."""
        book = self.registry.live_book(InstrumentId(EXCHANGE, symbol))
        assert book is not None, f"{symbol} is not collected"
        return book

    def change(self, bids: list[TextLevel], asks: list[TextLevel], symbol: str = SYMBOL) -> None:
        """Let levels change."""
        now = self.clock.now()
        self.book(symbol).on_change(BookChange(symbol=symbol, bids=bids, asks=asks, ts_exchange=now), now)

    def snapshot(self, symbol: str, bids: list[TextLevel], asks: list[TextLevel]) -> None:
        """Let the exchange send the whole book."""
        now = self.clock.now()
        self.book(symbol).on_snapshot(BookSnapshot(symbol=symbol, bids=bids, asks=asks, ts_exchange=now), now)

    def trade(self, price: str, quantity: str, symbol: str = SYMBOL) -> None:
        """Let something be traded."""
        now = self.clock.now()
        made = Trade(
            symbol=symbol,
            trade_id="1",
            price=Decimal(price),
            quantity=Decimal(quantity),
            taker_side=Side.BUY,
            ts_exchange=now,
            ts_received=now,
        )
        self.registry.trades.add(InstrumentId(EXCHANGE, symbol), made)


class _Noting:
    """Passes messages on, and notes what a book is at each of its numbers."""

    def __init__(self, messenger: Messenger, node: "CollectorNode") -> None:
        self._messenger, self._node = messenger, node
        self.listen, self.answer = messenger.listen, messenger.answer
        self.ask, self.on_return = messenger.ask, messenger.on_return

    @property
    def is_connected(self) -> bool:
        return self._messenger.is_connected

    def publish(self, subject: str, body: bytes) -> None:
        if subject.startswith("test.book."):
            self._node.note(subject, body)
        self._messenger.publish(subject, body)


class CollectorNode:
    """A node that collects the exchange in one epoch, until it is stopped."""

    def __init__(
        self,
        messenger: Messenger,
        clock: Clock,
        *,
        epoch: int = 1,
        instruments: Mapping[str, Instrument] | None = None,
        depth: int = 0,
        max_books: int = 100,
        part: ExchangePart = WHOLE,
    ) -> None:
        self.messenger, self.epoch, self.part = messenger, epoch, part
        self.exchange = PlayedExchange(listed(EXCHANGE) if instruments is None else instruments, clock)
        self.history: dict[tuple[int, int], Then] = {}
        """What the first book was at each epoch and number."""
        self._depth, self._clock = depth, clock
        self._market: PlayedMarket | None = None
        self._role = CollectorRole(
            _Noting(messenger, self), SUBJECTS, clock=clock, make_market=self._make, max_books=max_books
        )

    @property
    def market(self) -> PlayedMarket:
        assert self._market is not None, "it does not run yet"
        return self._market

    async def run(self) -> None:
        await self._role.collect(Lease(self.part.lease, self.epoch))

    def note(self, subject: str, body: bytes) -> None:
        """Note what the book is right after this message."""
        told, book = book_told(body), self.market.registry.live_book(BTC)
        if book is None or subject != SUBJECTS.book(BTC):
            return
        self.history[told.epoch, told.number] = Then(
            levels=levels_of(book), scale=book.book.scale, status=book.status, seq=book.seq
        )

    async def _make(self, part: ExchangePart, new_book: NewBook) -> PlayedMarket:
        assert part == self.part
        self._market = PlayedMarket(self.exchange, new_book, self._clock, depth=self._depth)
        return self._market


def levels_of(book: LiveBook) -> Levels:
    """All levels of a book, as the exchange wrote them."""
    return book.book.top_text(len(book.book))


def many(count: int) -> dict[str, Instrument]:
    """A list of so many instruments."""
    pattern = listed(EXCHANGE)[SYMBOL]
    return {
        f"COIN{at}-USD": replace(
            pattern,
            id=InstrumentId(EXCHANGE, f"COIN{at}-USD"),
            native=f"COIN{at}USD",
            base=f"COIN{at}",
            aliases=(f"XCOIN{at}USD",),
            tick_size=Decimal("0.00000001"),
        )
        for at in range(count)
    }


def reader(
    messenger: Messenger,
    clock: Clock,
    *,
    node: str = "reader",
    cached: Mapping[str, Iterable[Instrument]] | None = None,
    symbols: Sequence[str] = (),
) -> ReplicaMarket:
    """A market that follows the exchange; ``symbols``: of its settings."""
    return ReplicaMarket(
        [BinanceExchange],
        CollectorConfig(exchanges={EXCHANGE: ExchangeConfig(symbols=tuple(symbols))}),
        node=node,
        messenger=messenger,
        subjects=SUBJECTS,
        registry=BookRegistry(),
        interest=BookInterest(clock, linger_s=0),
        clock=clock,
        cached=cached,
    )


@dataclass
class Pair:
    """A collector and a reader, in memory and virtual time."""

    network: MessengerNetwork
    clock: LoopClock
    collector: CollectorNode
    market: ReplicaMarket
    near: MemoryMessenger
    """The reader's way to the collector."""
    far: MemoryMessenger
    """The collector's way to the reader."""
    group: asyncio.TaskGroup
    task: "asyncio.Task[None]"
    """The collector at work."""

    @property
    def played(self) -> PlayedMarket:
        """The collector's side."""
        return self.collector.market

    def view(self) -> tuple[BookStatus, str]:
        """Status and reason that the reader shows."""
        view = self.market.view(BTC, 1)
        return (BookStatus.DOWN, "not here") if view is None else (view.status, view.reason)

    @property
    def is_live(self) -> bool:
        """Whether the reader shows a live book."""
        return self.view()[0] is BookStatus.LIVE

    def succeed(self, name: str, epoch: int) -> CollectorNode:
        """Let another node collect from now on, too."""
        node = CollectorNode(self.network.node(name), self.clock, epoch=epoch)
        node.history = self.collector.history
        self.collector, self.far = node, self.network.node(f"{name}'s own")
        self.task = self.group.create_task(node.run())
        return node


@asynccontextmanager
async def pair(
    seed: int = 0,
    *,
    depth: int = 0,
    instruments: Mapping[str, Instrument] | None = None,
    max_books: int = 100,
) -> AsyncIterator[Pair]:
    """Run both until the block ends; nobody wants a book yet."""
    network, clock = MessengerNetwork(seed), LoopClock()
    far, near = network.node("collector"), network.node("reader")
    collector = CollectorNode(far, clock, depth=depth, instruments=instruments, max_books=max_books)
    market = reader(near, clock)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(collector.run())
        reading = group.create_task(market.run())
        made = Pair(network, clock, collector, market, near, far, group, task)
        try:
            await asyncio.sleep(0.001)
            yield made
        finally:
            for one in (reading, task, made.task):
                one.cancel()


@asynccontextmanager
async def live_pair(seed: int = 0, *, depth: int = 0) -> AsyncIterator[Pair]:
    """The same, once the reader's book is live."""
    async with pair(seed, depth=depth) as made:
        made.market.hold(BTC, "order:1")
        await made.market.wait_live(BTC, 5)
        await asyncio.sleep(0.3)  # and a pulse came
        yield made
