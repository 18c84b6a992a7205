"""What goes wrong, and when: seeded, each kind at its own rate, from the catalogue of faults."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from simulation.venues.binance import BinanceVenue
from simulation.venues.kraken import KrakenVenue
from simulation.venues.venue import Venue

if TYPE_CHECKING:
    from simulation.world import World

Act = Callable[["World", Random], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault; ``cases`` are its numbers in the catalogue."""

    name: str
    cases: str
    per_hour: float
    act: Act


def _due(name: str, *, only: str = "", then: str = "") -> Act:
    """A spoilt message, followed by another that makes it matter."""

    async def act(world: "World", rng: Random) -> None:
        venue = _venue(world, rng, only)
        venue.due.append(name)
        if then:
            venue.due.append(then)
        world.trouble(venue, 1.0)

    return act


def _venue(world: "World", rng: Random, only: str = "") -> Venue:
    return rng.choice([venue for venue in world.venues if not only or venue.name == only])


async def _garbage(world: "World", rng: Random) -> None:
    venue = _venue(world, rng)
    for session in list(venue.sessions):
        for _ in range(rng.randint(1, 5)):
            session.rubbish()
        venue.done["garbage"] += 1
    world.trouble(venue, 1.0)


async def _silence(world: "World", rng: Random) -> None:
    venue = _venue(world, rng)
    length = rng.choice((3.0, 10.0, 40.0))
    for session in venue.sessions:
        session.silent_until = world.loop.time() + length
        venue.done["silence"] += 1
    world.trouble(venue, length + 25)


async def _disconnect(world: "World", rng: Random) -> None:
    venue = _venue(world, rng)
    if rng.random() < 0.3:
        venue.due.append("no ack")
    venue.done["disconnect"] += len(venue.ws.links)
    venue.ws.cut_all()
    world.trouble(venue, 2.0)


async def _storm(world: "World", rng: Random) -> None:
    venue = _venue(world, rng)
    for _ in range(20):
        venue.done["disconnect"] += len(venue.ws.links)
        venue.ws.cut_all()
        world.trouble(venue, 30.0)
        await asyncio.sleep(rng.uniform(0.5, 5.0))


async def _refuse(world: "World", rng: Random) -> None:
    venue = _venue(world, rng)
    length = rng.uniform(5, 60)
    venue.refuse_status = rng.choice((429, 418, 403, 503))
    venue.refuse_until = world.loop.time() + length
    venue.ws.cut_all()
    world.trouble(venue, length + 35)


async def _unreachable(world: "World", rng: Random) -> None:
    venue, kind = _venue(world, rng), rng.choice(("refuses", "black_hole"))
    setattr(venue.ws, kind, True)
    venue.ws.cut_all()
    length = rng.uniform(5, 45)
    world.trouble(venue, length + 45)
    await asyncio.sleep(length)
    venue.done[kind.replace("_", " ")] += 1
    setattr(venue.ws, kind, False)


async def _rest(world: "World", rng: Random) -> None:
    venue = _venue(world, rng, "binance")
    venue.rest_trouble = rng.choice(("429", "418", "503", "500", "timeout", "nonsense"))
    length = rng.uniform(5, 60)
    venue.rest_trouble_until = world.loop.time() + length
    venue.due.append("gap")
    world.trouble(venue, length + 60)


async def _slow(world: "World", rng: Random) -> None:
    venue = _venue(world, rng)
    venue.ws.latency = rng.choice((0.5, 1.5))
    length = rng.uniform(10, 60)
    venue.done["slow"] += 1
    world.trouble(venue, length)
    await asyncio.sleep(length)
    venue.ws.latency = 0.02


async def _planned_close(world: "World", rng: Random) -> None:
    venue = _venue(world, rng)
    for session in list(venue.sessions):
        session.goodbye()
        venue.done["planned close"] += 1
    world.trouble(venue, 30.0)


async def _restart_ids(world: "World", rng: Random) -> None:
    venue = _venue(world, rng, "binance")
    assert isinstance(venue, BinanceVenue)
    venue.restart_ids(rng.choice(list(venue.truths)))
    venue.done["ids restart"] += 1
    world.trouble(venue, 30.0)


async def _delist(world: "World", rng: Random) -> None:
    venue = _venue(world, rng)
    truth = rng.choice(list(venue.truths.values()))
    truth.listed = False
    venue.done["delisted"] += 1
    length = rng.uniform(60, 600)
    world.trouble(venue, length + 400)  # the list of instruments is fetched every 300 s
    await asyncio.sleep(length)
    truth.listed = True
    venue.ws.cut_all()


async def _one_sided(world: "World", rng: Random) -> None:
    venue = _venue(world, rng)
    truth = rng.choice(list(venue.truths.values()))
    change = truth.withdraw(rng.choice(("bids", "asks")), world.loop.time())
    venue.publish(truth, change)
    venue.done["one side empty"] += 1
    await asyncio.sleep(rng.uniform(2, 40))
    truth.one_sided = ""


