"""One simulated run of several nodes: a collector and its replacement, two engines, two gateways.

Binance is split by seeds that are even: into two parts, and of each second of them by the replacement into
three, so that the division changes with each change of the collector.

What one server promises holds for all of them together, and more: see ``owners.py`` and ``replicas.py``.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from simulation.asgi import ServerGone
from simulation.clock import Shown
from simulation.ledger import Recorded
from simulation.nodes.front import Front
from simulation.nodes.node import SimNode, Surroundings
from simulation.nodes.owners import PARTITIONS, Owners, name_of
from simulation.nodes.replicas import Replicas
from simulation.nodes.script import FAULTS
from simulation.nodes.shared_disk import Leased, Owned, SharedDisk
from simulation.script import Fault
from simulation.users import Served
from simulation.violation import Violation
from simulation.world import World, cannot_start, causes
from support.cluster_messenger import MessengerNetwork
from twap_models.enums import SliceReason
from twap_server.api.services import Services
from twap_server.bootstrap import node_roles
from twap_server.cluster.config import Role
from twap_server.domain import ownership
from twap_server.domain.orders.order import SliceResult
from twap_server.settings import Settings
from twap_server.store import queries

_LOOK_EVERY_S = 0.25
_SLICES_LATE_S = 10.0
_RECOVERED_WITHIN_S = 120.0
_MOST_TASKS = 600
_AUDIT_EVERY_S = 600
_LOSS, _DELAY_S = 0.003, 0.004
"""Of the lines between nodes, in good times."""
_READER_CUT_S = 10.0
"""NATS cuts off who reads nothing for so long."""
_BALANCED_S = 10.0
"""After a fault of a node partitions move, and their engines begin anew."""


class NodesWorld(World):
    """See the module."""

    names = ("ada", "bob", "eve", "ida", "leo", "uma")
    pause_s = 40.0
    disk: SharedDisk
    nodes: tuple[SimNode, ...]

    def __init__(self, seed: int, *, hours: float, folder: Path, faults: Iterable[Fault] = FAULTS) -> None:
        self.owners, self.replicas = Owners(), Replicas()
        self.replicas.watch()
        for module in (ownership, node_roles, queries):
            vars(module)["PARTITIONS"] = PARTITIONS
        super().__init__(seed, hours=hours, folder=folder, faults=faults)
        self._deaf_until = self._database_well_from = 0.0

    # What it is made of

    def _make_disk(self, folder: Path, rng: Random) -> SharedDisk:
        return SharedDisk(folder, rng, loop=self.loop, clock=self.clock)

    def _make_server(self, settings: Settings, name: str) -> Served:
        self.lines = MessengerNetwork(self.seed, loss=_LOSS, delay_s=_DELAY_S)
        around = Surroundings(
            settings=settings,
            loop=self.loop,
            network=self.network,
            disk=self.disk,
            lines=self.lines,
            shown=Shown(self.loop),
            seed=name,
            on_look=self._node_looked,
        )
        self.collectors, self.engines, self.gateways = (
            [
                SimNode(f"{role}-{number}", role, self._split(around, number), self._node_ended)
                for number in (1, 2)
            ]
            for role in (Role.COLLECTOR, Role.ENGINE, Role.GATEWAY)
        )
        self.nodes = (*self.collectors, *self.engines, *self.gateways)
        return Front(self.gateways, clock=self.clock, shown=around.shown, seed=name)

    def _split(self, around: Surroundings, number: int) -> Surroundings:
        """What the first or second node of a role is told of parts."""
        parts = 1 if self.seed % 2 else 3 if self.seed % 4 == 0 and number == 2 else 2
        cluster = around.settings.cluster.model_copy(update={"split": {"binance": parts}})
        return replace(around, settings=around.settings.model_copy(update={"cluster": cluster}))

    async def _begin(self) -> None:
        await self.disk.prepare()
        for one in self.nodes:
            if one is not self.collectors[1]:
                await one.start()

    async def _end(self) -> None:
        for one in self.nodes:
            if one.life is not None:
                await one.stop()

    def _services(self) -> Services | None:
        running = self.gateways[0].running
        return None if running is None else running.roles.services

    # What faults do

    def deaf(self, seconds: float) -> None:
        """Nodes may not hear each other for so long."""
        self._deaf_until = max(self._deaf_until, self.loop.time() + seconds)

    def doubtful(self, node: SimNode, seconds: float) -> None:
        """A node may be kept from its work for so long."""
        node.well_from = max(node.well_from, self.loop.time() + seconds)
        if node.role is Role.COLLECTOR:
            self.deaf(seconds)
        self.unwell(seconds)

    async def pause(self, node: SimNode, seconds: float) -> None:
        """Let a node stand still; NATS cuts off who reads nothing for long."""
        self.done[f"{node.role} paused"] += 1
        self.doubtful(node, seconds + _BALANCED_S)
        node.pause()
        await asyncio.sleep(min(seconds, _READER_CUT_S))
        if seconds > _READER_CUT_S:
            node.cut()
            await asyncio.sleep(seconds - _READER_CUT_S)
        node.wake()
        await asyncio.sleep(self._rng.random())
        node.mend()

    def kill(self, node: SimNode) -> None:
        """End a node at once."""
        self.done[f"{node.role} killed"] += 1
        self.doubtful(node, _BALANCED_S)
        node.kill()

    async def stop(self, node: SimNode) -> None:
        """End a node in order."""
        self.done[f"{node.role} stopped"] += 1
        self.doubtful(node, _BALANCED_S)
        await node.stop()

    async def come_back(self, node: SimNode, downtime: float) -> None:
        """Start a node that is down."""
        await asyncio.sleep(downtime)
        while node.life is None:
            self.doubtful(node, _BALANCED_S)
            try:
                await node.start()
            except ServerGone:
                continue
            except Exception as error:
                if not cannot_start(error):
                    raise
                node.kill()
                await asyncio.sleep(1.0)

    def _bomb(self) -> None:
        for one in self.engines:
            if one.life is not None and one.life is self.disk.bombed:
                self.kill(one)

    # What is watched

    def _node_looked(self, node: SimNode, live: Any) -> None:
        self.witness.look(live, at=self.loop._now, mono=self.clock.monotonic(), wall=node.now(), by=node.name)

    def _recorded(self, pending: Any) -> None:
        if isinstance(pending, Leased):
            self.guard(lambda: self._lease(pending))
        elif isinstance(pending, Owned):
            self.guard(lambda: self._take_in(pending))

    def _lease(self, told: Leased) -> None:
        self.owners.leased(told, now=self.loop.time())
        if told.kind == "take":
            self._forget_impact({one.name for one in told.leases})

    def _forget_impact(self, names: set[str]) -> None:
        """Who takes a partition over learns what those of its users took who have open orders."""
        with_open = {record.terms.user_id for record in self.ledger.open.values()}
        self.witness.forget_impact(lambda user: name_of(user) in names and user not in with_open)

    def _take_in(self, told: Owned) -> None:
        self.owners.wrote(told)
        for write in told.writes:
            record = self.ledger.take_in(write)
            for result in write.slices:
                self._check_lost(record, result)
                fills = [fill for fill in write.fills if fill.slice_index == result.index]
                self.witness.check_slice(record, result, fills, by=told.node)

    def _worked_for(self, user_id: str) -> float:
        """Seconds for which nothing has kept the owner of a user's partition from its work."""
        return self.loop.time() - max(self.owners.taken_at(user_id), self._well_from)

    def _check_lost(self, record: Recorded, result: SliceResult) -> None:
        if result.reason not in (SliceReason.ENGINE_DOWN, SliceReason.STORAGE, SliceReason.OVERLOADED):
            return
        well = self._worked_for(record.terms.user_id)
        if well > 2 * record.plan.interval / 1e9 + _SLICES_LATE_S:
            name = record.terms.token_id
            raise Violation("I14", f"{name}: slice {result.index} is {result.reason}, well for {well:.0f} s")

    async def _monitor(self) -> None:
        watching = asyncio.create_task(self._watch_owners())
        try:
            await super()._monitor()
        finally:
            watching.cancel()

    async def _watch_owners(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            self.guard(self._check_owners)

    def _check_owners(self) -> None:
        now, disk = self.loop.time(), self.disk
        if disk.trouble or disk.is_away or disk.mean_delay > 0.01:
            self._database_well_from = now
        self.owners.check_working(self.engines, now=now, moment=self.clock.now())
        users = {record.terms.user_id for record in self.ledger.open.values()}
        self.owners.check_owned(self.engines, users, now=now, well_from=self._database_well_from)
        for one in self.nodes:
            if one.is_awake:
                self.replicas.check(one)

    def _check_second(self) -> None:
        self.ledger.overdue(self.clock.now(), up_ns=lambda user: int(self._worked_for(user) * 1e9))
        self._check_recovery()

    def _check_recovery(self) -> None:
        now, before, self._not_live = self.loop.time(), self._not_live, {}
        for node in self.nodes:
            if not node.is_awake or node.market is None:
                continue
            for book in node.market.registry:
                if str(book._shown()[0]) == "live":
                    continue
                key = (node.name, book.instrument)
                since = self._not_live[key] = before.get(key, now)
                faults = self._calm_from[book.instrument.exchange], self._deaf_until, node.well_from
                calm = now - max(since, node.woke_at, *faults)
                if calm > _RECOVERED_WITHIN_S:
                    raise Violation(
                        "I14", f"{node.name}: {book.instrument} is {book._shown()} for {now - since:.0f} s"
                    )

    def _check_bounds(self) -> None:
        for node in self.nodes:
            tasks = sum(1 for one in asyncio.all_tasks(self.loop) if _is_of(one, node))
            if tasks > _MOST_TASKS:
                raise Violation("I13", f"{node.name}: {tasks} tasks, at most {_MOST_TASKS} expected")
        if int(self.loop.time()) // 60 * 60 % _AUDIT_EVERY_S == 0:
            self._audit()

    def _node_ended(self, node: SimNode, error: BaseException) -> None:
        if cannot_start(error) and node.ready_since is None:
            return  # a node that cannot use the database at the start says so and ends
        self.fail(Violation("I14", f"{node.name} ended by itself: {causes(error)}"))

    def _counts(self) -> dict[str, int]:
        return {
            "starts": sum(one.starts for one in self.nodes),
            "taken": self.owners.done["leases taken"],
            "divided": self.owners.done["divisions changed"],
            "guarded": self.owners.done["guarded writes"],
            "compared": self.replicas.checked,
            "lost": self.lines.lost,
        }


def _is_of(task: Any, node: SimNode) -> bool:
    return node.life is not None and getattr(task, "life", None) is node.life and not task.done()
