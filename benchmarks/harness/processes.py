"""Real processes to measure: the simulated exchanges, and the server as it is installed.

In: a folder, a database file, settings as environment variables. Out: a server that answers, its URL, its
process. Both end with their ``with`` block.
"""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_LONGEST_START_S = 60.0
_LOOK_EVERY_S = 0.005
_FIRST = -15
"""Niceness, for root only."""

Urls = Mapping[str, Mapping[str, str]]
"""Base URLs by exchange and kind, as the settings name them."""


@dataclass(slots=True)
class ServerProcess:
    """A ``twap-server start`` that has become ready."""

    port: int
    process: psutil.Process
    ready_s: float
    """From the start of the process to the first 200 of ``/ready``."""
    ready_cpu_s: float
    """Processor time it had used by then: what it would take on a machine of its own."""

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def cpu_s(self) -> float:
        """Processor time used so far."""
        return float(sum(self.process.cpu_times()[:2]))

    @property
    def memory_mib(self) -> float:
        """Memory that nothing else shares (USS), in MiB."""
        return float(self.process.memory_full_info().uss) / 2**20

    def status(self, path: str) -> int:
        """The status of a GET, 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            return connection.getresponse().status
        return 0


@contextmanager
def venue(*, core: int = 1) -> Iterator[Urls]:
    """Run the simulated exchanges on one core; gives their base URLs."""
    command = [sys.executable, "-m", "twap_server", "venue", "--port", "0", "--seed", "1"]
    with spawned(command, {}, core=core, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        urls: dict[str, dict[str, str]] = {}
        while sum(map(len, urls.values())) < 4:
            name, kind, url = process.stdout.readline().decode().split()
            urls.setdefault(name, {})[kind] = url
        yield urls


@contextmanager
def server(
    database: Path, exchanges: Urls, *, core: int = 0, variables: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Start the server on one core and wait until it is ready.

    Raises:
        RuntimeError: it ended first, or was not ready within a minute; its log is beside the database.
    """
    port = free_port()
    command = [sys.executable, "-m", "twap_server", "start", "--port", str(port)]
    command += ["--database", f"sqlite:///{database}"]
    with database.with_suffix(".log").open("ab") as log:
        began = time.perf_counter()
        with spawned(
            command, {**variables_of(exchanges), **(variables or {})}, core=core, stdout=log
        ) as process:
            found = ServerProcess(port, psutil.Process(process.pid), 0.0, 0.0)
            while found.status("/ready") != 200:
                if process.poll() is not None or time.perf_counter() - began > _LONGEST_START_S:
                    raise RuntimeError(f"the server did not become ready: see {log.name}")
                time.sleep(_LOOK_EVERY_S)
            found.ready_s = time.perf_counter() - began
            found.ready_cpu_s = found.cpu_s
            yield found


@contextmanager
def spawned(
    command: list[str], variables: Mapping[str, str], *, core: int, stdout: object
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process on one core until the block ends."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        command,
        env=environment | dict(variables),
        stdout=stdout,  # type: ignore[call-overload]
        stderr=subprocess.DEVNULL if stdout == subprocess.PIPE else stdout,
    )
    try:
        _prefer(process.pid, core)
        yield process
    finally:
        process.kill()
        process.wait()


def _prefer(pid: int, core: int) -> None:
    """Give a process a core, and as far as the system lets us the first turn on it."""
    if hasattr(os, "sched_setaffinity") and core in os.sched_getaffinity(0):
        os.sched_setaffinity(pid, {core})
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _FIRST)


def variables_of(exchanges: Urls) -> dict[str, str]:
    """The addresses of exchanges as environment variables of a server."""
    return {
        f"TWAP_EXCHANGES__{name.upper()}__{kind.upper()}": value
        for name, urls in exchanges.items()
        for kind, value in urls.items()
    }


def free_port() -> int:
    """Give a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
