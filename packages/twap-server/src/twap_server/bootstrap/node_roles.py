"""Begin and end the roles of one node."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from twap_server.api.auth.shared_limits import SharedLimits
from twap_server.api.reports_itself import SelfReport
from twap_server.api.services import Services
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.bootstrap.api_side import Around, begin, services_over
from twap_server.bootstrap.chosen import shapes_of
from twap_server.bootstrap.first_user import make_first_user
from twap_server.bootstrap.live_market import MarketBuilder
from twap_server.bootstrap.splits import collected_parts
from twap_server.cluster.collector_role import CollectorRole
from twap_server.cluster.config import Role
from twap_server.cluster.engine_role import EngineRole
from twap_server.cluster.event_relay import EventRelay
from twap_server.cluster.leases import LeaseKeeper, LeaseStore, Work
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.reach import Reach
from twap_server.cluster.remote_orders import RemoteOrders
from twap_server.cluster.replica_market import ReplicaMarket
from twap_server.cluster.sign_of_life import NodeStore, SignOfLife
from twap_server.cluster.subjects import Subjects
from twap_server.cluster.troubles import Troubles
from twap_server.domain.ownership import PARTITIONS, Lease, lease_of_partition
from twap_server.engine.ports import OrderStore, TakingRecords
from twap_server.store.orders import SqlOrderStore


class Ownerships(LeaseStore, NodeStore, Protocol):
    """Where all nodes see who owns what, and who lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStores:
    """What PostgreSQL decides between nodes; a simulation has its own."""

    ownerships: Ownerships
    orders_of: Callable[[Lease], OrderStore]
    """Gives a store whose commits hold only while that lease does."""
    takings: TakingRecords
    """What users took, for who takes their orders over."""
    records: SqlOrderStore
    """All orders, to be read at gateways."""
    limits: SharedLimits | None
    """What gateways limit callers by together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParts:
    """What the roles of one node share."""

    around: Around
    messenger: Messenger
    troubles: Troubles
    subjects: Subjects
    markets: MarketBuilder
    shared: SharedStores
    life: SignOfLife


class NodeRoles:
    """The roles of one node; ``begin`` them once, ``end`` them before the task group does."""

    def __init__(self, parts: NodeParts, group: asyncio.TaskGroup) -> None:
        self.services: Services | None = None
        """Of a gateway."""
        self._parts, self._group = parts, group
        self._keepers: dict[Role, LeaseKeeper] = {}
        self._owning: list[asyncio.Task[None]] = []
        self._others: list[asyncio.Task[None]] = []
        self._engines: EngineRole | None = None
        self._reach = Reach(parts.messenger, parts.life, parts.around.clock)

    @property
    def report(self) -> SelfReport:
        """What this node tells of itself where it is no gateway."""
        return SelfReport(
            not_ready=self.not_ready,
            remarks=lambda: [*self._parts.around.clock.remarks(), *self._parts.troubles.remarks()],
            gauges=self._gauges(),
            durations=self._parts.around.vitals.durations,
        )

    async def begin(self, roles: Collection[Role]) -> None:
        """Begin these roles."""
        parts = self._parts
        self._run(parts.around.database.hold(parts.around.clock), "database")
        if Role.COLLECTOR in roles:
            await self._collect()
        if Role.COLLECTOR in roles or Role.ENGINE in roles:
            self._run(self._reach.run(), "way to other nodes")
        if Role.GATEWAY in roles:
            await parts.life.beat()  # clients are served by its clock at once
        self._run(parts.life.run(), "sign of life")
        if Role.ENGINE in roles or Role.GATEWAY in roles:
            market = self._replica()
            self._run(market.run(), "market data")
            if Role.ENGINE in roles:
                self._work(market)
            if Role.GATEWAY in roles:
                await self._serve(market)

    async def end(self) -> None:
        """Give back what is owned, once its work has ended; then end the rest."""
        for tasks in (self._owning, self._others):
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
        if self.services is not None:
            self.services.threads.close()

    async def not_ready(self) -> list[str]:
        """Why this node can do nothing now."""
        parts = self._parts
        reasons = [parts.life.remark] if parts.life.remark else []
        if not parts.messenger.is_connected:
            reasons.append("NATS cannot be reached: it is tried again and again")
        if self._keepers and not parts.life.may_own and not reasons:
            reasons.append("the database is being asked what this node may own")
        return reasons

    async def _collect(self) -> None:
        parts = self._parts
        role = CollectorRole(
            parts.messenger,
            parts.subjects,
            clock=parts.around.clock,
            make_market=parts.markets.market_of_part,
            max_books=parts.around.settings.cluster.max_books,
        )
        names = [part.lease for part in collected_parts(parts.around.settings)]
        await self._own(Role.COLLECTOR, names, role.collect).look_around()

    def _work(self, market: ReplicaMarket) -> None:
        parts, around = self._parts, self._parts.around
        self._engines = role = EngineRole(
            market=market,
            make_store=parts.shared.orders_of,
            takings=parts.shared.takings,
            messenger=parts.messenger,
            subjects=parts.subjects,
            clock=around.clock,
            config=around.settings.engine,
            new_id=around.new_id,
        )
        self._own(Role.ENGINE, [lease_of_partition(number) for number in range(PARTITIONS)], role.work)

    async def _serve(self, market: ReplicaMarket) -> None:
        parts, around, records = self._parts, self._parts.around, self._parts.shared.records
        orders = RemoteOrders(
            messenger=parts.messenger,
            subjects=parts.subjects,
            records=records,
            clock=around.clock,
            new_id=around.new_id,
        )
        relay = EventRelay(
            bus=around.bus,
            messenger=parts.messenger,
            subjects=parts.subjects,
            reader=records,
            clock=around.clock,
        )
        self.services = services_over(
            around,
            market,
            orders,
            records,
            not_ready=self.not_ready,
            gauges=self._gauges(),
            remarks=parts.troubles.remarks,
            unfit=lambda: parts.life.unfit,
            limits=parts.shared.limits,
        )
        await make_first_user(
            around.settings.api, self.services.auth.accounts.users, self.services.auth.registration
        )
        self._run(orders.run(), "own impact")
        self._run(relay.run(), "order events")
        self._others += begin(self._group, self.services, market)

    def _replica(self) -> ReplicaMarket:
        """The market as other nodes collect it."""
        parts, clock, settings = self._parts, self._parts.around.clock, self._parts.around.settings
        return ReplicaMarket(
            shapes_of(settings.exchanges),
            settings.collector.model_copy(update={"exchanges": settings.exchanges}),
            node=parts.life.node_id,
            messenger=parts.messenger,
            subjects=parts.subjects,
            registry=BookRegistry(),
            interest=BookInterest(clock),
            clock=clock,
            cached={name: listed.values() for name, listed in parts.markets.known.items()},
        )

    def _own(self, role: Role, names: Sequence[str], work: Work) -> LeaseKeeper:
        keeper = self._keepers[role] = LeaseKeeper(
            self._parts.shared.ownerships,
            self._parts.life,
            role=role.value,
            names=names,
            work=work,
            clock=self._parts.around.clock,
            rng=self._parts.markets.rng,
            lost_for=lambda: self._reach.lost_for,
        )
        self._owning.append(self._group.create_task(keeper.run(), name=f"leases of {role.value}"))
        return keeper

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._others.append(self._group.create_task(work, name=name))

    def _gauges(self) -> dict[str, Any]:
        gauges: dict[str, Any] = {
            f"twap_{role.value}_leases": lambda keeper=keeper: len(keeper.held)
            for role, keeper in self._keepers.items()
        }
        engines = self._engines
        if engines is not None:
            gauges["twap_open_orders"] = lambda: sum(one.open_orders for one in engines.engines.values())
        gauges["twap_nats_connected"] = lambda: int(self._parts.messenger.is_connected)
        return gauges
