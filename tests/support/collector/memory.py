"""An exchange and a lane to it in memory, on virtual time."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from typing import Any

import httpx
import looptime
import pytest

from support.clocks import LoopClock
from twap_server.books.live import LiveBook
from twap_server.books.registry import BookRegistry
from twap_server.collector.config import CollectorConfig
from twap_server.collector.context import session_context
from twap_server.collector.history import History
from twap_server.collector.network import Network
from twap_server.collector.rate_limit import RateLimiter
from twap_server.collector.shard import Shard
from twap_server.domain.clock import Nanos
from twap_server.domain.market.errors import ConnectionLost
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.exchanges.kraken.adapter import KrakenExchange

Deed = tuple[str, str, float]
"""What is done, to which symbol, and for how many seconds nothing is done then."""
BASES = ("BTC", "ETH", "SOL")
EVERY_S = 0.5
"""How often each subscribed book changes."""


def listed(exchange: str) -> dict[str, Instrument]:
    return {
        f"{base}-USD": Instrument(
            id=InstrumentId(exchange, f"{base}-USD"),
            native=f"{base}USD",
            base=base,
            quote="USD",
            tick_size=Decimal("0.1"),
            lot_size=Decimal("0.1"),
            min_quantity=Decimal(0),
            min_notional=Decimal(0),
            status="trading",
        )
        for base in BASES
    }


class BusyClock(LoopClock):
    """A clock by which the event loop can have stood still."""

    def __init__(self) -> None:
        super().__init__()
        self.stood = 0
        """Nanoseconds that passed while nothing ran."""

    def monotonic(self) -> Nanos:
        return Nanos(super().monotonic() + self.stood)


class MemoryExchange:
    """What the other side holds: who is subscribed on which connection, and one number that counts up."""

    def __init__(self, name: str, clock: LoopClock) -> None:
        self.name, self.clock = name, clock
        self.open: list[MemoryConnection] = []
        self.mutes_answers = False
        self.is_mute = False
        self.number = 100
        self.connections = 0
        self.rate = (2, 1)
        """Messages that a connection takes, and within how many seconds; replies and pings aside."""
        self.pings = 0

    @asynccontextmanager
    async def connect(self, *_: object) -> AsyncIterator["MemoryConnection"]:
        connection = MemoryConnection(self)
        self.connections += 1
        self.open.append(connection)
        try:
            yield connection
        finally:
            self.open.remove(connection)

    def cut(self) -> None:
        for connection in self.open:
            connection.frames.put_nowait(None)

    def send(self, message: object) -> None:
        for connection in self.open:
            connection.hear(message)

    def retire(self) -> None:
        self.send({"e": "serverShutdown", "E": 1})

    async def change_books(self, every_s: float = EVERY_S) -> None:
        while True:
            self.number += 1
            for connection in self.open:
                for base in connection.subscribed:
                    connection.hear(self.book(base, first=False))
            await self.clock.sleep(every_s)

    async def beat(self, every_s: float) -> None:
        canary = {"stream": "btcusdt@kline_1m", "data": {"e": "kline"}}
        while True:
            self.send({"channel": "heartbeat"} if self.name == "kraken" else canary)
            await self.clock.sleep(every_s)

    def book(self, base: str, *, first: bool) -> object:
        if self.name == "kraken":
            bid = {"price": 10, "qty": self.number}
            data = {"symbol": f"{base}/USD", "bids": [bid], "asks": [{"price": 11, "qty": 1}]}
            return {"channel": "book", "type": "snapshot" if first else "update", "data": [data]}
        change = {"e": "depthUpdate", "E": 1, "s": f"{base}USD", "U": self.number, "u": self.number}
        return {"stream": f"{base.lower()}usd@depth@100ms", "data": change | {"b": [["10", "1"]], "a": []}}

    def answer_http(self, request: httpx.Request) -> httpx.Response:
        body = {"lastUpdateId": self.number, "bids": [["10", "1"]], "asks": [["11", "1"]]}
        return httpx.Response(200, json=body)


class MemoryConnection:
    """One connection, with the message rate of a real one."""

    acknowledges = True
    moment = None

    def __init__(self, exchange: MemoryExchange) -> None:
        self.exchange = exchange
        self.frames: asyncio.Queue[str | None] = asyncio.Queue()
        self.subscribed: list[str] = []
        amount, window_s = exchange.rate
        self.limiter = RateLimiter(exchange.clock, amount=amount, window_s=window_s)

    async def receive(self) -> list[str]:
        frame = await self.frames.get()
        if frame is None:
            raise ConnectionLost("cut")
        return [frame]

    async def send(self, text: str) -> None:
        await self.limiter.spend()
        await self.reply(text)

    async def reply(self, text: str) -> None:
        request = json.loads(text)
        self.exchange.pings += request["method"] == "ping"
        subscribes = request["method"].lower() == "subscribe"
        for base in self.bases(request):
            if subscribes and base not in self.subscribed:
                self.subscribed.append(base)
            elif not subscribes and base in self.subscribed:
                self.subscribed.remove(base)
        for answer in self.answers(request):
            self.hear(answer)

    def bases(self, request: dict[str, Any]) -> list[str]:
        if self.exchange.name == "binance":
            return [one[:3].upper() for one in request["params"] if "@depth" in one]
        params = request.get("params", {})
        return [one[:3] for one in params["symbol"]] if params.get("channel") == "book" else []

    def answers(self, request: dict[str, Any]) -> Iterator[object]:
        mute = self.exchange.mutes_answers
        if self.exchange.name == "binance":
            yield from () if mute else [{"result": None, "id": request["id"]}]
            return
        for symbol in request.get("params", {}).get("symbol", []):
            if not mute:
                result = {"channel": request["params"]["channel"], "symbol": symbol}
                ids = {"method": request["method"], "req_id": request["req_id"]}
                yield ids | {"success": True, "result": result}
            if request["method"] == "subscribe" and request["params"]["channel"] == "book":
                yield self.exchange.book(symbol[:3], first=True)

    def hear(self, message: object) -> None:
        if self.exchange.is_mute:
            return
        self.frames.put_nowait(json.dumps(message))


class Lane:
    """A shard at work on a virtual clock, and a check of each book that is fed."""

    def __init__(self, name: str, **settings: Any) -> None:
        self.clock = BusyClock()
        self.venue = MemoryExchange(name, self.clock)
        self.registry = BookRegistry()
        self.listed = listed(name)
        self.strays: list[str] = []
        exchange = {"binance": BinanceExchange, "kraken": KrakenExchange}[name]()
        exchange.learn(self.listed.values())
        config = CollectorConfig(quiet_proof_s=1, reconcile_s=20, backoff_max_s=2, **settings)
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.venue.answer_http))
        self.shard = Shard(
            session_context(
                exchange,
                config=config,
                clock=self.clock,
                rng=random.Random(1),
                history=History(exchange, config, self.clock, http),
                network=Network(open_socket=self.venue.connect),
                trades=self.registry.trades,
                instruments=lambda: self.listed,
            ),
            self.registry,
        )

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note whatever is fed and neither registered nor a successor's."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ("on_change", "on_snapshot"):
                patch.setattr(LiveBook, name, self.noting(getattr(LiveBook, name)))
            yield

    def noting(self, old: Any) -> Any:
        def feed(book: LiveBook, event: Any, now: Nanos) -> None:
            shadows = self.shard._shadows or {}
            if book not in (self.registry.live_book(book.instrument), shadows.get(book.instrument.symbol)):
                self.strays.append(f"{book.instrument} is fed and nobody can find it")
            old(book, event, now)

        return feed

    def do(self, deed: str, symbol: str) -> None:
        wanted = symbol in self.shard.symbols
        match deed:
            case "want" if not wanted:
                self.shard.add(self.listed[symbol])
            case "drop" if wanted:
                self.shard.remove(symbol)
            case "mute":
                self.venue.mutes_answers = not self.venue.mutes_answers
            case "cut":
                self.venue.cut()
            case "retire":
                self.venue.retire()

    async def play(self, deeds: Iterable[Deed]) -> None:
        with self.watched():
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self.shard.run()),
                    group.create_task(self.venue.change_books()),
                ]
                for deed, symbol, wait in deeds:
                    self.do(deed, symbol)
                    await self.clock.sleep(wait)
                self.venue.mutes_answers = False
                await self.clock.sleep(60)
                self.check()
                for task in tasks:
                    task.cancel()

    def check(self) -> None:
        """What is wanted is registered, live, fed, and all that is subscribed."""
        assert self.strays == []
        books = {book.instrument.symbol: book for book in self.registry}
        assert books.keys() == self.shard.symbols
        for symbol, book in books.items():
            if "does not acknowledge" in book.reason:
                continue
            age = (self.clock.now() - book.ts_received) / 1e9
            assert (book.status, symbol) == (BookStatus.LIVE, symbol), book.reason
            assert age <= 2 * EVERY_S, f"{symbol} is live and nothing feeds it"
        connections = self.venue.open
        assert len(connections) == 1 or not (books or connections), (
            "it waits to connect while nothing is wanted"
        )
        subscribed = {f"{base}-USD" for connection in connections for base in connection.subscribed}
        assert subscribed == books.keys()


def play(name: str, deeds: Iterable[Deed]) -> None:
    async def run() -> None:
        await Lane(name).play(deeds)

    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0)) as runner:
        runner.run(run())
