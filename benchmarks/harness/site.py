"""A site of several nodes to measure: PostgreSQL, NATS, simulated exchanges, and processes of each role.

In: nothing. Out: a ``Site``, whose nodes are ``twap-server node`` as it is installed, or one server alone on
the same database.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.harness.processes import ServerProcess, Urls, free_port, spawned, variables_of, venue

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from support.nats import NatsServer
from support.postgres import PostgresServer

_READY_WITHIN_S = 120.0
_MANY = "100000"
_VARIABLES = {
    "TWAP_SIGNING_KEY": "a signing key for benchmarks alone",
    "TWAP_API__ACCOUNTS_PER_ADDRESS_PER_DAY": _MANY,
    "TWAP_API__MAX_CONNECTIONS_PER_ADDRESS": _MANY,
    "TWAP_API__STREAM__MAX_CONNECTIONS": _MANY,
    "TWAP_API__STREAM__MAX_PER_USER": _MANY,
    "TWAP_API__STREAM__MAX_PER_ADDRESS": _MANY,
    "TWAP_API__STREAM__MAX_UNSIGNED": _MANY,
    "TWAP_API__STREAM__MAX_UNSIGNED_PER_ADDRESS": _MANY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What all processes of one measurement share."""

    folder: Path
    database: str
    postgres: PostgresServer
    nats: NatsServer
    exchanges: Urls

    @contextmanager
    def nodes(self, roles: Sequence[str]) -> Iterator[Mapping[str, list[ServerProcess]]]:
        """Run one node for each role named, as often as it is named; ready when this gives them."""
        with ExitStack() as stack:
            found: dict[str, list[ServerProcess]] = {}
            for role in roles:
                more = ["node", "--role", role, "--nats", self.nats.url]
                found.setdefault(role, []).append(stack.enter_context(self._process(more)))
            for process in (one for nodes in found.values() for one in nodes):
                _until_ready(process)
            yield found

    @contextmanager
    def alone(self) -> Iterator[ServerProcess]:
        """Run one server that does all, on the same PostgreSQL."""
        with self._process(["start"]) as process:
            _until_ready(process)
            yield process

    def cpu_of_services(self) -> Mapping[str, float]:
        """Processor time of PostgreSQL and NATS so far."""
        return {"PostgreSQL": _cpu_of_all(self.postgres.pid), "NATS": _cpu_of_all(self.nats.pid)}

    @contextmanager
    def _process(self, command: Sequence[str]) -> Iterator[ServerProcess]:
        port = free_port()
        flags = [
            "--port",
            str(port),
            "--database",
            self.database,
            "--exchange",
            "binance",
            "--exchange",
            "kraken",
        ]
        whole = [sys.executable, "-m", "twap_server", *command, *flags]
        with (
            (self.folder / f"{port}.log").open("ab") as log,
            spawned(whole, variables_of(self.exchanges) | _VARIABLES, core=-1, stdout=log) as process,
        ):
            yield ServerProcess(port, psutil.Process(process.pid), 0.0, 0.0)


@contextmanager
def site() -> Iterator[Site]:
    """Start PostgreSQL, NATS and the simulated exchanges; all gone at the end."""
    with (
        tempfile.TemporaryDirectory() as folder,
        PostgresServer() as postgres,
        postgres.database() as database,
        NatsServer() as nats,
        venue(core=-1) as exchanges,
    ):
        yield Site(folder=Path(folder), database=database, postgres=postgres, nats=nats, exchanges=exchanges)


def _until_ready(process: ServerProcess) -> None:
    begin = time.monotonic()
    while process.status("/ready") != 200:
        if time.monotonic() - begin > _READY_WITHIN_S or not process.process.is_running():
            raise RuntimeError("a node did not become ready")
        time.sleep(0.05)


def _cpu_of_all(pid: int) -> float:
    """Of a process and its children, those that have ended included."""
    process = psutil.Process(pid)
    times = [process.cpu_times(), *(child.cpu_times() for child in process.children(recursive=True))]
    ended = times[0].children_user + times[0].children_system
    return float(sum(one.user + one.system for one in times) + ended)
