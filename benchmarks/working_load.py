"""The process that ``benchmarks.engine_load`` measures: a real engine, store and books, on one core.

``python -m benchmarks.working_load ORDERS --seconds N [--in-phase] [--core N]`` prints one JSON object. In
it: the product's ``Engine`` with its SQLite store (WAL, ``synchronous=FULL``) on a file, ``LiveMarket`` with
50 live books fed with 20 messages a second each through the adapter's decoding, the event bus. All on the
machine's clock. Only the network is missing: no socket, no HTTP.
"""

import argparse
import asyncio
import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from benchmarks.harness.machine import pin
from benchmarks.synthetic_market import BOOKS, Feed, first_mid, instrument
from twap_models.enums import Carry, Fidelity, LateStart, Side, SliceReason
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.bootstrap.ids import ordered_ids
from twap_server.clock import SystemClock
from twap_server.collector.config import CollectorConfig
from twap_server.collector.market_data import LiveMarket
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.orders.order import OrderEvent
from twap_server.domain.orders.terms import OrderRequest
from twap_server.engine.config import EngineConfig
from twap_server.engine.engine import Engine
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.feed.bus import Bus
from twap_server.runtime import garbage
from twap_server.runtime.loops import loop_factory
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

_USERS = 50
_LAG_EVERY_S = 0.01
_LIST = 50
_LENGTH = 3_600 * SECOND
_WARM_UP = 2 * SECOND
"""After the first slice: all orders begin in the first second, each with a sweep of its market."""


@dataclass(slots=True)
class Outcome:
    """What one run found; times in milliseconds."""

    orders: int
    decided: list[int] = field(default_factory=list)
    """Nanoseconds from due to decided, per slice."""
    recorded: list[int] = field(default_factory=list)
    """Nanoseconds from due to recorded and told, per slice."""
    fills: int = 0
    lost: int = 0
    """Slices whose window passed before the engine came to them."""
    outcomes: dict[str, int] = field(default_factory=dict)


