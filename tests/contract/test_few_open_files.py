"""A process that may open few files, and more connections than that: it never runs out, and serves others."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from support.api.raw import idle
from support.children import environment
from twap_server.bootstrap.open_files import make_room

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs 127.0.0.x and limits")
FILES = 600
NOWHERE = '{"binance": {"ws_url": "ws://127.0.0.1:9/ws", "rest_url": "http://127.0.0.1:9"}}'


@asynccontextmanager
async def limited(database: Path, event_loop: str) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    """A server that may open ``FILES`` files; gives its port."""
    variables = {
        "TWAP_DATABASE": f"sqlite:///{database}",
        "TWAP_EXCHANGES": NOWHERE,
        "TWAP_RUNTIME__EVENT_LOOP": event_loop,
    }
    server = await asyncio.create_subprocess_shell(
        f"ulimit -n {FILES}; exec {sys.executable} -m twap_server start --exchange binance --port 0",
        env=environment(**variables), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert server.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await server.stdout.readline()).decode()
        yield int(line.split()[3].rpartition(":")[2]), server
    finally:
        if server.returncode is None:
            server.kill()
            await server.communicate()  # reads the rest of the log, or its end is never seen


@pytest.mark.parametrize("event_loop", ["asyncio", "uvloop"])
async def test_accepting_never_runs_out_of_files(tmp_path: Path, event_loop: str) -> None:
    if event_loop == "uvloop":
        pytest.importorskip("uvloop")
    make_room(3_000)
    async with limited(tmp_path / "twap.sqlite3", event_loop) as (port, server):
        with ExitStack() as stack:
            for number in range(1_500):
                stack.enter_context(idle(port, f"127.0.0.{2 + number % 100}"))
            async with asyncio.timeout(30), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                while not await is_served(http):
                    await asyncio.sleep(0.05)
            assert len(os.listdir(f"/proc/{server.pid}/fd")) < FILES - 50
        server.terminate()
        _, log = await server.communicate()
    assert b"out of system resource" not in log and b"Too many open files" not in log
    assert b"but only 344 fit" in log


async def is_served(http: httpx.AsyncClient) -> bool:
    """Not before strangers have waited for a second."""
    try:
        return (await http.get("/health")).status_code == 200
    except httpx.TransportError:
        return False
