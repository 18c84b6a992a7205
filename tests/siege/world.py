"""The processes of a siege: a venue, a server with default settings, attackers; all on loopback."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from crash.world import Server, exchange
from siege.attackers import Job
from siege.tally import Tally
from support.children import TESTS, environment

PLAIN, TRACED = "twap_server", "siege.traced"
_BEYOND_S = 30.0
"""An attackers' process that takes so much longer than it should is killed."""


@asynccontextmanager
async def world(
    folder: Path,
    *,
    seed: int,
    faults: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    module: str = PLAIN,
) -> AsyncIterator[Server]:
    """Run venue and server, on SQLite in ``folder``, until the block ends.

    Args:
        faults: that the venue commits now and then.
        settings: variables of the server; none: its defaults.
        module: ``TRACED`` where memory is looked into.
    """
    async with exchange(seed=seed, faults=faults) as urls:
        server = Server(
            folder=folder,
            database=f"sqlite:///{folder / 'twap.sqlite3'}",
            exchanges=urls,
            settings=dict(settings or {}) | ({"PYTHONPATH": str(TESTS)} if module == TRACED else {}),
            module=module,
        )
        try:
            await server.start()
            await server.until_ready()
            yield server
        finally:
            await server.close()


async def attack(job: Job, *, at_least: float = 0.0) -> Tally:
    """Run one attack in a process of its own, and give what it counted."""
    process = await _started("siege.attackers")
    try:
        async with asyncio.timeout(max(job.seconds, at_least) + _BEYOND_S):
            out, err = await process.communicate(job.to_json().encode() + b"\n")
    finally:
        await _end(process)
    if process.returncode:
        return Tally(holes=[f"the attackers failed: {err.decode(errors='replace')[-2_000:]}"])
    return Tally.from_json(out.decode())


@asynccontextmanager
async def busy(module: str, job: str) -> AsyncIterator[asyncio.StreamReader]:
    """Run a process that gets its job as one line, until the block ends; gives what it prints."""
    process = await _started(module)
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(job.encode() + b"\n")
        yield process.stdout
    finally:
        await _end(process)


async def _started(module: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, env=environment(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()
