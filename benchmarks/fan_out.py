"""Feed fan-out: one top-10 book a second to as many clients as one core serves in time.

The server and its peers run on the first core, the crowd of clients and the simulated exchange on the second.
The crowd grows until the 99th percentile of lateness passes 100 ms, a client is refused or loses its
connection (a server too slow to ping), or the system gives no more open files.
"""

import gc
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL

import psutil

from benchmarks.fan_out_crowd import Crowd, Window, percentile
from benchmarks.fan_out_servers import BROADCAST, FLOOR, UVICORN
from benchmarks.harness.accounts import ask, signed_in
from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, at_least, at_most
from benchmarks.harness.machine import pin, versioned
from benchmarks.harness.processes import free_port, server, spawned, venue

_WANTED_CLIENTS, _LONGEST_LATE_MS, _MOST_KIB = 5_000, 100.0, 40.0
_SIZES = (5_000, 8_000, 12_000, 16_000, 19_000)
_PEER_SIZES = (2_000, 3_000, 4_000, 5_000, 6_500, 8_000, 10_000)
_SECONDS, _TRIES = 2, 3
"""Seconds of a window at the wanted size; at another size, windows of one second until one is in time."""
_OWN_FILES = 300
"""Of the crowd and of a server, beside the connections."""
_PHASES = 10
"""Of twap-server; the peers send to everybody at the whole second."""
_BOOK = b'{"type":"subscribe","channel":"book","exchange":"binance","symbol":"BTCUSDT"}'


@dataclass(slots=True)
class Outcome:
    """How one server did."""

    who: str
    best: int = 0
    """The largest crowd served in time."""
    late_ms: list[float] = field(default_factory=list)
    """99th percentiles at the wanted size (or the largest below), one per repeat."""
    cpu_ms: list[float] = field(default_factory=list)
    """Processor milliseconds a second for 1,000 clients, one per repeat."""
    kib: float = 0.0
    """Memory for a client, at the largest crowd."""
    unlimited: bool = False
    """The largest size tried was served in time."""
    broken: str = ""
    """Why the crowd did not grow any more."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A server under measurement."""

    who: str
    port: int
    process: psutil.Process
    token: str = ""
    phases: int = 1

    def crowd(self) -> Crowd:
        """Give it clients, one to begin with."""
        return Crowd(self.port, token=self.token, subscribe=_BOOK, phases=self.phases)


def measure(options: Options) -> Part:
    """Measure all, one after the other."""
    _allow_files()
    pin(1)
    gc.disable()
    sizes, peer_sizes = (
        ((100, 300), (100, 300)) if options.quick else (_fitting(_SIZES), _fitting(_PEER_SIZES))
    )
    outcomes, book = [], ""
    with _product() as subject, subject.crowd() as crowd:
        outcomes.append(_ramp(subject, crowd, sizes, options.repeats))
        book = crowd.book
    for peer, who in (
        (UVICORN, f"bare {versioned('uvicorn')} websockets-sansio"),
        (BROADCAST, f"{versioned('websockets')} broadcast()"),
        (FLOOR, "a loop of send() (no WebSocket server)"),
    ):
        with _peer(peer, who, book) as subject, subject.crowd() as crowd:
            outcomes.append(_ramp(subject, crowd, peer_sizes, options.repeats))
    return _part(outcomes, book, sizes)


def _ramp(subject: Subject, crowd: Crowd, sizes: tuple[int, ...], repeats: int) -> Outcome:
    outcome, empty = Outcome(subject.who), _memory_kib(subject)
    failed = 0
    for size in sizes:
        try:
            passed = _passes(
                subject, crowd, outcome, size=size, repeats=repeats if size == _wanted(sizes) else 0
            )
        except OSError as error:  # a server that is too slow sends no more pings, and gets no answers
            outcome.broken = f"{len(crowd):,} clients of {size:,}: {error}"
            break
        if passed:
            outcome.best, failed = size, 0
        failed += not passed
        if failed > 1 and size >= _wanted(sizes):
            break
    outcome.unlimited = outcome.best == sizes[-1]
    outcome.kib = (_memory_kib(subject) - empty) / (len(crowd) - 1)
    return outcome


def _passes(subject: Subject, crowd: Crowd, outcome: Outcome, *, size: int, repeats: int) -> bool:
    """Whether a crowd of this size is served in time; measured ``repeats`` times, or tried.

    Raises:
        OSError: a client was refused, or lost its connection.
    """
    crowd.grow(size)
    if repeats:
        return _repeat(subject, crowd, outcome, repeats)
    return any(_in_time(crowd.watch(1)) for _ in range(_TRIES))


def _repeat(subject: Subject, crowd: Crowd, outcome: Outcome, repeats: int) -> bool:
    """Measure at the wanted size; whether more than half of the windows were in time."""
    windows = []
    for _ in range(repeats):
        before, began = _cpu_s(subject), time.monotonic()
        windows.append(crowd.watch(_SECONDS))
        used, took = _cpu_s(subject) - before, time.monotonic() - began
        outcome.late_ms.append(percentile(windows[-1].late_ms, 0.99))
        outcome.cpu_ms.append(used / took / len(crowd) * 1_000_000)
    return sum(map(_in_time, windows)) * 2 > repeats


