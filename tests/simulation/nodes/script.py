"""What goes wrong between nodes, and when; the faults of exchanges and disks are those of one server."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from simulation.script import FAULTS as OF_ONE_SERVER
from simulation.script import Fault
from twap_server.cluster.config import Role

if TYPE_CHECKING:
    from simulation.nodes.node import SimNode
    from simulation.nodes.world import NodesWorld

Act = Callable[["NodesWorld", "SimNode", Random], Awaitable[None]]


def _of(role: Role, act: Act) -> Any:
    """Something that befalls one node of a role that is up and left alone by other faults."""

    async def befall(world: "NodesWorld", rng: Random) -> None:
        nodes = [one for one in world.nodes if one.role is role and one.is_awake and not one.busy.locked()]
        if not nodes:
            return
        node = rng.choice(nodes)
        async with node.busy:
            await act(world, node, rng)

    return befall


async def _pause(world: "NodesWorld", node: "SimNode", rng: Random) -> None:
    await world.pause(node, rng.choice((0.5, 2.0, 4.0, 8.0, 20.0, 45.0)) * (0.5 + rng.random()))


async def _pause_gateway(world: "NodesWorld", node: "SimNode", rng: Random) -> None:
    """For less than a user waits for an answer."""
    await world.pause(node, rng.choice((0.5, 3.0, 15.0)) * (0.5 + rng.random()))


async def _kill(world: "NodesWorld", node: "SimNode", rng: Random) -> None:
    world.kill(node)
    await world.come_back(node, rng.choice((0.2, 2.0, 20.0)))


async def _bomb(world: "NodesWorld", node: "SimNode", rng: Random) -> None:
    world.disk.bombed, world.disk.bomb = node.life, rng.randint(1, 12)
    await asyncio.sleep(30)
    world.disk.bombed = None
    if node.life is None:
        await world.come_back(node, 0.0)


async def _restart(world: "NodesWorld", node: "SimNode", rng: Random) -> None:
    await world.stop(node)
    await world.come_back(node, rng.uniform(0.1, 10))


async def _cut(world: "NodesWorld", node: "SimNode", rng: Random) -> None:
    length = rng.choice((1.0, 6.0, 30.0)) * (0.5 + rng.random())
    world.done[f"{node.role} cut off"] += 1
    world.deaf(length)
    node.cut()
    await asyncio.sleep(length)
    node.mend()


async def _jump(world: "NodesWorld", node: "SimNode", rng: Random) -> None:
    """Its clock is wrong; after a while somebody sets it right, and starts the node anew."""
    seconds = rng.choice((3600, 3600, -3600, 300, -300, 20, 3, 0.9, -0.9))
    wrong = rng.uniform(5, 60)
    world.done[f"{node.role} clock jump"] += 1
    world.doubtful(node, wrong + 15.0)
    node.clock.step(round(seconds * 10**9))
    await asyncio.sleep(wrong)
    await world.stop(node)
    node.clock.step(-round(seconds * 10**9))
    await world.come_back(node, rng.uniform(0.1, 5))


async def _replace_collector(world: "NodesWorld", rng: Random) -> None:
    """Another takes over; the old one is killed, or stands still and wakes to find itself replaced."""
    up = [one for one in world.collectors if one.is_awake and not one.busy.locked()]
    down = [one for one in world.collectors if one.life is None and not one.busy.locked()]
    if not up or not down:
        return
    old, new = up[0], down[0]
    async with old.busy, new.busy:
        world.deaf(30.0)
        world.done["collector replaced"] += 1
        if rng.random() < 0.5:
            world.kill(old)
            await world.come_back(new, 0.0)
        else:
            pausing = asyncio.create_task(world.pause(old, rng.uniform(5, 30)))
            await world.come_back(new, 0.0)
            await pausing
            await asyncio.sleep(rng.uniform(0, 20))
            if old.life is not None:
                await world.stop(old)


async def _lossy(world: "NodesWorld", rng: Random) -> None:
    length, before = rng.uniform(5, 40), world.lines.loss
    world.lines.loss = rng.choice((0.05, 0.2, 0.5))
    world.done["lossy lines"] += 1
    world.deaf(length)
    await asyncio.sleep(length)
    world.lines.loss = before


async def _slow_lines(world: "NodesWorld", rng: Random) -> None:
    length, before = rng.uniform(5, 40), world.lines.delay_s
    world.lines.delay_s = rng.choice((0.1, 0.8, 3.0))
    world.done["slow lines"] += 1
    world.deaf(length)
    await asyncio.sleep(length)
    world.lines.delay_s = before


async def _all_cut(world: "NodesWorld", rng: Random) -> None:
    """NATS is started anew."""
    length = rng.choice((0.5, 5.0, 20.0))
    world.done["everybody cut off"] += 1
    world.deaf(length)
    nodes = [one for one in world.nodes if one.messenger is not None]
    for one in nodes:
        one.cut()
    await asyncio.sleep(length)
    for one in nodes:
        one.mend()


async def _database_away(world: "NodesWorld", rng: Random) -> None:
    if world.disk.is_away:
        return
    length = rng.choice((1.0, 5.0, 20.0)) * (0.5 + rng.random())
    world.done["database away"] += 1
    world.disk.is_away = True
    world.unwell(length + 15.0)
    await asyncio.sleep(length)
    world.disk.is_away = False


_OF_ONE_PROCESS = ("crash", "long crash", "restart", "clock jump")
_OWN: tuple[tuple[str, str, float, Any], ...] = (
    ("engine paused", "F64", 5, _of(Role.ENGINE, _pause)),
    ("engine killed", "F64", 3, _of(Role.ENGINE, _kill)),
    ("engine dies at the database", "F22 F64", 4, _of(Role.ENGINE, _bomb)),
    ("engine restarted", "F24", 1.5, _of(Role.ENGINE, _restart)),
    ("engine cut off", "F65", 3, _of(Role.ENGINE, _cut)),
    ("engine's clock jumps", "F25 F64", 1.5, _of(Role.ENGINE, _jump)),
    ("collector paused", "F65", 1.5, _of(Role.COLLECTOR, _pause)),
    ("collector replaced", "F66", 3, _replace_collector),
    ("collector cut off", "F65", 2, _of(Role.COLLECTOR, _cut)),
    ("collector's clock jumps", "F25", 1, _of(Role.COLLECTOR, _jump)),
    ("gateway killed", "F37", 1.5, _of(Role.GATEWAY, _kill)),
    ("gateway cut off", "F65", 2, _of(Role.GATEWAY, _cut)),
    ("gateway paused", "F65", 1, _of(Role.GATEWAY, _pause_gateway)),
    ("lossy lines", "F66", 4, _lossy),
    ("slow lines", "F66", 2, _slow_lines),
    ("everybody cut off", "F65", 1, _all_cut),
    ("database away", "F33", 2, _database_away),
)
_BETWEEN_NODES = tuple(
    Fault(name=name, cases=cases, per_hour=rate, act=act) for name, cases, rate, act in _OWN
)
FAULTS: tuple[Fault, ...] = (
    *(one for one in OF_ONE_SERVER if one.name not in _OF_ONE_PROCESS),
    *_BETWEEN_NODES,
)
OFTEN: tuple[Fault, ...] = tuple(replace(one, per_hour=5 * one.per_hour) for one in _BETWEEN_NODES)
"""Nothing but what goes wrong between nodes, and much of it: for a product that is broken on purpose."""
