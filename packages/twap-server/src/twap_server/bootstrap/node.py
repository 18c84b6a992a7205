"""Run one node of several: some of the stages, the others reached over NATS and PostgreSQL.

In: settings and roles. Out: a ``RunningNode``. What a role owns is decided by leases; what it needs of other
roles it gets through the ports that it has in one process, too.
"""

import asyncio
import platform
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from starlette.types import ASGIApp

from twap_models import __version__
from twap_server.api.app import create_app
from twap_server.api.http.connection_gate import ConnectionGate
from twap_server.api.node_app import create_node_app
from twap_server.bootstrap.api_side import Around, around_of
from twap_server.bootstrap.live_market import MarketBuilder
from twap_server.bootstrap.node_roles import NodeParts, NodeRoles, SharedStores
from twap_server.bootstrap.outside import Outside
from twap_server.bootstrap.recording import recorded
from twap_server.bootstrap.splits import check_splits
from twap_server.clock import SteadyClock
from twap_server.cluster.config import Role
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.over_nats import nats_messenger
from twap_server.cluster.sign_of_life import SignOfLife
from twap_server.cluster.subjects import Subjects
from twap_server.cluster.troubles import Troubles
from twap_server.domain.clock import Clock
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.ownership import TAKES_PARTS, Node
from twap_server.settings import Settings
from twap_server.store.database import Database
from twap_server.store.leases import SqlLeaseStore
from twap_server.store.orders import SqlOrderStore
from twap_server.store.shared_limits import SqlSharedLimits
from twap_server.store.takings import SqlTakings


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningNode:
    """A node at work, without its HTTP side."""

    roles: NodeRoles
    group: asyncio.TaskGroup
    """The root task group: when a child dies, everything stops and the error surfaces."""
    around: Around

    def app(self, gate: ConnectionGate) -> ASGIApp:
        """What answers requests: a gateway's all, others' how they are."""
        services = self.roles.services
        return create_node_app(self.roles.report) if services is None else create_app(services, gate)

    async def close(self) -> None:
        """Close the streams; what is owned is given back when the node ends."""
        if self.roles.services is not None:
            await self.roles.services.sessions.close_all()


class Way(NamedTuple):
    """How a node reaches the others, and what is wrong with that."""

    messenger: Messenger
    troubles: Troubles


@asynccontextmanager
async def running_node(
    settings: Settings, roles: Collection[Role], *, clock: Clock, address: str = ""
) -> AsyncIterator[RunningNode]:
    """Open PostgreSQL and NATS, and run the roles until the block ends.

    Args:
        settings: the same for all nodes.
        roles: what this one does.
        clock: the time.
        address: where it answers HTTP, for ``twap-server nodes``.

    Raises:
        InvalidRequest: the signing key is not given, nodes cannot share the database, or the settings split
            an exchange that cannot be.
        UnavailableError: PostgreSQL or NATS cannot be reached.
    """
    _check(settings, roles)
    over_nats, troubles = nats_messenger(), Troubles(clock)
    async with (
        Database.shared(settings.database_url) as database,
        over_nats.connected(
            settings.cluster.nats, name=f"twap {database.node_id}", troubles=troubles
        ) as messenger,
        node_over(
            settings,
            roles,
            clock=clock,
            outside=Outside(),
            database=database,
            way=Way(messenger, troubles),
            shared=_shared(database),
            address=address,
        ) as node,
    ):
        yield node


@asynccontextmanager
async def node_over(
    settings: Settings,
    roles: Collection[Role],
    *,
    clock: Clock,
    outside: Outside,
    database: Database,
    way: Way,
    shared: SharedStores,
    address: str = "",
) -> AsyncIterator[RunningNode]:
    """Run the roles over a database and a messenger that are open, until the block ends."""
    steady = SteadyClock(clock)
    async with recorded(settings, steady) as network, asyncio.TaskGroup() as group:
        around = around_of(settings, outside, clock=steady, database=database)
        markets = await MarketBuilder.remembering(
            settings, database=database, network=network, clock=steady, rng=outside.rng, group=group
        )
        node = Node(
            node_id=database.node_id,
            host=platform.node(),
            roles=(*(one.value for one in roles), *([TAKES_PARTS] if Role.COLLECTOR in roles else [])),
            version=__version__,
            started=steady.now(),
            address=address,
        )
        parts = NodeParts(
            around=around,
            messenger=way.messenger,
            troubles=way.troubles,
            subjects=Subjects(settings.cluster.prefix),
            markets=markets,
            shared=shared,
            life=SignOfLife(shared.ownerships, node, clock=steady),
        )
        begun = NodeRoles(parts, group)
        await begun.begin(roles)
        try:
            yield RunningNode(roles=begun, group=group, around=around)
        finally:
            await begun.end()


def _shared(database: Database) -> SharedStores:
    return SharedStores(
        ownerships=SqlLeaseStore(database),
        orders_of=lambda lease: SqlOrderStore(database, lease),
        takings=SqlTakings(database),
        records=SqlOrderStore(database),
        limits=SqlSharedLimits(database),
    )


def _check(settings: Settings, roles: Collection[Role]) -> None:
    if not roles:
        raise InvalidRequest("--role: name at least one: collector, engine, gateway", field="role")
    check_splits(settings)
    if Role.GATEWAY in roles and settings.signing_key is None:
        raise InvalidRequest(
            "a gateway needs TWAP_SIGNING_KEY, at least 32 characters, the same for all gateways: "
            "a sign-in at one is good at all of them",
            field="signing_key",
        )