def _in_time(window: Window) -> bool:
    return window.share > 0.99 and percentile(window.late_ms, 0.99) <= _LONGEST_LATE_MS


def _wanted(sizes: tuple[int, ...]) -> int:
    return max(size for size in sizes if size <= _WANTED_CLIENTS)


def _part(outcomes: list[Outcome], book: str, sizes: tuple[int, ...]) -> Part:
    part = Part("fan_out", "Feed fan-out: one book a second to each client, one core")
    wanted = _wanted(sizes)
    part.figures = [
        *(Figure("most with p99 at most 100 ms late", one.who, "clients", [one.best]) for one in outcomes),
        *(
            Figure(f"p99 lateness, {wanted:,} clients", one.who, "ms", one.late_ms)
            for one in outcomes
            if one.late_ms
        ),
        *(
            Figure(f"processor, {wanted:,} clients", one.who, "ms/s for 1,000", one.cpu_ms)
            for one in outcomes
            if one.cpu_ms
        ),
        *(Figure("memory", one.who, "KiB a client", [one.kib]) for one in outcomes),
    ]
    product = outcomes[0]
    part.targets = [
        at_least("5,000 clients through the authenticated /ws", product.best, _WANTED_CLIENTS, "{:,.0f}"),
        at_most("40 KiB a client", product.kib, _MOST_KIB, "{:.1f} KiB"),
    ]
    part.notes = [*_notes(book), *_limits(outcomes)]
    return part


def _notes(book: str) -> Iterator[str]:
    yield f"A message has {len(book.encode()):,} bytes; every message to every client is measured."
    yield (
        "twap-server sends to a tenth of a book's clients every 100 ms, the peers to all at the second. "
        "Lateness is counted from the moment at which that client's message was due."
    )
    yield "Only twap-server signs its clients in, keeps a live book and builds each message from it."
    for who, sizes in (("twap-server", _SIZES), ("the others", _PEER_SIZES)):
        yield f"Sizes tried with {who}, up to the second that fails {_TRIES} times: {_listed(sizes)}."


def _listed(sizes: tuple[int, ...]) -> str:
    return ", ".join(f"{size:,}" for size in sizes)


def _fitting(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in sizes if size <= _most_clients())


def _limits(outcomes: list[Outcome]) -> Iterator[str]:
    for one in outcomes:
        if one.unlimited:
            yield f"{one.who}: no limit found (a process may open {_hard_limit():,} files here)."
        if one.broken:
            yield f"{one.who}: the crowd stopped growing at {one.broken}."


@contextmanager
def _product() -> Iterator[Subject]:
    variables = {
        "TWAP_EXCHANGES__BINANCE__SYMBOLS": '["BTC-USDT"]',
        "TWAP_EXCHANGES__KRAKEN__ENABLED": "false",
        "TWAP_EXCHANGES__COINBASE__ENABLED": "false",
        "TWAP_API__MAX_CONNECTIONS_PER_ADDRESS": "1000",  # until they are upgraded
        "TWAP_API__STREAM__MAX_CONNECTIONS": str(_most_clients()),
        "TWAP_API__STREAM__MAX_PER_USER": str(_most_clients()),
        "TWAP_API__STREAM__MAX_PER_ADDRESS": str(_most_clients()),
        "TWAP_API__STREAM__MAX_UNSIGNED": str(_most_clients()),
        "TWAP_API__STREAM__MAX_UNSIGNED_PER_ADDRESS": str(_most_clients()),
    }
    with tempfile.TemporaryDirectory() as folder, venue() as urls:
        database = Path(folder) / "twap.sqlite3"
        with server(database, {"binance": urls["binance"]}, variables=variables) as running:
            token = signed_in(running.url, "crowd")
            ask(f"{running.url}/orderbook/binance/BTCUSDT")
            yield Subject(versioned("twap-server"), running.port, running.process, token, _PHASES)


@contextmanager
def _peer(name: str, who: str, book: str) -> Iterator[Subject]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.fan_out_servers", name, str(port), book]
    with spawned(command, {}, core=0, stdout=DEVNULL) as process:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        time.sleep(1)
        yield Subject(who, port, psutil.Process(process.pid))


def _cpu_s(subject: Subject) -> float:
    return float(sum(subject.process.cpu_times()[:2]))


def _memory_kib(subject: Subject) -> float:
    return float(subject.process.memory_info().rss) / 1024


def _most_clients() -> int:
    return _hard_limit() - _OWN_FILES


def _hard_limit() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 1_000_000 if hard == resource.RLIM_INFINITY else hard


def _allow_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_hard_limit(), _hard_limit()))


if __name__ == "__main__":
    run(measure, doc=__doc__)
