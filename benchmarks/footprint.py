"""Start-up time with 10,000 open orders, memory of an idle server, memory of one more book.

The server is ``twap-server start``, as installed, on a core of its own, against simulated exchanges on the
other one. Run with ``python -m benchmarks.footprint [--repeats N] [--quick] [--json FILE]``.
"""

import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, at_most
from benchmarks.harness.orders import prepare
from benchmarks.harness.processes import Urls, server, venue
from twap_server.domain.market import native

_ORDERS, _BOOKS = 10_000, 100
_SETTLE_S = 3.0
"""Until the exchanges' lists are loaded, their connections open, and a collection has run."""
_WHO = "twap-server"


def measure(options: Options) -> Part:
    """Measure all three."""
    part = Part("footprint", "Start-up and memory")
    orders, books = (1_000, 20) if options.quick else (_ORDERS, _BOOKS)
    with venue() as urls, _databases(orders) as (empty, full):
        started = [_start(full, urls, settle_s=0) for _ in range(options.repeats)]
        idle = [_start(empty, urls, settle_s=_SETTLE_S) for _ in range(options.repeats)]
    kinds = {True: "twap-server, compiled"} if native.COMPILED else {}
    kinds[False] = "twap-server, pure Python"
    each = {
        who: [_book_kib(books, compiled=kind) for _ in range(options.repeats)] for kind, who in kinds.items()
    }
    job = f"start with {orders:,} open orders, to ready"
    ready, cpu = [one[0] for one in started], [one[1] for one in started]
    memory = [one[2] for one in idle]
    part.figures += [
        Figure(job, _WHO, "s", ready),
        Figure(f"{job}: processor time", _WHO, "s", cpu),
        Figure("start with no orders, to ready", _WHO, "s", [one[0] for one in idle]),
        Figure(f"memory with {orders:,} open orders", _WHO, "MiB", [one[2] for one in started]),
        Figure("idle memory, two exchanges", _WHO, "MiB", memory),
        *(Figure("one more book of 1,000 levels a side", who, "KiB", values) for who, values in each.items()),
    ]
    part.targets += [
        at_most("start with 10,000 open orders: at most 3 s", statistics.median(ready), 3, "{:.2f} s"),
        at_most("idle memory: at most 120 MiB", statistics.median(memory), 120, "{:.0f} MiB"),
        *(
            at_most(
                f"a book of depth 1,000 ({who}): at most 300 KiB",
                statistics.median(values),
                300,
                "{:.0f} KiB",
            )
            for who, values in each.items()
        ),
    ]
    part.notes += [
        "Memory is what the process shares with nobody (USS). A book's is the difference that "
        f"{books} books make, divided by {books}: kept by the real keeper, "
        "loaded from the exchange's text, changed once.",
        "Where other programs use the cores, processor time says more than the time to ready.",
    ]
    return part


@contextmanager
def _databases(orders: int) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory(prefix="twap-footprint-") as name:
        folder = Path(name)
        empty, full = folder / "empty.sqlite3", folder / "full.sqlite3"
        asyncio.run(prepare(empty, orders=0))
        asyncio.run(prepare(full, orders=orders))
        yield empty, full


def _start(database: Path, urls: Urls, *, settle_s: float) -> tuple[float, float, float]:
    """Seconds to ready, processor seconds by then, memory in MiB: of one run on a copy of the database."""
    with tempfile.TemporaryDirectory(prefix="twap-footprint-") as name:
        copy = Path(shutil.copy(database, name))
        with server(copy, urls) as started:
            time.sleep(settle_s)
            return started.ready_s, started.ready_cpu_s, started.memory_mib


def _book_kib(count: int, *, compiled: bool) -> float:
    command = [sys.executable, "-m"] + ([] if compiled else ["benchmarks.harness.uncompiled"])
    command += ["benchmarks.harness.books_in_memory", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    run(measure, doc=__doc__)
