"""The attackers' process: ``python -m siege.attackers`` reads a job from standard input and writes its tally.

A process of its own, so that what it does costs the measuring nothing but processor time.
"""

import asyncio
import json
import random
import resource
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass

from siege.attack import Attack
from siege.attacks import ATTACKS, named
from siege.ground import Ground, Spent
from siege.tally import Tally
from siege.target import loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the process is to do."""

    url: str
    attack: str = ""
    """Empty: all, one after another, for ever; a line for each."""
    seconds: float = 8.0
    keys: tuple[str, ...] = ()
    victim: str = ""
    scale: float = 1.0
    first_after: float = 0.0
    """Seconds before the first, where they go on for ever."""
    rest: float = 0.0
    """Seconds between attacks, where they go on for ever."""
    seed: int = 1
    skip: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Write it on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """Read what ``to_json`` wrote."""
        fields = json.loads(text)
        return cls(**fields | {"keys": tuple(fields["keys"]), "skip": tuple(fields["skip"])})


async def carry_out(job: Job, attack: Attack) -> Tally:
    """Run one attack within its bounds.

    Raises:
        NotLoopback: the target is another machine.
    """
    ground = Ground(
        target=loopback(job.url),
        seconds=max(job.seconds, attack.seconds if job.scale == 1 else 0),
        keys=job.keys,
        victim=job.victim,
        scale=job.scale,
        most_bytes=attack.most_bytes,
        most_connections=max(1, round(attack.most_connections * job.scale)),
        rng=random.Random(f"{job.seed}:{attack.name}"),
    )
    with suppress(Spent, TimeoutError, ConnectionError):
        async with asyncio.timeout(ground.seconds + 10):
            await attack.run(ground)
    attack.look(ground.tally)
    return ground.tally


async def carry_on(job: Job) -> None:
    """All attacks in a changing order, at a low rate, until the process is killed."""
    order = random.Random(job.seed)
    await asyncio.sleep(job.first_after)
    while True:
        attack = order.choice([one for one in ATTACKS if one.name not in job.skip])
        tally = await carry_out(job, attack)
        print(json.dumps({"attack": attack.name, **json.loads(tally.to_json())}), flush=True)
        await asyncio.sleep(job.rest)


def main() -> None:
    """Read the job, check whom it is about, do it."""
    job = Job.from_json(sys.stdin.readline())
    loopback(job.url)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if job.attack:
        print(asyncio.run(carry_out(job, named(job.attack))).to_json(), flush=True)
    else:
        asyncio.run(carry_on(job))


if __name__ == "__main__":
    main()
