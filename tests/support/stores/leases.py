"""Leases and nodes in memory, by the time of the event loop; and nodes that can be cut off and paused."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from msgspec.structs import replace

from support.clocks import LoopClock
from twap_server.domain.clock import Nanos, Signal
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.ownership import Lease, Node


@dataclass(slots=True)
class Row:
    epoch: int = 0
    node: str = ""
    until: int = 0


class MemoryLeases:
    """What all nodes share; implements ``LeaseStore`` and ``NodeStore``."""

    def __init__(self) -> None:
        self._clock = LoopClock()
        self.rows: dict[str, Row] = {}
        self.nodes: dict[str, tuple[Node, int]] = {}

    async def take(self, names: Collection[str], node: str, ttl: int, *, most: int) -> list[Lease]:
        now, taken = self._clock.now(), list[Lease]()
        for name in sorted(names):
            row = self.rows.setdefault(name, Row())
            if row.until <= now and len(taken) < most:
                row.epoch, row.node, row.until = row.epoch + 1, node, now + ttl
                taken.append(Lease(name, row.epoch))
        return taken

    async def renew(self, held: Collection[Lease], ttl: int) -> list[Lease]:
        mine = [lease for lease in held if self.rows[lease.name].epoch == lease.epoch]
        for lease in mine:
            self.rows[lease.name].until = self._clock.now() + ttl
        return mine

    async def release(self, held: Collection[Lease]) -> None:
        for lease in held:
            row = self.rows[lease.name]
            if row.epoch == lease.epoch:
                row.node, row.until = "", 0

    async def seen(self, node: Node) -> Nanos:
        now = self._clock.now()
        self.nodes[node.node_id] = node, now
        return now

    async def gone(self, node_id: str) -> None:
        self.nodes.pop(node_id, None)

    async def living(self, within: int) -> list[Node]:
        now = self._clock.now()
        ages = [(node, now - seen) for node, seen in self.nodes.values()]
        return [replace(node, silence=age) for node, age in ages if age <= within]


class PausableClock(LoopClock):
    """Of a node: while it is paused nobody wakes, and then all do at once, with time that has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.running = asyncio.Event()
        self.running.set()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await self.running.wait()

    async def wait(self, event: Signal, seconds: float) -> None:
        await super().wait(event, seconds)
        await self.running.wait()


class RemoteLeases:
    """How one node reaches what is shared: late, not at all, and never while it is paused."""

    def __init__(self, shared: MemoryLeases, clock: PausableClock) -> None:
        self._shared, self._clock = shared, clock
        self.is_cut = False
        self.late = 0.0
        """Seconds that question and answer take, each."""

    async def take(self, names: Collection[str], node: str, ttl: int, *, most: int) -> list[Lease]:
        await self._travel()
        taken = await self._shared.take(names, node, ttl, most=most)
        await self._travel()
        return taken

    async def renew(self, held: Collection[Lease], ttl: int) -> list[Lease]:
        await self._travel()
        renewed = await self._shared.renew(held, ttl)
        await self._travel()
        return renewed

    async def release(self, held: Collection[Lease]) -> None:
        await self._travel()
        await self._shared.release(held)
        await self._travel()

    async def seen(self, node: Node) -> Nanos:
        await self._travel()
        moment = await self._shared.seen(node)
        await self._travel()
        return moment

    async def gone(self, node_id: str) -> None:
        await self._travel()
        await self._shared.gone(node_id)

    async def living(self, within: int) -> list[Node]:
        await self._travel()
        living = await self._shared.living(within)
        await self._travel()
        return living

    async def _travel(self) -> None:
        await self._clock.sleep(self.late)
        if self.is_cut:
            await self._clock.sleep(2)
            raise StoreUnavailable("the database cannot be used: it did not answer in time; try again")
