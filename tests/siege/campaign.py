"""Each attack alone against one server, which is measured before, while and after.

The server runs all along, with its default settings: what one attack leaves behind the next one finds.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from crash.world import Server
from siege.accounts import Account, enrol, enrol_many
from siege.attack import Attack
from siege.attackers import Job
from siege.probe import Health, Holding, Process, metrics
from siege.series import percentile
from siege.tally import Tally
from siege.target import THIS_HOST, address, loopback
from siege.verdict import Row
from siege.victim import Victim
from siege.world import PLAIN, TRACED, attack, world

_SETTLE_S = 2.0
_CALM_WITHIN_S = 12.0
_CALM_S = 0.1
"""The server is calm again once ``/health`` takes less for a second."""
_WARM_UP_S = 4.0
_AFTER_S = 1.5
"""What the server holds at the start is the least of so many seconds: password checks come and go."""
_SPARE = 6
Say = Callable[[str], None]


class _Calm(Attack):
    """Nothing: what the measuring itself shows on this machine."""

    name, number, what, held = "calm", "–", "nothing", "the same bounds"

    async def run(self, ground: object) -> None:
        """Nothing."""


CALM = _Calm()


@dataclass(slots=True, kw_only=True)
class Field:
    """Everything that measures one server."""

    server: Server
    health: Health
    process: Process
    victim: Victim
    victim_name: str
    attackers: tuple[Account, ...]
    start_mib: float = 0.0


@asynccontextmanager
async def measured(server: Server, *, attackers: int) -> AsyncIterator[Field]:
    """Enrol victim and attackers, and measure the server until the block ends."""
    target = loopback(server.url)
    victim = await enrol(server.url, "victim", source=THIS_HOST)
    names = {f"attacker-{number}": address(240 + number) for number in range(attackers)}
    field = Field(
        server=server,
        health=Health(target),
        process=Process(server.pid),
        victim=Victim(server.url, victim),
        victim_name=victim.name,
        attackers=tuple(await enrol_many(server.url, names)),
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.run()) for one in (field.health, field.process, field.victim)]
        try:
            await asyncio.sleep(_WARM_UP_S)
            field.start_mib = _least(field.process.seen)
            yield field
        finally:
            for task in tasks:
                task.cancel()
    await field.victim.close()


async def campaign(
    folder: Path, attacks: Sequence[Attack], *, seconds: float, seed: int, say: Say, traced: bool = False
) -> list[Row]:
    """Run the attacks one after another; the first row is of the server left alone.

    Args:
        traced: tell in the server's log, after each, where its memory is.
    """
    rows = []
    module = TRACED if traced else PLAIN
    async with world(folder, seed=seed, module=module) as server, measured(server, attackers=_SPARE) as field:
        for one in (CALM, *attacks):
            if not server.is_alive:
                say(f"the server is gone:\n{server.last_words()}")
                break
            rows.append(await _measure(field, one, seconds=seconds, seed=seed))
            if traced:
                os.kill(server.pid, signal.SIGUSR2)
            say(f"{one.name}: {rows[-1].tally.words() or 'nothing'} in {rows[-1].seconds:.0f} s")
    return rows


async def _measure(field: Field, one: Attack, *, seconds: float, seed: int) -> Row:
    lasts = max(seconds, one.seconds)
    field.health.clear()
    field.victim.clear()
    field.process.seen.clear()
    before, tasks = field.process.look(), await _tasks(field)
    ordered = max(1, int(lasts))
    async with asyncio.TaskGroup() as group:
        attacked = group.create_task(_attack(field, one, seconds=seconds, seed=seed))
        group.create_task(field.victim.submit(ordered))
    ended = field.process.look()
    await _settle(field, ordered)
    return _row(field, one, attacked.result(), before=before, ended=ended, ordered=ordered,
                tasks=(tasks, await _tasks(field)))  # fmt: skip


async def _attack(field: Field, one: Attack, *, seconds: float, seed: int) -> Tally:
    if one is CALM:
        await asyncio.sleep(seconds)
        return Tally()
    job = Job(
        url=field.server.url,
        attack=one.name,
        seconds=seconds,
        keys=tuple(account.key for account in field.attackers),
        victim=field.victim_name,
        seed=seed,
    )
    return await attack(job, at_least=one.seconds)


async def _settle(field: Field, ordered: int) -> None:
    """Wait for the victim's last slice, and until the server is calm: the next attack is judged by itself."""
    await asyncio.sleep(_SETTLE_S)
    deadline = time.monotonic() + _CALM_WITHIN_S
    while time.monotonic() < deadline:
        recent = field.health.kept.seconds[-20:]
        if field.victim.slices.total() >= ordered and percentile(recent, 0.8) < _CALM_S:
            return
        await asyncio.sleep(0.2)


async def _tasks(field: Field) -> int:
    return int((await metrics(loopback(field.server.url))).get("twap_tasks", 0))


def _least(seen: Sequence[Holding]) -> float:
    last = seen[-1].at
    return min(one.rss for one in seen if one.at >= last - _AFTER_S)


def _row(
    field: Field, one: Attack, tally: Tally, *,
    before: Holding, ended: Holding, ordered: int, tasks: tuple[int, int],
) -> Row:  # fmt: skip
    took = ended.at - before.at
    health, victim, seen = field.health, field.victim, field.process.seen
    return Row(
        name=one.name,
        number=one.number,
        tally=tally,
        seconds=took,
        health_p50=percentile(health.kept.seconds, 0.5),
        health_p99=percentile(health.kept.seconds, 0.99),
        anew_p99=percentile(health.anew.seconds, 0.99),
        anew=health.anew.heard.copy(),
        kept=health.kept.heard.copy(),
        start_mib=field.start_mib,
        before_mib=before.rss,
        peak_mib=max(each.rss for each in seen),
        after_mib=min(each.rss for each in seen if each.at >= ended.at),
        handles=(before.handles, max(each.handles for each in seen), seen[-1].handles),
        tasks=tasks,
        cpu=(ended.cpu_s - before.cpu_s) / took,
        gap_p99=percentile(victim.gaps, 0.99),
        late_p99=percentile(victim.late, 0.99),
        slices=victim.slices.copy(),
        ordered=ordered,
        sign_in_max=max(victim.sign_ins, default=0.0),
        submission_max=max(victim.submissions, default=0.0),
        drops=list(victim.drops),
        refusals=victim.refusals.copy(),
        own_lag_p99=percentile(health.own_lag, 0.99),
        borrowed_mib=one.borrowed_mib,
        own_memory_mib=one.own_memory_mib,
        anew_may_be_refused=one.anew_may_be_refused,
    )
