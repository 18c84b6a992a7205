"""cluster/reach.py: a node without NATS is noticed, and books are live again from one that has it."""

import asyncio
from random import Random

import pytest

from support.clocks import ALONE, LoopClock
from support.cluster_market import BTC, EXCHANGE, SUBJECTS, WHOLE, PlayedExchange, PlayedMarket, reader
from support.cluster_messenger import MemoryMessenger, MessengerNetwork
from support.collector.memory import listed
from support.stores.leases import MemoryLeases
from twap_server.books.live import NewBook
from twap_server.cluster.collector_role import CollectorRole
from twap_server.cluster.leases import LeaseKeeper
from twap_server.cluster.reach import Reach
from twap_server.cluster.sign_of_life import SignOfLife
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.ownership import TAKES_PARTS, ExchangePart, Node

pytestmark = ALONE


class Collector:
    """A node that collects whenever it has the lease."""

    def __init__(self, name: str, line: MemoryMessenger, shared: MemoryLeases) -> None:
        clock, self.line = LoopClock(), line
        roles = ("collector", TAKES_PARTS)
        node = Node(node_id=name, host="h", roles=roles, version="1", started=Nanos(0))
        self.life = SignOfLife(shared, node, clock=clock)
        self.reach = Reach(line, self.life, clock)
        role = CollectorRole(line, SUBJECTS, clock=clock, max_books=100, make_market=self._make)
        self.keeper = LeaseKeeper(
            shared,
            self.life,
            role="collector",
            names=[WHOLE.lease],
            work=role.collect,
            clock=clock,
            rng=Random(1),
            lost_for=lambda: self.reach.lost_for,
        )

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for work in (self.life.run, self.reach.run, self.keeper.run):
                group.create_task(work())

    async def _make(self, part: ExchangePart, new_book: NewBook) -> PlayedMarket:
        clock = LoopClock()
        return PlayedMarket(PlayedExchange(listed(EXCHANGE), clock), new_book, clock)


@pytest.mark.parametrize("cut_s", [0, 0.4, 0.8])
async def test_a_collector_that_is_cut_off_from_nats_gives_its_exchange_to_one_that_is_not(
    cut_s: float,
) -> None:
    shared, network, clock = MemoryLeases(), MessengerNetwork(), LoopClock()
    both = [Collector(name, network.node(name), shared) for name in ("one", "two")]
    async with asyncio.TaskGroup() as group:
        market = reader(network.node("reader"), clock)
        tasks = [group.create_task(one.run()) for one in both]
        tasks.append(group.create_task(market.run()))
        market.hold(BTC, "order:1")
        await market.wait_live(BTC, 10)
        (owner,) = (one for one in both if one.keeper.held)
        (other,) = (one for one in both if one is not owner)
        await asyncio.sleep(5 + cut_s)
        owner.line.cut()
        begun = clock.monotonic()
        await asyncio.sleep(3)
        assert market.view(BTC, 1).status is not BookStatus.LIVE
        await market.wait_live(BTC, 10)
        assert (clock.monotonic() - begun) / SECOND <= 9
        assert other.keeper.held == (WHOLE.lease,) and owner.keeper.held == ()
        owner.line.mend()
        for _ in range(300):
            await asyncio.sleep(0.1)
            assert market.view(BTC, 1).status is BookStatus.LIVE, "and stays there"
        assert owner.keeper.remark == ""
        for task in tasks:
            task.cancel()
