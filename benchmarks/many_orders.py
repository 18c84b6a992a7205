"""One pass over ten minutes of recorded BTCUSDT with 100, 1,000 and 10,000 orders: time and memory.

Each order has a user of its own, as in a tournament: 5 minutes long, a slice every 5 s, starts spread evenly,
so that hardly two slices are due at the same moment. Each number of orders has a process of its own.
"""

import logging
import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part
from benchmarks.replay import RECORDED_MS, recorded_file
from benchmarks.replays.contender import Job, spread
from benchmarks.replays.server import order_of
from twap_server.bootstrap import Recording
from twap_server.bootstrap.replaying import replay_apart
from twap_server.domain.orders.record import OrderRecord
from twap_server.settings import Settings

_COUNTS = (100, 1_000, 10_000)
_LENGTH_S, _INTERVAL_S = 300, 5


@dataclass(slots=True)
class Pass:
    """What one pass came to."""

    seconds: float = 0.0
    """CPU time."""
    mib: float = 0.0
    """That the process grew by, the recording in memory not counted."""
    orders: int = 0
    slices: int = 0
    fills: int = 0
    samples: int = 0

    def take(self, record: OrderRecord) -> None:
        """Count an order that is over, and keep nothing of it."""
        self.orders += 1
        self.slices += len(record.slices)
        self.fills += len(record.fills)
        self.samples += len(record.samples)


def measure(options: Options) -> Part:
    """Make one pass with each number of orders."""
    part = Part("many_orders", "One pass over ten minutes of BTCUSDT with many orders")
    if not recorded_file().is_file():
        part.notes.append(f"left out: no {recorded_file().name}; TWAP_RECORDINGS names the folder")
        return part
    for count in [max(10, one // 10) for one in _COUNTS] if options.quick else _COUNTS:
        passes = [_in_own_process(count) for _ in range(options.repeats if count < max(_COUNTS) else 1)]
        _add(part, count, passes)
    return part


def _in_own_process(count: int) -> Pass:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_pass, count).result()


def _add(part: Part, count: int, passes: list[Pass]) -> None:
    job, last = f"{count:,} orders", passes[-1]
    part.figures += [
        Figure(job, "whole pass", "CPU seconds", [one.seconds for one in passes]),
        Figure(job, "each slice, all included", "us", [one.seconds / one.slices * 1e6 for one in passes]),
        Figure(job, "memory of the pass", "MiB", [one.mib for one in passes]),
    ]
    part.notes.append(
        f"{job}: {last.orders:,} records, {last.slices:,} slices, {last.fills:,} fills, "
        f"{last.samples:,} samples."
    )


def _pass(count: int) -> Pass:
    logging.disable(logging.CRITICAL)
    job = Job(f"{count} orders", recorded_file(), _LENGTH_S, _INTERVAL_S, spread(*RECORDED_MS, count))
    orders = [order_of(job, number, start) for number, start in enumerate(job.starts_ms)]
    recording, done = Recording(job.recording, keep=True), Pass()
    before, begin = _peak_mib(), time.process_time()
    replay_apart(recording, orders, Settings(), hand_out=done.take)
    done.seconds, done.mib = time.process_time() - begin, _peak_mib() - before
    return done


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    run(measure, doc=__doc__)
