"""Engines of one partition, one after another, and a gateway that asks them: in one event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from support.clocks import LoopClock
from support.memory_messenger import Hub, MemoryMessenger
from support.stores.orders import MemoryStore
from support.trading import HandMarket, request
from twap_server.clock import SteadyClock
from twap_server.cluster.engine_role import EngineRole
from twap_server.cluster.remote_orders import RemoteOrders
from twap_server.cluster.subjects import Subjects
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import StoreTakenOver
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.write import OrderWrite
from twap_server.domain.ownership import Lease, lease_of_partition, partition_of
from twap_server.engine.config import EngineConfig
from twap_server.engine.engine import Engine
from twap_server.engine.ports import OrderKey

SUBJECTS = Subjects("test")
ADA = "ada"
PARTITION = partition_of(ADA)


class OwnedStore:
    """The orders as one owner may write them: not once it was replaced."""

    def __init__(self, records: MemoryStore, lease: Lease, newest: Callable[[], int]) -> None:
        self._records, self._lease, self._newest = records, lease, newest
        self.after_commit: Callable[[Sequence[OrderWrite]], None] = lambda writes: None

    async def commit(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
        if self._newest() != self._lease.epoch:
            raise StoreTakenOver("another node has the partition")
        await self._records.commit(writes, samples)
        self.after_commit(writes)

    async def was_recorded(self, writes: Sequence[OrderWrite]) -> bool:
        return await self._records.was_recorded(writes)

    async def open_orders(self) -> list[Order]:
        return await self._records.open_orders()

    async def find(self, user_id: str, token_ids: Sequence[str]) -> dict[str, Order]:
        return await self._records.find(user_id, token_ids)

    async def find_all(self, keys: Any) -> dict[OrderKey, Order]:
        return await self._records.find_all(keys)

    async def last_event_seq(self, user_id: str) -> int:
        return await self._records.last_event_seq(user_id)


@dataclass
class Owner:
    """A node that holds the partition."""

    role: EngineRole
    messenger: MemoryMessenger
    market: HandMarket
    store: OwnedStore
    task: asyncio.Task[None]

    @property
    def engine(self) -> Engine:
        return self.role.engines[PARTITION]

    async def give_away(self) -> None:
        """As a lease keeper ends it."""
        self.task.cancel()
        await asyncio.wait([self.task])

    def die(self) -> None:
        """SIGKILL: nobody hears of it again, nothing is recorded any more."""
        self.messenger.die()
        self.task.cancel()


@dataclass
class Cluster:
    """A gateway, and whoever owns the partition of its user."""

    group: asyncio.TaskGroup
    hub: Hub = field(default_factory=Hub)
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: SteadyClock = field(default_factory=lambda: SteadyClock(LoopClock()))
    config: EngineConfig = field(default_factory=EngineConfig)
    epoch: int = 0

    def __post_init__(self) -> None:
        self.gateway = self.hub.node()
        self.orders = self.new_gateway()

    def new_gateway(self) -> RemoteOrders:
        numbers = count(1)
        return RemoteOrders(
            messenger=self.gateway,
            subjects=SUBJECTS,
            records=self.store,
            clock=self.clock,
            new_id=lambda: f"g{next(numbers)}",
        )

    async def own(self, *, market: HandMarket | None = None) -> Owner:
        """Let another node own the partition; ready when this returns."""
        self.epoch += 1
        lease, messenger = Lease(lease_of_partition(PARTITION), self.epoch), self.hub.node()
        market, numbers = market or HandMarket(self.clock), count(1)
        store = OwnedStore(self.store, lease, lambda: self.epoch)
        role = EngineRole(
            market=market,
            make_store=lambda lease: store,
            takings=self.store,
            messenger=messenger,
            subjects=SUBJECTS,
            clock=self.clock,
            config=self.config,
            new_id=lambda: f"e{lease.epoch}-{next(numbers)}",
        )
        owner = Owner(role, messenger, market, store, self.group.create_task(_worked(role, lease)))
        while PARTITION not in role.engines:
            await asyncio.sleep(0.001)
        return owner

    def request(self, token_id: str = "a", **change: object) -> Any:
        return request(self.clock.now(), token_id, **change)

    async def submit(self, token_id: str = "a", **change: object) -> Order:
        return (await self.orders.submit(ADA, [self.request(token_id, **change)]))[0].order

    def order(self, token_id: str = "a") -> Order:
        return next(one for one in self.store.orders.values() if one.terms.token_id == token_id)

    def now(self) -> Nanos:
        return self.clock.now()


@asynccontextmanager
async def cluster(config: EngineConfig | None = None) -> AsyncIterator[Cluster]:
    async with asyncio.TaskGroup() as group:
        made = Cluster(group, config=config or EngineConfig())
        tasks = [group.create_task(made.orders.run())]
        try:
            yield made
        finally:
            for task in (*tasks, *group._tasks):
                task.cancel()


async def _worked(role: EngineRole, lease: Lease) -> None:
    try:
        await role.work(lease)
    except asyncio.CancelledError:
        return
