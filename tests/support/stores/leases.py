"""Leases and nodes in memory, by the time of the event loop; and nodes that can be cut off and paused."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from support.clocks import LoopClock
from twap_server.domain.clock import Nanos, Signal
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.ownership import (
    Lease,
    Node,
    Ownership,
    is_of_a_part,
    is_of_an_exchange,
    part_of_lease,
    whole_of,
)


@dataclass(slots=True)
class Row:
    epoch: int = 0
    node: str = ""
    until: int = 0


def may_take(rows: Mapping[str, Row], name: str, now: int) -> bool:
    """Whether a lease is free, and no other division of its exchange is held: as in ``part_leases.py``."""
    is_barred = is_of_an_exchange(name) and any(
        part_of_lease(other).of != part_of_lease(name).of
        for other, row in rows.items()
        if is_of_an_exchange(other) and whole_of(other) == whole_of(name) and row.node and row.until > now
    )
    return not is_barred and (name not in rows or rows[name].until <= now)


def next_epoch(rows: Mapping[str, Row], name: str) -> int:
    """The epoch of the next taking: of an exchange above that of every lease of it."""
    if not is_of_an_exchange(name):
        return rows[name].epoch + 1
    alike = (one for one in rows if is_of_an_exchange(one) and whole_of(one) == whole_of(name))
    return 1 + max(rows[one].epoch for one in alike)


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
            if len(taken) < most and may_take(self.rows, name, now):
                row.epoch, row.node, row.until = next_epoch(self.rows, name), node, now + ttl
                taken.append(Lease(name, row.epoch))
        return taken

    async def renew(self, held: Collection[Lease], ttl: int, *, anew: bool = False) -> list[Lease]:
        now, rows = self._clock.now(), self.rows
        mine = [one for one in held if rows[one.name].epoch == one.epoch and rows[one.name].node]
        mine = [one for one in mine if self.rows[one.name].until > now or not is_of_a_part(one.name)]
        for lease in mine:
            self.rows[lease.name].until = now + ttl
        return mine

    async def release(self, held: Collection[Lease]) -> None:
        for lease in held:
            row = self.rows[lease.name]
            if row.epoch == lease.epoch:
                row.node, row.until = "", 0

    async def leases(self) -> list[Ownership]:
        now = self._clock.now()
        return [
            Ownership(lease=Lease(name, row.epoch), node_id=row.node, left=row.until - now)
            for name, row in sorted(self.rows.items())
        ]

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
        self.is_mute = False
        """What is asked over a connection that was there before gets no answer."""
        self.late = 0.0
        """Seconds that question and answer take, each."""
        self.taking_s = 0.0
        """Seconds more that it takes to take leases."""
        self.renewing_s = 0.0
        """Seconds more that it takes to renew them."""

    async def take(self, names: Collection[str], node: str, ttl: int, *, most: int) -> list[Lease]:
        await self._travel()
        taken = await self._shared.take(names, node, ttl, most=most)
        await self._clock.sleep(self.taking_s)
        await self._travel()
        return taken

    async def renew(self, held: Collection[Lease], ttl: int, *, anew: bool = False) -> list[Lease]:
        await self._travel(is_mute=self.is_mute and not anew)
        await self._clock.sleep(self.renewing_s)
        renewed = await self._shared.renew(held, ttl)
        await self._travel()
        return renewed

    async def release(self, held: Collection[Lease]) -> None:
        await self._travel()
        await self._shared.release(held)
        await self._travel()

    async def leases(self) -> list[Ownership]:
        await self._travel()
        leases = await self._shared.leases()
        await self._travel()
        return leases

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

    async def _travel(self, *, is_mute: bool = False) -> None:
        await self._clock.sleep(self.late)
        if self.is_cut or is_mute:
            await self._clock.sleep(2)
            raise StoreUnavailable("the database cannot be used: it did not answer in time; try again")
