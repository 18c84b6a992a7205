"""The processes of a crash test: the simulated exchange, which lives on, and the server, which is killed.

In: a folder and a database URL. Out: the server's URL, always the same, and one ``Life`` for each run.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

READY_WITHIN_S = 60
TAKER_FEE = "0.0007"
"""Not zero, so that fees can be wrong."""


@dataclass(slots=True, kw_only=True)
class Life:
    """One run of the server, in wall-clock nanoseconds of this machine."""

    spawned: int
    ready: int | None = None
    """When ``/ready`` first said so."""
    cpu_s: float | None = None
    """Processor time it had used by then: says how it would be on a machine of its own."""
    dead: int | None = None
    """When the process was seen to be gone; None while it runs."""

    @property
    def seconds_to_ready(self) -> float | None:
        """From the start of the process to ``/ready``."""
        return None if self.ready is None else (self.ready - self.spawned) / 1e9


class ServerDied(Exception):
    """The server ended although nobody killed it, or never became ready; holds the end of its log."""


class Server:
    """A server process that can be killed and started again on the same port and database."""

    def __init__(
        self,
        *,
        folder: Path,
        database: str,
        exchanges: Mapping[str, Mapping[str, str]],
        settings: Mapping[str, str],
        module: str = "twap_server",
        command: str = "start",
    ) -> None:
        """Args:
        module: what is run with ``-m``; another one runs the same server within something that watches it.
        command: of the server, with flags that come before the usual ones.
        """
        self._module, self._command = module, command.split()
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = database
        self.log = folder / f"server-{self.port}.log"
        self.lives: list[Life] = []
        self._environment = _environment(exchanges) | dict(settings)
        self._flags = f"--port {self.port} --exchange binance --exchange kraken --database {database}"
        self._process: asyncio.subprocess.Process | None = None
        self._probe = httpx.AsyncClient(base_url=self.url, timeout=1)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Of the process that runs, or ran last."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start the process; it is not ready yet."""
        assert not self.is_alive
        self.lives.append(Life(spawned=time.time_ns()))
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module, *self._command, *self._flags.split(),
                env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip

    async def until_ready(self) -> None:
        """Wait for ``/ready``.

        Raises:
            ServerDied: it ended first, or took longer than a minute.
        """
        assert self._process is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_WITHIN_S):
                while self.is_alive:
                    if await self.answers("/ready"):
                        self.lives[-1].ready = time.time_ns()
                        self.lives[-1].cpu_s = sum(psutil.Process(self._process.pid).cpu_times()[:2])
                        return
                    await asyncio.sleep(0.01)
        raise ServerDied(f"the server did not become ready:\n{self.last_words()}")

    async def answers(self, path: str) -> bool:
        """Whether a GET is answered with success."""
        try:
            return (await self._probe.get(path)).is_success
        except httpx.TransportError:
            return False

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone.

        Raises:
            ServerDied: it had ended by itself.
        """
        assert self._process is not None
        if not self.is_alive:
            raise ServerDied(f"the server ended by itself:\n{self.last_words()}")
        self._process.kill()
        await self._process.wait()
        self.lives[-1].dead = time.time_ns()

    def pause(self) -> None:
        """SIGSTOP: it does nothing, and its connections stay open."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def close(self) -> None:
        """Kill what runs."""
        if self.is_alive:
            await self.kill()
        await self._probe.aclose()

    def last_words(self) -> str:
        """The end of the server's log."""
        return self.log.read_text(errors="replace")[-4_000:]


@asynccontextmanager
async def exchange(*, seed: int, faults: Sequence[str] = ()) -> AsyncIterator[dict[str, dict[str, str]]]:
    """Run the simulated exchanges in a process of their own; gives their base URLs by name.

    Args:
        faults: which they commit now and then.
    """
    flags = [flag for fault in faults for flag in ("--fault", fault)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twap_server", "venue", "--port", "0", "--seed", str(seed), *flags,
        env=_environment({}), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    urls: dict[str, dict[str, str]] = {}
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while sum(map(len, urls.values())) < 4:
                name, kind, url = (await process.stdout.readline()).decode().split()
                urls.setdefault(name, {})[kind] = url
        yield urls
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _environment(exchanges: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """As where it is installed: with compiled modules, which take half the start's time otherwise."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for name, urls in exchanges.items():
        for kind, value in {**urls, "taker_fee": TAKER_FEE}.items():
            own[f"TWAP_EXCHANGES__{name.upper()}__{kind.upper()}"] = value
    return own


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
