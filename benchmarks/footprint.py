"""Start-up time with 10,000 open orders, memory of an idle server, memory of one more book.

The server is ``twap-server start``, as installed, on a core of its own, against simulated exchanges on the
other one. Run with ``python -m benchmarks.footprint [--repeats N] [--quick] [--json FILE]``.
"""

import asyncio
import gc
import multiprocessing
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import psutil

from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, at_most
from benchmarks.harness.orders import prepare
from benchmarks.harness.processes import Urls, server, venue
from twap_server.books.keeper import Keeper
from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
from twap_server.domain.instrument import Instrument, InstrumentId
from twap_server.exchanges.binance.adapter import BinanceExchange

_ORDERS, _BOOKS, _LEVELS = 10_000, 100, 1_000
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
    each = [_apart(_memory_of_books, books) for _ in range(options.repeats)]
    job = f"start with {orders:,} open orders, to ready"
    ready, cpu = [one[0] for one in started], [one[1] for one in started]
    memory = [one[2] for one in idle]
    part.figures += [
        Figure(job, _WHO, "s", ready),
        Figure(f"{job}: processor time", _WHO, "s", cpu),
        Figure("start with no orders, to ready", _WHO, "s", [one[0] for one in idle]),
        Figure(f"memory with {orders:,} open orders", _WHO, "MiB", [one[2] for one in started]),
        Figure("idle memory, two exchanges", _WHO, "MiB", memory),
        Figure(f"one more book of {_LEVELS:,} levels a side", _WHO, "KiB", each),
    ]
    part.targets += [
        at_most("start with 10,000 open orders: at most 3 s", statistics.median(ready), 3, "{:.2f} s"),
        at_most("idle memory: at most 120 MiB", statistics.median(memory), 120, "{:.0f} MiB"),
        at_most("a book of depth 1,000: at most 300 KiB", statistics.median(each), 300, "{:.0f} KiB"),
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


def _apart(work: Callable[[int], float], argument: int) -> float:
    """Run in a fresh process: memory that an earlier measurement freed would be used again."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, (argument,))


def _memory_of_books(count: int) -> float:
    keeper, rng = Keeper(), random.Random(1)
    _add_book(keeper, 0, rng)
    before = _memory()
    for number in range(1, count + 1):
        _add_book(keeper, number, rng)
    after = _memory()
    assert len(keeper) == count + 1
    return (after - before) / count / 2**10


def _memory() -> int:
    gc.collect()
    return int(psutil.Process().memory_full_info().uss)


def _add_book(keeper: Keeper, number: int, rng: random.Random) -> None:
    instrument = _instrument(number)
    exchange = BinanceExchange()
    exchange.learn([instrument])
    book = LiveBook(instrument.id, exchange.new_sequencer(instrument))
    keeper.add(book)
    book.on_snapshot(exchange.parse_depth(_snapshot(number, rng), instrument), Nanos(1))
    for event in exchange.decode(_change(instrument, number, rng)):
        book.on_change(event, Nanos(2))  # type: ignore[arg-type]
    assert len(book.book) == 2 * _LEVELS, "the change takes no level and brings none"


def _snapshot(number: int, rng: random.Random) -> bytes:
    bids, asks = (
        ",".join(_level(number, sign * step, rng) for step in range(1, _LEVELS + 1)) for sign in (-1, 1)
    )
    return f'{{"lastUpdateId":1000,"bids":[{bids}],"asks":[{asks}]}}'.encode()


def _change(instrument: Instrument, number: int, rng: random.Random) -> bytes:
    changed = ",".join(_level(number, -step, rng) for step in rng.sample(range(1, _LEVELS), 10))
    return (
        f'{{"stream":"{instrument.native.lower()}@depth@100ms","data":{{"e":"depthUpdate","E":1723161255208,'
        f'"s":"{instrument.native}","U":1001,"u":1002,"b":[{changed}],"a":[]}}}}'
    ).encode()


def _level(number: int, step: int, rng: random.Random) -> str:
    price = 6_000_000 + number * 10_000 + step
    return f'["{price // 100}.{price % 100:02}000000","{rng.randrange(1, 10**9) / 10**8:.8f}"]'


def _instrument(number: int) -> Instrument:
    step = Decimal("0.01")
    return Instrument(
        id=InstrumentId("binance", f"C{number}-USDT"),
        native=f"C{number}USDT",
        base=f"C{number}",
        quote="USDT",
        tick_size=step,
        lot_size=step,
        min_quantity=step,
        min_notional=step,
        status="trading",
    )


if __name__ == "__main__":
    run(measure, doc=__doc__)
