"""What a user notices of others: sign-in and ``/health`` beside a crowd that does one thing all the time.

``python -m benchmarks.neighbours [--repeats N] [--quick] [--json FILE]``. The server is ``twap-server start``
as it is installed, on one core, with SQLite and simulated exchanges, and passwords at their usual cost; the
crowd and whoever measures share the other core. The crowds: 8 readers of an order of 100,000 slices; 90
registrations at a time; 300 times ``subscribe`` with ``since=0`` to 100,000 events, over 8 connections of one
user.
"""

import asyncio
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, at_most
from benchmarks.harness.history import live_through
from benchmarks.harness.orders import SECRET, prepare
from benchmarks.harness.processes import ServerProcess, server, spawned, venue

_SERVER_CORE, _CLIENT_CORE = 0, 1
_SLICES = 100_000
_SECONDS = 20.0
_WARM_S = 3.0
_LOOK_EVERY_S = 0.02
_SIGN_IN_EVERY_S = 0.25
_NAME, _PASSWORD = "victim", "correct horse battery"
_WHO = "twap-server"
_CROWDS = {
    "": "alone",
    "readers": "beside 8 readers of an order of 100,000 slices",
    "strangers": "beside 90 registrations at a time",
    "followers": "beside 300 subscriptions since=0 on 8 connections",
}


@dataclass(slots=True)
class _Noticed:
    """Milliseconds of each sign-in and each look at ``/health``; memory of the server in MiB."""

    sign_in: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    memory: float = 0.0


def measure(options: Options) -> Part:
    """Measure beside each crowd, on one server."""
    seconds, slices = (_SECONDS / 5, _SLICES // 10) if options.quick else (_SECONDS, _SLICES)
    folder = Path(tempfile.mkdtemp(prefix="twap-neighbours-"))
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)  # as the server has, where the system lets us
    try:
        database = folder / "twap.sqlite3"
        asyncio.run(_prepared(database, slices))
        # Strangers register all the time here: else they would be refused for the day after the first twenty,
        # and for the minute after twelve hundred.
        many = {
            "TWAP_API__ACCOUNTS_PER_ADDRESS_PER_DAY": "1000000",
            "TWAP_API__RATES__READS_PER_MINUTE": "1000000",
        }
        with (
            venue(core=_CLIENT_CORE) as urls,
            server(database, urls, core=_SERVER_CORE, variables=many) as running,
        ):
            status = asyncio.run(_posted(running.port, "/auth/register", _json()))[0]
            assert status == 201, status
            found = {kind: _beside(kind, running, seconds) for kind in _CROWDS}
    finally:
        shutil.rmtree(folder)
    return _part(found)


async def _prepared(database: Path, slices: int) -> None:
    await prepare(database, orders=0)
    await live_through(database, slices=slices)


def _beside(kind: str, running: ServerProcess, seconds: float) -> _Noticed:
    with ExitStack() as stack:
        if kind:
            command = [sys.executable, "-m", "benchmarks.harness.crowd", kind, str(running.port), SECRET]
            stack.enter_context(spawned(command, {}, core=_CLIENT_CORE, stdout=subprocess.DEVNULL))
            time.sleep(_WARM_S)
        found = asyncio.run(_noticed(running.port, seconds))
        found.memory = running.memory_mib
    return found


async def _noticed(port: int, seconds: float) -> _Noticed:
    found, end = _Noticed(), time.perf_counter() + seconds
    async with asyncio.TaskGroup() as group:
        group.create_task(_look(port, end, found))
        group.create_task(_sign_in(port, end, found))
    return found


async def _look(port: int, end: float, found: _Noticed) -> None:
    while time.perf_counter() < end:
        status, took = await _asked(
            port, b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        )
        assert status == 200, status
        found.health.append(took)
        await asyncio.sleep(_LOOK_EVERY_S)


async def _sign_in(port: int, end: float, found: _Noticed) -> None:
    form = urlencode({"username": _NAME, "password": _PASSWORD}).encode()
    while time.perf_counter() < end:
        status, took = await _posted(port, "/auth/token", form, kind="application/x-www-form-urlencoded")
        assert status == 200, f"the victim could not sign in: {status}"
        found.sign_in.append(took)
        await asyncio.sleep(_SIGN_IN_EVERY_S)


def _json() -> bytes:
    return json.dumps({"username": _NAME, "password": _PASSWORD}).encode()


async def _posted(port: int, path: str, body: bytes, *, kind: str = "application/json") -> tuple[int, float]:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return await _asked(port, head.encode() + body)


async def _asked(port: int, request: bytes) -> tuple[int, float]:
    """Ask on a new connection; gives the status and the milliseconds until the answer was whole."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        answer = await reader.read()
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]), (time.perf_counter() - began) * 1e3


def _part(found: dict[str, _Noticed]) -> Part:
    part = Part("neighbours", "What one user notices of others")
    for kind, words in _CROWDS.items():
        one = found[kind]
        worst, p99 = max(one.sign_in), _p99(one.health)
        part.figures += [
            Figure(f"sign-in {words}: median", _WHO, "ms", [statistics.median(one.sign_in)]),
            Figure(f"sign-in {words}: longest", _WHO, "ms", [worst]),
            Figure(f"/health {words}: 99th of 100", _WHO, "ms", [p99]),
            Figure(f"memory {words}", _WHO, "MiB", [one.memory]),
        ]
        if kind:
            part.targets += [
                at_most(f"sign-in {words}: at most 1 s", worst, 1_000, "{:.0f} ms"),
                at_most(f"/health {words}, 99th of 100: at most 250 ms", p99, 250, "{:.0f} ms"),
            ]
    part.notes += ["Each is asked on a new connection; a crowd begins 3 seconds before the measuring does."]
    return part


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


if __name__ == "__main__":
    run(measure, doc=__doc__)
