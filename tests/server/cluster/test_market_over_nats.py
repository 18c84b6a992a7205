"""A real collector of a simulated exchange, and a replica of its market on the other side of a real NATS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from support.cluster_market import SUBJECTS, levels_of
from support.collector.parts import market_of, until
from support.collector.stepped import SMALL, TWO_ASSETS, SteppedSource, unhindered
from support.nats import NatsServer
from twap_models.enums import Interval
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.clock import SystemClock
from twap_server.cluster.collector_role import CollectorRole
from twap_server.cluster.nats_messenger import NatsMessenger
from twap_server.cluster.replica_market import ReplicaMarket
from twap_server.collector.config import CollectorConfig, ExchangeConfig
from twap_server.collector.market_data import LiveMarket
from twap_server.domain.errors import BookUnavailable
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.ownership import ExchangePart, Lease, lease_of_exchange
from twap_server.exchanges.registry import EXCHANGES
from twap_server.venue.market import MarketParameters
from twap_server.venue.registry import PROTOCOLS
from twap_server.venue.server import Venue

NAMES = ("binance", "kraken", "bitstamp")
"""Snapshots over REST; checksums; nothing but whole books."""


@dataclass
class Cluster:
    """One exchange, its collector and a reader of it."""

    source: SteppedSource
    venue: Venue
    name: str
    collected: LiveMarket
    market: ReplicaMarket
    collector: "asyncio.Task[None]"

    async def play(self, steps: int) -> None:
        """Let the exchange's market move."""
        for _ in range(steps):
            self.source.play(1)
            await asyncio.sleep(0.005)

    @property
    def is_live(self) -> bool:
        """Whether every book that is held is live at the reader."""
        held = self.market.interest.wanted(self.name)
        views = [self.market.view(InstrumentId(self.name, one), 1) for one in held]
        return all(view is not None and view.status is BookStatus.LIVE for view in views)

    def differs(self) -> str:
        """How the replicas differ from the collector's books; empty: not at all."""
        for book in self.collected.registry:
            replica = self.market.live_book(book.instrument)
            view = self.market.view(book.instrument, 1)
            if replica is None or view is None or view.status is not book.status:
                return f"{book.instrument}: {view and (view.status, view.reason)}, not {book.status}"
            if levels_of(replica) != levels_of(book) or replica.book.scale != book.book.scale:
                return f"{book.instrument}: other levels"
            if replica.ts_received != book.ts_received or replica.lag != book.lag:
                return f"{book.instrument}: other times"
            if self.market.traded(book.instrument) != self.collected.traded(book.instrument):
                return f"{book.instrument}: other trades"
        return "" if len(self.collected.registry) else "nothing is collected"


@asynccontextmanager
async def cluster(
    nats: NatsServer, name: str, parameters: MarketParameters = SMALL, *, held: int = 100
) -> AsyncIterator[Cluster]:
    """Run both, and hold the first so many books."""
    protocol = next(one for one in PROTOCOLS if one.name == name)
    source, clock = SteppedSource(protocol, parameters), SystemClock()
    async with (
        unhindered(name),
        Venue(source, clock=clock) as venue,
        NatsMessenger.connected(nats.url, name="collector") as far,
        NatsMessenger.connected(nats.url, name="reader") as near,
        asyncio.TaskGroup() as group,
    ):
        made: list[LiveMarket] = []

        async def make(part: ExchangePart, new_book) -> LiveMarket:
            made.append(market_of(venue.urls(), depth=500, quiet_proof_s=0, new_book=new_book))
            return made[-1]

        role = CollectorRole(far, SUBJECTS, clock=clock, make_market=make, max_books=1_000)
        collector = group.create_task(role.collect(Lease(lease_of_exchange(name), 3)))
        market = ReplicaMarket(
            EXCHANGES,
            CollectorConfig(
                exchanges={one.name: ExchangeConfig(enabled=one.name == name) for one in EXCHANGES}
            ),
            node="reader",
            messenger=near,
            subjects=SUBJECTS,
            registry=BookRegistry(),
            interest=BookInterest(clock),
            clock=clock,
        )
        reading = group.create_task(market.run())
        try:
            await until(lambda: market.loaded(name))
            for one in list(market.instruments(name).values())[:held]:
                market.hold(one.id, "test")
            ready = Cluster(source, venue, name, made[-1], market, collector)
            async with asyncio.timeout(20):
                while not ready.is_live:
                    await ready.play(1)  # some exchanges send no book before it changes
            yield ready
        finally:
            collector.cancel()
            reading.cancel()


async def same(made: Cluster) -> None:
    """Wait until the replicas are the collector's books."""
    try:
        await until(lambda: not made.differs(), 20)
    except TimeoutError:
        pytest.fail(made.differs())


@pytest.mark.parametrize("name", NAMES)
async def test_the_books_the_trades_and_the_candles_are_the_collectors(nats: NatsServer, name: str) -> None:
    async with cluster(nats, name) as made:
        await made.play(50)
        await same(made)
        for book in made.collected.registry:
            one = book.instrument
            assert list(made.market.recent_trades(one)) == list(made.collected.recent_trades(one))
            assert made.market.live_book(one).seq == (3 << 32) + book.seq
        assert made.market.instruments(name) == dict(made.collected.instruments(name))
        symbol = book.instrument.symbol
        found = await made.market.klines(name, symbol, Interval("1m"), limit=20)
        wanted = await made.collected.klines(name, symbol, Interval("1m"), limit=20)
        assert found == wanted
        assert made.market.exchanges()[0].state == "connected"


async def test_killed_and_started_again_nats_loses_nothing_for_good(own_nats: NatsServer) -> None:
    async with cluster(own_nats, "binance") as made:
        await made.play(5)
        own_nats.kill()
        await made.play(5)
        await until(lambda: _statuses(made) == {BookStatus.STALE}, 10)
        own_nats.start()
        await made.play(20)
        await same(made)


async def test_a_book_that_is_wanted_while_nats_is_away_comes_with_it(own_nats: NatsServer) -> None:
    async with cluster(own_nats, "binance", TWO_ASSETS, held=1) as made:
        first, second = list(made.market.instruments("binance").values())[:2]
        own_nats.kill()
        await until(lambda: _statuses(made) == {BookStatus.STALE}, 10)
        made.market.hold(second.id, "test")
        made.market.release(first.id, "test")
        with pytest.raises(BookUnavailable, match="no word from the collector"):
            await made.market.wait_live(second.id, 0.5)
        own_nats.start()
        await made.market.wait_live(second.id, 20)
        await made.play(5)
        await same(made)


async def test_a_paused_nats_is_silence(own_nats: NatsServer) -> None:
    async with cluster(own_nats, "binance") as made:
        own_nats.pause()
        await until(lambda: _statuses(made) == {BookStatus.STALE}, 10)
        own_nats.go_on()
        await made.play(5)
        await same(made)


async def test_a_collector_that_ends_leaves_no_live_book(nats: NatsServer) -> None:
    async with cluster(nats, "binance") as made:
        made.collector.cancel()
        await until(lambda: BookStatus.LIVE not in _statuses(made), 5)


def _statuses(made: Cluster) -> set[BookStatus]:
    books = [book.instrument for book in made.market.registry]
    return {view.status for one in books if (view := made.market.view(one, 1)) is not None}
