"""Everything at once, for long: a venue with faults, clients that come and go, orders, attackers.

Each second the server is looked at from outside. What counts is what still grows after the warm-up.
"""

import asyncio
import csv
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crash.world import Server
from siege.accounts import Account, enrol, enrol_many
from siege.attackers import Job
from siege.crowd import Crowd
from siege.growth import Growth, Sample, growths
from siege.lag import lag_p99
from siege.probe import Health, Process, metrics
from siege.series import percentile
from siege.target import THIS_HOST, address, loopback
from siege.victim import Victim
from siege.world import PLAIN, TRACED, busy, world
from twap_server.venue.faults import NAMES

WARM_UP = 7.0
"""Minutes. The memory of own impact reaches back 400 s; orders, caches and the crowd are there sooner."""
_OF_A_USER = 8
"""Streams that one user may have, by default; the crowd's users have so many."""
_ORDER_S = 60
_LAG_OVER = 10
"""Samples over which the lateness of the loop is taken."""
_SCALE, _ATTACK_S, _REST_S = 0.02, 3.0, 4.0
_ATTACKERS = 4
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What is asked for."""

    folder: Path
    minutes: float
    """After the warm-up."""
    warm_up: float = WARM_UP
    seed: int = 1
    clients: int = 500
    orders: int = 1_000
    attacks: bool = True
    faults: tuple[str, ...] = NAMES
    settings: Mapping[str, str] = field(default_factory=dict)
    """Variables of the server, for looking into something; its defaults otherwise."""
    traced: bool = False
    """Whether the server tells on SIGUSR2 where its memory is."""


@dataclass(slots=True, kw_only=True)
class Found:
    """What came out."""

    samples: list[Sample] = field(default_factory=list)
    growths: list[Growth] = field(default_factory=list)
    crowd: Counter[str] = field(default_factory=Counter)
    attacks: Counter[str] = field(default_factory=Counter)
    holes: list[str] = field(default_factory=list)
    drops: list[str] = field(default_factory=list)
    slices: Counter[str] = field(default_factory=Counter)
    """Of the victim's orders: the venue's faults cost some."""
    died: str = ""

    @property
    def flat(self) -> bool:
        """Whether the server lives and nothing grows."""
        return not self.died and not self.holes and all(one.flat for one in self.growths)


async def soak(wanted: Soak, say: Say) -> Found:
    """Run it; the samples are in ``soak.csv`` of the folder, too, as they come."""
    found = Found()
    async with world(
        wanted.folder,
        seed=wanted.seed,
        faults=wanted.faults,
        settings=wanted.settings,
        module=TRACED if wanted.traced else PLAIN,
    ) as server:
        victim = await enrol(server.url, "victim", source=THIS_HOST)
        names = {f"user-{n}": address(n) for n in range(-(-wanted.clients // _OF_A_USER))}
        users = await enrol_many(server.url, names)
        names = {f"attacker-{n}": address(240 + n) for n in range(_ATTACKERS)}
        foes = await enrol_many(server.url, names)
        say(f"{len(users)} users; {wanted.minutes:g} minutes after a warm-up of {wanted.warm_up:g}")
        try:
            await _all_at_once(wanted, server, found, victim=victim, users=users, foes=foes)
        except ServerGone as error:
            found.died = str(error)
    found.growths = growths(found.samples, warm_up=wanted.warm_up)
    return found


class ServerGone(Exception):
    """The server ended by itself."""


async def _all_at_once(
    wanted: Soak, server: Server, found: Found, *, victim: Account, users: list[Account], foes: list[Account]
) -> None:
    crowd = Crowd(
        url=server.url,
        keys=tuple(one.key for one in users),
        clients=wanted.clients,
        orders=wanted.orders,
        seed=wanted.seed,
    )
    job = Job(
        url=server.url,
        seconds=_ATTACK_S,
        first_after=0.0 if wanted.attacks else 86_400.0,
        rest=_REST_S,
        keys=tuple(one.key for one in foes),
        victim=victim.name,
        scale=_SCALE,
        seed=wanted.seed,
    )
    health, watched = Health(loopback(server.url)), Victim(server.url, victim)
    async with (
        busy("siege.crowd", crowd.to_json()) as told,
        busy("siege.attackers", job.to_json()) as attacked,
        asyncio.TaskGroup() as group,
    ):
        tasks = [
            group.create_task(work)
            for work in (
                health.run(),
                watched.run(),
                _order_on(watched, found),
                _listen(told, lambda line: found.crowd.update(_last(found.crowd, json.loads(line)))),
                _listen(attacked, lambda line: _note_attack(found, json.loads(line))),
            )
        ]
        await _sample(wanted, server, health, watched, found)
        for task in tasks:
            task.cancel()
    found.drops = list(watched.drops)
    await watched.close()


def _last(before: Counter[str], now: dict[str, int]) -> dict[str, int]:
    """What to add so that the counter says what was counted last."""
    return {name: count - before[name] for name, count in now.items()}


def _note_attack(found: Found, told: dict[str, object]) -> None:
    name, holes = str(told["attack"]), told["holes"]
    found.attacks[name] += 1
    assert isinstance(holes, list)
    found.holes += [words for hole in holes if (words := f"{name}: {hole}") not in found.holes]


async def _listen(lines: asyncio.StreamReader, note: Callable[[bytes], None]) -> None:
    while line := await lines.readline():
        note(line)


async def _order_on(watched: Victim, found: Found) -> None:
    """An order a minute, each for a minute."""
    while True:
        watched.slices.clear()
        await watched.submit(_ORDER_S)
        await asyncio.sleep(_ORDER_S + 2)
        found.slices.update(watched.slices)


async def _sample(wanted: Soak, server: Server, health: Health, watched: Victim, found: Found) -> None:
    process, target = Process(server.pid), loopback(server.url)
    began, readings = time.monotonic(), [await metrics(target)]
    with (wanted.folder / "soak.csv").open("w", newline="") as file:
        writer: csv.DictWriter[str] | None = None
        while (passed := time.monotonic() - began) < (wanted.warm_up + wanted.minutes) * 60:
            if not server.is_alive:
                raise ServerGone(server.last_words())
            readings = [*readings[-_LAG_OVER:], await metrics(target) or readings[-1]]
            sample = _row(wanted, passed / 60, process, readings, health=health, watched=watched)
            found.samples.append(sample)
            writer = writer or _header(csv.DictWriter(file, list(sample)))
            writer.writerow({name: f"{value:.4f}" for name, value in sample.items()})
            file.flush()
            await asyncio.sleep(max(0.0, 1 - (time.monotonic() - began - passed)))


def _header(writer: "csv.DictWriter[str]") -> "csv.DictWriter[str]":
    writer.writeheader()
    return writer


def _row(
    wanted: Soak, minutes: float, process: Process, readings: list[dict[str, float]], *,
    health: Health, watched: Victim,
) -> Sample:  # fmt: skip
    held, now = process.look(), readings[-1]
    sample = {
        "minutes": minutes,
        "rss_mib": held.rss,
        "tasks": now.get("twap_tasks", 0.0),
        "handles": float(held.handles),
        "threads": float(held.threads),
        "lag_p99_ms": lag_p99(readings[0], now) * 1e3,
        "late_ms": percentile(watched.late[-20:], 0.5) * 1e3,
        "health_ms": percentile(health.kept.seconds[-20:], 0.5) * 1e3,
        "health_p99_ms": percentile(health.kept.seconds[-1200:], 0.99) * 1e3,
        "database_mib": _size(wanted.folder),
        "open_orders": now.get("twap_open_orders", 0.0),
        "streams": now.get("twap_stream_connections", 0.0),
        "cpu_s": held.cpu_s,
    }
    del health.kept.seconds[:-2_400], watched.late[:-600], watched.gaps[:-600], health.own_lag[:-600]
    return sample


def _size(folder: Path) -> float:
    return sum(one.stat().st_size for one in folder.glob("twap.sqlite3*")) / 1_048_576
