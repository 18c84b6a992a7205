"""The loop that hurts a server of several nodes: two of each role, NATS, PostgreSQL.

In: options. Out: figures. Nodes are killed or stopped for a while, and wake up after others took their place;
NATS is killed or cannot be reached by one node; PostgreSQL is killed or restarted. Clients reach the gateways
through one address, as behind a load balancer, and every order, slice, fill and event is checked as after the
kill of a single server.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from crash.facts import Facts, from_postgresql
from crash.figures import Figures
from crash.journal import Journal
from crash.load import Load
from crash.loop import Loop, Options, Say
from crash.world import Life, Server, exchange
from support.forwarder import Forwarder
from support.nats import NatsServer
from support.postgres import PostgresServer

BACK_WITHIN_S = 12
"""A lease runs out after 3 s, the next owner comes within 5; processes start beside loaded ones."""
_SIGNING_KEY = "a signing key for crash tests alone"
_SPLIT = '{"binance": 2}'
"""Each collector has a part of it, as long as both live."""
_ROLES = ("collector", "engine", "gateway")
_EACH = 2
_PAUSES_S = (1.0, 8.0)
"""Shorter and longer than a lease."""


@dataclass(slots=True, kw_only=True)
class Nodes:
    """All processes; to a loop they are one server, which lives as long as the loop."""

    by_role: Mapping[str, list[Server]]
    front: Forwarder
    cables: Mapping[str, Forwarder]
    """From the first node of each role to NATS."""
    nats: NatsServer
    postgres: PostgresServer
    database: str
    lives: list[Life]

    @property
    def url(self) -> str:
        """Where clients reach the gateways."""
        return self.front.url

    @property
    def is_alive(self) -> bool:
        """Somebody always does."""
        return True

    @property
    def all(self) -> list[Server]:
        """Every node."""
        return [one for nodes in self.by_role.values() for one in nodes]

    async def start(self) -> None:
        """Start those that do not run."""
        for one in self.all:
            if not one.is_alive:
                await one.start()
        if not self.lives:
            self.lives.append(Life(spawned=time.time_ns()))

    async def until_ready(self) -> None:
        """Wait for all of them."""
        for one in self.all:
            await one.until_ready()
        if self.lives[-1].ready is None:
            self.lives[-1].ready = time.time_ns()

    async def kill(self) -> None:
        """Kill all of them."""
        for one in self.all:
            await one.kill()

    async def close(self) -> None:
        """Kill what runs."""
        for one in self.all:
            await one.close()


class NodesLoop(Loop):
    """Hurts one of them at a time."""

    def __init__(self, nodes: Nodes, load: Load, options: Options, *, say: Say, cut_s: float) -> None:
        """Args: cut_s: how long a cable stays cut."""
        figures = Figures(database="PostgreSQL, two nodes of each role")
        super().__init__(nodes, load, options, figures=figures, say=say)  # type: ignore[arg-type]
        self._nodes, self._cut_s = nodes, cut_s

    async def _once(self) -> str:
        await asyncio.sleep(self._rng.uniform(0.3, 2.5))
        began = time.time_ns()
        name = await self._hurt()
        self.figures.kills[name] += 1
        took = await self._until_back(began, within_s=BACK_WITHIN_S)
        await self._nodes.until_ready()
        self._outages[-1] = (began, time.time_ns())
        await self._look()
        await self._ask()
        return f"{name}: an order accepted after {took:.2f} s"

    async def _hurt(self) -> str:
        role, which = self._rng.choice(_ROLES), self._rng.randrange(_EACH)
        node = self._nodes.by_role[role][which]
        roll = self._rng.random()
        if roll < 0.4:
            await node.kill()
            await asyncio.sleep(self._rng.choice((0, self._rng.uniform(0.1, 5))))
            await node.start()
            return f"{role} killed"
        if roll < 0.7:
            node.pause()
            await asyncio.sleep(self._rng.uniform(*_PAUSES_S))
            node.go_on()
            return f"{role} stopped for a while"
        if roll < 0.8:
            await asyncio.to_thread(self._nodes.nats.kill)
            await asyncio.sleep(self._rng.uniform(0, 3))
            await asyncio.to_thread(self._nodes.nats.start)
            return "NATS killed"
        if roll < 0.9:
            self._nodes.cables[role].cut()
            await asyncio.sleep(self._cut_s)
            self._nodes.cables[role].mend()
            return f"{role} cut off from NATS"
        await asyncio.to_thread(self._nodes.postgres.restart, kill=self._rng.random() < 0.5)
        return "PostgreSQL restarted"

    async def _facts(self, *, since: int | None) -> Facts:
        return await from_postgresql(self._nodes.database, since=since)


@asynccontextmanager
async def nodes_world(options: Options, postgres: PostgresServer) -> AsyncIterator[tuple[Nodes, Load]]:
    """Two ready nodes of each role on a simulated market, and users who signed up; all gone at the end."""
    async with AsyncExitStack() as held:
        urls = await held.enter_async_context(exchange(seed=options.seed))
        nats = held.enter_context(NatsServer())
        cables = {role: await held.enter_async_context(Forwarder([nats.port])) for role in _ROLES}
        database = held.enter_context(postgres.database())
        by_role = {
            role: [
                Server(
                    folder=options.folder,
                    database=database,
                    exchanges=urls,
                    settings={"TWAP_SIGNING_KEY": _SIGNING_KEY, "TWAP_CLUSTER__SPLIT": _SPLIT},
                    command=f"node --role {role} --nats {_nats_url(nats, cables[role], number)}",
                )
                for number in range(_EACH)
            ]
            for role in _ROLES
        }
        ports = [one.port for one in by_role["gateway"]]
        front = await held.enter_async_context(Forwarder(ports, checked=True))
        nodes = Nodes(
            by_role=by_role,
            front=front,
            cables=cables,
            nats=nats,
            postgres=postgres,
            database=database,
            lives=[],
        )
        held.push_async_callback(nodes.close)
        await nodes.start()
        await nodes.until_ready()
        load = Load(
            nodes.url,
            journal=Journal(),
            users=options.users,
            orders=options.orders,
            seed=options.seed,
            pace=options.pace,
        )
        held.push_async_callback(load.close)
        await load.sign_up()
        yield nodes, load


async def nodes_test(options: Options, *, postgres: PostgresServer, say: Say, cut_s: float = 30) -> Figures:
    """Hurt the nodes; PostgreSQL must be running."""
    async with nodes_world(options, postgres) as (nodes, load):
        return await NodesLoop(nodes, load, options, say=say, cut_s=cut_s).run()


def _nats_url(nats: NatsServer, cable: Forwarder, number: int) -> str:
    """The first node of a role reaches NATS over a cable that can be cut."""
    return nats.url if number else f"nats://127.0.0.1:{cable.port}"