class Witness:
    """Passes events on to the bus, and notes them; a slice that is told of is recorded."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.since = Nanos(0)
        """Slices due before are not counted."""

    def publish(self, user_id: str, event: OrderEvent) -> None:
        """Tell the readers."""
        self._bus.publish(user_id, event)
        self.note(user_id, event)

    def note(self, user_id: str, event: OrderEvent) -> None:
        """Take in an event that is recorded."""


class _Lateness(Witness):
    """Notes how late each slice was."""

    def __init__(self, bus: Bus, outcome: Outcome) -> None:
        super().__init__(bus)
        self._outcome = outcome

    def note(self, user_id: str, event: OrderEvent) -> None:
        """Take in an event that is recorded."""
        result = event.slice
        if result is None or result.due < self.since or result.decided is None:
            return
        outcome = self._outcome
        if result.reason in (SliceReason.OVERLOADED, SliceReason.STORAGE, SliceReason.ENGINE_DOWN):
            outcome.lost += 1
            return
        outcome.decided.append(result.decided - result.due)
        outcome.recorded.append(time.time_ns() - result.due)
        outcome.fills += len(event.fills)
        outcome.outcomes[result.outcome] = outcome.outcomes.get(result.outcome, 0) + 1


async def measure(orders: int, *, seconds: int, in_phase: bool, file: Path) -> dict[str, object]:
    """Submit orders, let them work, say how late their slices were and what they cost."""
    outcome = Outcome(orders)
    witness = _Lateness(Bus(), outcome)
    async with server(file, witness) as (engine, feed):
        begin = _begin(orders)
        before = _memory()
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(feed.run())
            await _submit(engine, orders, begin, in_phase=in_phase)
            gc.collect()
            each = (_memory() - before) / orders
            begin = Nanos(begin + _WARM_UP)
            witness.since = begin
            await until(begin)
            lags: list[float] = []
            lagging = group.create_task(_note_lag(lags))
            at, cpu, sent = time.monotonic(), time.process_time(), feed.sent
            await until(Nanos(begin + seconds * SECOND))
            elapsed, cpu = time.monotonic() - at, time.process_time() - cpu
            done, sent = len(outcome.recorded), feed.sent - sent
            feeding.cancel()
            lagging.cancel()
        found = {
            "orders": orders,
            "seconds": elapsed,
            "slices": done,
            "lost": outcome.lost,
            "fills": outcome.fills,
            "outcomes": dict(outcome.outcomes),
            "messages": sent,
            "cpu_s": cpu,
            "memory_per_order": each,
            "decided_ms": spread(outcome.decided),
            "recorded_ms": spread(outcome.recorded),
            "loop_lag_ms": spread([round(one * SECOND) for one in lags]),
        }
    return found


@asynccontextmanager
async def server(file: Path, witness: Witness) -> AsyncIterator[tuple[Engine, Feed]]:
    """An engine at work on its store and books."""
    clock = SystemClock()
    listed = [instrument(number) for number in range(BOOKS)]
    exchange = BinanceExchange()
    exchange.learn(listed)
    market = LiveMarket(
        [BinanceExchange],
        CollectorConfig(),
        registry=BookRegistry(),
        interest=BookInterest(clock),
        clock=clock,
        rng=random.Random(1),
        cached={"binance": listed},
    )
    feed = Feed(market.registry, exchange, listed)
    async with Database.open(f"sqlite:///{file}") as database:
        engine = Engine(
            store=SqlOrderStore(database),
            market=market,
            events=witness,
            clock=clock,
            config=EngineConfig(),
            new_id=ordered_ids(clock),
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(engine.run())
            await engine.ready.wait()
            garbage.set_aside()  # as the server does once it is ready
            yield engine, feed
            engine.stop()


async def _submit(engine: Engine, orders: int, begin: Nanos, *, in_phase: bool) -> None:
    """Submit all, each with its own moment inside the first second unless ``in_phase``."""
    requests = [
        make_request(number, Nanos(begin + (0 if in_phase else number * SECOND // orders)))
        for number in range(orders)
    ]
    for user in range(_USERS):
        own = requests[user::_USERS]
        for first in range(0, len(own), _LIST):
            results = await engine.submit(f"user-{user:02}", own[first : first + _LIST])
            assert all(result.order.status.is_open for result in results), results[0].order.progress


def make_request(number: int, start: Nanos) -> OrderRequest:
    """Half buy, half sell, over all books; a third has a limit, which hardly ever stops it."""
    book, side = number % BOOKS, Side.BUY if number // BOOKS % 2 else Side.SELL
    limit = None
    if number % 3 == 0:
        limit = Decimal(first_mid(book)) * (1 + side.sign * Decimal("0.0005"))
    return OrderRequest(
        token_id=f"order-{number:05}",
        exchange="binance",
        symbol=f"C{book:02}-USDT",
        side=side,
        quantity=Decimal("0.02") * (_LENGTH // SECOND),
        limit=limit,
        start=start,
        end=Nanos(start + _LENGTH),
        interval=SECOND,
        slices=None,
        carry=Carry.CATCH_UP,
        late_start=LateStart.COMPRESS,
        max_slippage_bps=Decimal(50) if number % 5 == 0 else None,
        fidelity=Fidelity.DEPTH,
        fingerprint=str(number),
    )


def _begin(orders: int) -> Nanos:
    """When the first slice is due: after all are submitted."""
    return Nanos(time.time_ns() + (3 + orders // 800) * SECOND)


async def until(moment: Nanos) -> None:
    """Wait until that wall time, which must not have passed."""
    left = moment - time.time_ns()
    assert left > 0, "submitting took longer than was allowed for"
    await asyncio.sleep(left / SECOND)


async def _note_lag(lags: list[float]) -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(_LAG_EVERY_S)
        lags.append(time.monotonic() - before - _LAG_EVERY_S)


def spread(nanos: list[int]) -> dict[str, float]:
    """Median, 99th percentile and worst, in milliseconds."""
    ordered = sorted(nanos) or [0]
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: ordered[round(share * (len(ordered) - 1))] / MILLISECOND for name, share in at.items()}


def _memory() -> int:
    """Resident bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def main() -> None:
    """Measure once and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("orders", type=int)
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--in-phase", action="store_true", help="all slices due in the same moment")
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the database goes (default: a temporary one)")
    given = parser.parse_args()
    pin(given.core)
    with (
        tempfile.TemporaryDirectory(dir=given.folder) as folder,
        asyncio.Runner(loop_factory=loop_factory("auto")) as runner,
    ):
        file = Path(folder, "orders.db")
        found = runner.run(measure(given.orders, seconds=given.seconds, in_phase=given.in_phase, file=file))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
