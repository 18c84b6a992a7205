"""One node as a process that can be started, stopped, killed, paused and cut off from the others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from simulation.clock import Shown, SimClock
from simulation.loop import VirtualLoop, context_of
from simulation.network import Network
from simulation.nodes.shared_disk import SharedDisk
from simulation.nodes.stores import GuardedOrderStore, SimOwnerships
from simulation.process import SimProcess
from support.cluster_messenger import MemoryMessenger, MessengerNetwork
from twap_server import bootstrap
from twap_server.api.app import create_app
from twap_server.bootstrap.node import RunningNode, Way, node_over
from twap_server.bootstrap.node_roles import SharedStores
from twap_server.cluster.config import Role
from twap_server.cluster.troubles import Troubles
from twap_server.domain.clock import Nanos
from twap_server.domain.ownership import Lease, partition_of_lease
from twap_server.engine.engine import Engine
from twap_server.settings import Settings
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore
from twap_server.store.takings import SqlTakings

Look = Callable[["SimNode", Any], None]
"""Hears of each book that an engine reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all nodes share."""

    settings: Settings
    loop: VirtualLoop
    network: Network
    disk: SharedDisk
    lines: MessengerNetwork
    shown: Shown
    seed: str
    on_look: Look


class SimNode(SimProcess):
    """One node of one role, many lives."""

    def __init__(self, name: str, role: Role, around: Surroundings, on_error: Callable[..., None]) -> None:
        """Args: on_error: hears of a node that ends by itself."""
        super().__init__(
            loop=around.loop,
            clock=SimClock(around.loop),
            network=around.network,
            seed=f"{around.seed}:{name}",
            on_error=lambda error: on_error(self, error),
        )
        self.name, self.role = name, role
        self.busy = asyncio.Lock()
        """Held while a fault of it lasts."""
        self.woke_at = 0.0
        """When it began, or went on after a pause."""
        self.well_from = 0.0
        """Until then something keeps it from owning."""
        self.messenger: MemoryMessenger | None = None
        self.running: RunningNode | None = None
        self.owning: dict[int, Lease] = {}
        """By which lease the engine of a partition was made last."""
        self._around = around
        self._ids = Random(f"{around.seed}:{name}:ids")

    @property
    def is_awake(self) -> bool:
        """Whether it runs, and is not paused."""
        return self.life is not None and not self.life.stands and self.running is not None

    @property
    def engines(self) -> dict[int, Engine]:
        """Those that take and work orders, by partition."""
        role = None if self.running is None else self.running.roles._engines
        return {} if role is None else {at: one for at, one in role.engines.items() if one.ready.is_set()}

    @property
    def market(self) -> Any:
        """The market as others collect it; None at a collector."""
        roles = None if self.running is None else self.running.roles
        if roles is None or self.role is Role.COLLECTOR:
            return None
        return roles._engines._market if roles._engines is not None else roles.services.market  # type: ignore[union-attr]

    def now(self) -> Nanos:
        """What its clock shows."""
        return self.clock.now() if self.running is None else self.running.around.clock.now()

    async def start(self) -> None:
        """As of any process."""
        await super().start()
        self.woke_at = self._loop.time()

    async def stop(self) -> None:
        """In order, as after SIGTERM."""
        await super().stop()
        self._leave()

    def kill(self) -> None:
        """End at once; the database and NATS see it at once, too."""
        life = self.life
        self.crash()
        self._leave()
        if life is not None:
            self._around.disk.end(life)

    def pause(self) -> None:
        """Stand still."""
        assert self.life is not None
        self._loop.pause(self.life)

    def wake(self) -> None:
        """Go on."""
        assert self.life is not None
        self.woke_at = self._loop.time()
        self._loop.wake(self.life)

    def cut(self) -> None:
        """Lose the connection to NATS."""
        if self.messenger is not None:
            self.messenger.cut()

    def mend(self) -> None:
        """Have it back."""
        if self.messenger is not None and not self.messenger.is_connected and self.life is not None:
            self._loop.call_soon(self.messenger.mend, context=context_of(self.life))

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        around, name = self._around, f"{self.name}.{self.starts}"
        outside = bootstrap.Outside(
            rng=Random(f"{around.seed}:{name}"), new_id=lambda: f"{self._ids.getrandbits(128):032x}"
        )
        self.messenger = around.lines.node(name)
        async with (
            around.disk.shared(name) as database,
            node_over(
                around.settings,
                [self.role],
                clock=self.clock,
                outside=outside,
                database=database,
                way=Way(self.messenger, Troubles(self.clock)),
                shared=self._stores(database),
            ) as node,
        ):
            self.running = node
            self._attach(node)
            yield

    def _stores(self, database: Database) -> SharedStores:
        def orders_of(lease: Lease) -> GuardedOrderStore:
            self.owning[partition_of_lease(lease.name)] = lease
            return GuardedOrderStore(database, lease, self.name)

        return SharedStores(
            ownerships=SimOwnerships(database, self._around.disk, self.name),
            orders_of=orders_of,
            takings=SqlTakings(database),
            records=SqlOrderStore(database),
            limits=None,
        )

    def _attach(self, node: RunningNode) -> None:
        if node.roles.services is not None:
            self._around.shown.watch(node.around.clock)
            self._app = create_app(node.roles.services)
        elif self.market is not None:
            market = self.market
            live_book = market.live_book

            def looked(instrument: Any) -> Any:
                live = live_book(instrument)
                if live is not None:
                    self._around.on_look(self, live)
                return live

            market.live_book = looked

    async def _close(self) -> None:
        if self.running is not None:
            await self.running.close()

    def _forget(self) -> Any:
        running, self.running = self.running, None
        return running

    def _leave(self) -> None:
        if self.messenger is not None:
            self._around.lines.forget(self.messenger.name)
            self.messenger = None