async def _quiet(world: "World", rng: Random) -> None:
    venue = _venue(world, rng)
    before, venue._mean_s = venue._mean_s, 90.0
    venue.done["quiet market"] += 1
    await asyncio.sleep(rng.uniform(120, 400))
    venue._mean_s = before


async def _jump(world: "World", rng: Random) -> None:
    seconds = rng.choice((3600, -3600, 1, -1, 300, -300, 20, -20))
    world.clock.step(seconds * 10**9)
    world.done["clock jump"] += 1
    world.unwell(0.0)


def _disk(trouble: str) -> Act:
    async def act(world: "World", rng: Random) -> None:
        if world.disk.trouble:
            return
        length = rng.uniform(1, 25)
        world.disk.trouble = trouble
        world.unwell(length + 6.0)
        await asyncio.sleep(length)
        world.disk.trouble = ""

    return act


async def _unknown_commit(world: "World", rng: Random) -> None:
    world.disk.unknown_commits += rng.randint(1, 2)


async def _slow_disk(world: "World", rng: Random) -> None:
    world.disk.mean_delay = rng.choice((0.05, 0.3))
    world.done["slow disk"] += 1
    length = rng.uniform(5, 40)
    world.unwell(length + 6.0)
    await asyncio.sleep(length)
    world.disk.mean_delay = 0.002


async def _crash(world: "World", rng: Random) -> None:
    if rng.random() < 0.6:
        world.disk.bomb = rng.randint(1, 30)  # in the middle of the work with the database
        return
    await world.crash(downtime=rng.choice((0.2, 2.0, 20.0)))


async def _long_crash(world: "World", rng: Random) -> None:
    await world.crash(downtime=rng.uniform(60, 300))


async def _restart(world: "World", rng: Random) -> None:
    await world.restart(downtime=rng.uniform(0.1, 10))


FAULTS: tuple[Fault, ...] = (
    Fault(name="gap", cases="F01", per_hour=5, act=_due("gap")),
    Fault(name="repeat", cases="F01", per_hour=3, act=_due("repeat")),
    Fault(name="reorder", cases="F01", per_hour=3, act=_due("reorder")),
    Fault(
        name="old snapshot", cases="F02 F03", per_hour=3, act=_due("old snapshot", only="binance", then="gap")
    ),
    Fault(name="no checksum", cases="F06", per_hour=3, act=_due("no checksum", only="kraken")),
    Fault(name="bad checksum", cases="F06 F07", per_hour=3, act=_due("badsum", only="kraken")),
    Fault(name="crossed", cases="F08", per_hour=4, act=_due("crossed")),
    Fault(name="silence", cases="F09", per_hour=2, act=_silence),
    Fault(name="quiet market", cases="F10", per_hour=0.7, act=_quiet),
    Fault(name="unreachable", cases="F11", per_hour=1, act=_unreachable),
    Fault(name="disconnect", cases="F12 F13", per_hour=4, act=_disconnect),
    Fault(name="storm", cases="F14", per_hour=0.3, act=_storm),
    Fault(name="refused", cases="F14", per_hour=1, act=_refuse),
    Fault(name="rest", cases="F14", per_hour=2, act=_rest),
    Fault(name="planned close", cases="F15", per_hour=1.5, act=_planned_close),
    Fault(name="ids restart", cases="F16", per_hour=0.7, act=_restart_ids),
    Fault(name="delisted", cases="F07 F16", per_hour=0.4, act=_delist),
    Fault(name="one side empty", cases="F04 F16", per_hour=2, act=_one_sided),
    Fault(name="zero price", cases="F16", per_hour=2, act=_due("zero price", then="gap")),
    Fault(name="unknown delete", cases="F16", per_hour=2, act=_due("unknown delete", only="binance")),
    Fault(name="garbage", cases="F17", per_hour=4, act=_garbage),
    Fault(name="slow network", cases="F21", per_hour=2, act=_slow),
    Fault(name="crash", cases="F22 F30", per_hour=2, act=_crash),
    Fault(name="long crash", cases="F23", per_hour=0.4, act=_long_crash),
    Fault(name="restart", cases="F24", per_hour=0.7, act=_restart),
    Fault(name="clock jump", cases="F25", per_hour=0.6, act=_jump),
    Fault(name="disk full", cases="F31", per_hour=0.8, act=_disk("full")),
    Fault(name="disk error", cases="F31", per_hour=0.8, act=_disk("ioerr")),
    Fault(name="locked", cases="F32", per_hour=0.8, act=_disk("locked")),
    Fault(name="slow disk", cases="F27 F32", per_hour=1, act=_slow_disk),
    Fault(name="unknown commit", cases="F33", per_hour=2, act=_unknown_commit),
)


async def play(world: "World", fault: Fault, rng: Random, *, until: float) -> None:
    """Let one kind of fault happen at its rate until the end."""
    while True:
        await asyncio.sleep(rng.expovariate(fault.per_hour / 3600))
        if world.loop.time() >= until:
            return
        world.struck[fault.name] += 1
        await fault.act(world, rng)


__all__ = ["FAULTS", "Fault", "KrakenVenue", "play"]
