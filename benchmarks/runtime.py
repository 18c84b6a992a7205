"""Which event loop and which HTTP parser the server's own work is cheapest on; how long it stands still.

The server is ``twap-server start``, on a core of its own. First the same requests and stream clients on each
loop and parser: what counts is processor time of the server. Then the reference load, with the garbage
collector tuned and as Python sets it up: pauses and lateness as ``/metrics`` tells them. Run with
``python -m benchmarks.runtime [--repeats N] [--quick] [--json FILE]``.
"""

import asyncio
import json
import re
import shutil
import statistics
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from itertools import count, islice
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.harness.asking import ask, request
from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, at_most
from benchmarks.harness.machine import pin
from benchmarks.harness.orders import MARKETS, SECRET, prepare
from benchmarks.harness.processes import ServerProcess, Urls, server, venue

_HEALTHS, _REQUESTS, _TURNS = 4_000, 240, 8
_CLIENTS, _STREAM_S = 200, 4.0
_CONNECTIONS = 64
_ORDERS, _LOAD_S, _ASKS_PER_SECOND = 10_000, 8.0, 100
_LOOPS = {
    "asyncio, h11": {"TWAP_RUNTIME__EVENT_LOOP": "asyncio", "TWAP_RUNTIME__HTTP_PARSER": "h11"},
    "asyncio, httptools": {"TWAP_RUNTIME__EVENT_LOOP": "asyncio", "TWAP_RUNTIME__HTTP_PARSER": "httptools"},
    "uvloop, h11": {"TWAP_RUNTIME__EVENT_LOOP": "uvloop", "TWAP_RUNTIME__HTTP_PARSER": "h11"},
    "uvloop, httptools": {"TWAP_RUNTIME__EVENT_LOOP": "uvloop", "TWAP_RUNTIME__HTTP_PARSER": "httptools"},
}
_ROOM = {"TWAP_API__STREAM__MAX_PER_USER": "1000", "TWAP_ENGINE__MAX_OPEN_ORDERS": "100000"}
"""One user does it all."""
_COLLECTORS = {
    "as Python sets it up": {"TWAP_RUNTIME__TUNE_GC": "false"},
    "tuned": {"TWAP_RUNTIME__TUNE_GC": "true"},
}
_BUCKET = re.compile(r'^(\w+)_bucket\{(?:generation="\d",)?le="([^"]+)"\} (\S+)$', re.MULTILINE)
_BUSY, _AT_MOST = "ms of CPU a second", "ms, at most"

Found = dict[tuple[str, str, str], list[float]]
"""Values by job, contender and unit."""


def measure(options: Options) -> Part:
    """Measure both, contenders in rounds."""
    pin(1)
    scale = 10 if options.quick else 1
    part = Part("runtime", "Event loop, HTTP parser, garbage collection")
    found: Found = {}
    with venue() as urls, _databases(_ORDERS // scale) as (small, large):
        for _ in range(max(1, options.repeats // 2)):  # a round takes long
            places = {who: _Place(small, urls, variables) for who, variables in _LOOPS.items()}
            _loop_round(found, places, scale)
            for who, variables in _COLLECTORS.items():
                _collector_round(found, who, _Place(large, urls, variables), scale)
    part.figures += [Figure(job, who, unit, values) for (job, who, unit), values in sorted(found.items())]
    lag = statistics.median(found["reference load: lateness of the loop, 99 of 100", "tuned", _AT_MOST])
    part.targets.append(
        at_most("reference load: p99 lateness of the event loop below 50 ms", lag, 50, "{:.0f} ms")
    )
    part.notes += [
        "Processor time of the server alone, in microseconds for each request or message; others on the "
        "same cores disturb it least.",
        f"Reference load: {_ORDERS // scale:,} open orders with a slice every minute, spread; four live "
        f"books; {_ASKS_PER_SECOND} requests a second, one in ten a new order; {_CLIENTS} stream clients. "
        "Pauses and lateness are read from the server's own histograms: a figure is the upper bound of its "
        "bucket. Where other programs use the server's core, both are theirs as much as the server's.",
    ]
    return part


class _Place:
    """Where a contender's server starts."""

    def __init__(self, database: Path, urls: Urls, variables: Mapping[str, str]) -> None:
        self._database, self._urls, self._variables = database, urls, variables

    @contextmanager
    def server(self) -> Iterator[ServerProcess]:
        """A server on a copy of the database."""
        variables = {**self._variables, **_ROOM}
        with tempfile.TemporaryDirectory(prefix="twap-runtime-") as folder:
            copy = Path(shutil.copy(self._database, folder))
            with server(copy, self._urls, variables=variables) as started:
                yield started


@contextmanager
def _databases(orders: int) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory(prefix="twap-runtime-") as name:
        small, large = Path(name) / "small.sqlite3", Path(name) / "large.sqlite3"
        asyncio.run(prepare(small, orders=1))
        asyncio.run(prepare(large, orders=orders, first_s=30, spread_s=60, interval_s=60))
        yield small, large


def _loop_round(found: Found, places: Mapping[str, _Place], scale: int) -> None:
    """All contenders' servers run at once and are asked by turns, so that a slow moment meets all of them."""
    with ExitStack() as stack:
        servers = {who: stack.enter_context(place.server()) for who, place in places.items()}
        numbers = count()
        for job, work, many in (
            ("GET /health", _health, _HEALTHS // scale),
            ("GET one order", _read, _REQUESTS // scale),
            ("POST one order", _submit, _REQUESTS // scale),
        ):
            used = dict.fromkeys(servers, 0.0)
            for turn in range(_TURNS + 1):
                for who, started in servers.items():
                    cpu = asyncio.run(work(started, numbers, many // _TURNS))
                    used[who] += cpu if turn else 0.0  # the first only warms up
            for who, cpu in used.items():
                found.setdefault((job, who, "µs of CPU each"), []).append(cpu / _TURNS * 1e6)
        busy = asyncio.run(_watch(servers, _CLIENTS // scale, _STREAM_S))
        for who, share in busy.items():
            found.setdefault(("stream to 200 clients, four live books", who, _BUSY), []).append(share * 1e3)


async def _health(started: ServerProcess, _numbers: Iterator[int], many: int) -> float:
    return await _cpu_of(started, [request("GET", "/health", key=SECRET)] * many, status=200)


async def _read(started: ServerProcess, _numbers: Iterator[int], many: int) -> float:
    asked = [request("GET", "/orders/token-0", key=SECRET)] * many
    return await _cpu_of(started, asked, status=200)


async def _submit(started: ServerProcess, numbers: Iterator[int], many: int) -> float:
    return await _cpu_of(started, [_order(number) for number in islice(numbers, many)], status=201)


async def _cpu_of(started: ServerProcess, asked: list[bytes], *, status: int) -> float:
    before = started.cpu_s
    await ask(started.port, asked, connections=_CONNECTIONS, status=status)
    return (started.cpu_s - before) / len(asked)


async def _watch(servers: Mapping[str, ServerProcess], clients: int, seconds: float) -> dict[str, float]:
    """Processor seconds a second of each server while so many clients read from each."""
    async with AsyncExitStack() as stack:
        for started in servers.values():
            await stack.enter_async_context(_clients(started, clients))
        before, began = {who: one.cpu_s for who, one in servers.items()}, time.perf_counter()
        await asyncio.sleep(seconds)
        took = time.perf_counter() - began
        return {who: (one.cpu_s - before[who]) / took for who, one in servers.items()}


@asynccontextmanager
async def _clients(started: ServerProcess, clients: int) -> AsyncIterator[None]:
    """So many stream clients, each reading one of four books."""
    url, headers = f"ws://127.0.0.1:{started.port}/ws", {"X-API-Key": SECRET}
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        readers = []
        for number in range(clients):
            exchange, symbol = MARKETS[number % len(MARKETS)]
            socket = await stack.enter_async_context(
                connect(url, additional_headers=headers, compression=None, open_timeout=60)
            )
            await socket.send(
                json.dumps({"type": "subscribe", "channel": "book", "exchange": exchange, "symbol": symbol})
            )
            readers.append(group.create_task(_read_on(socket)))
        await asyncio.sleep(1)
        try:
            yield
        finally:
            for reader in readers:
                reader.cancel()


async def _read_on(socket: ClientConnection) -> None:
    async for _ in socket:
        """Reading is all there is to do."""


def _collector_round(found: Found, who: str, place: _Place, scale: int) -> None:
    with place.server() as started:
        before = _buckets(started)
        asyncio.run(_reference_load(started, _CLIENTS // scale, _LOAD_S / scale))
        after = _buckets(started)
    grown = {
        name: [
            (bound, late - early) for (bound, late), (_, early) in zip(after[name], before[name], strict=True)
        ]
        for name in after
    }
    lag, pauses = grown["twap_event_loop_lag_seconds"], grown["twap_gc_pause_seconds"]
    for job, milliseconds in (
        ("reference load: lateness of the loop, 99 of 100", _bound_of(lag, 0.99)),
        ("reference load: longest pause for collection", _bound_of(pauses, 1.0)),
    ):
        found.setdefault((job, who, _AT_MOST), []).append(milliseconds)


async def _reference_load(started: ServerProcess, clients: int, seconds: float) -> None:
    read = request("GET", "/orders/token-0", key=SECRET)
    numbers = count()
    async with _clients(started, clients):
        for _ in range(round(seconds)):
            began = time.perf_counter()
            await ask(started.port, [read] * (_ASKS_PER_SECOND * 9 // 10), connections=4, status=200)
            new = [_order(number) for number in islice(numbers, _ASKS_PER_SECOND // 10)]
            await ask(started.port, new, connections=4, status=201)
            await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - began)))


def _order(number: int) -> bytes:
    exchange, symbol = MARKETS[number % len(MARKETS)]
    body = {
        "token_id": f"new-{number}",
        "exchange": exchange,
        "symbol": symbol,
        "quantity": "1",
        "duration": "3h",
        "interval": 60,
    }
    return request("POST", "/orders/twap", key=SECRET, body=body)


Buckets = list[tuple[float, float]]
"""Upper bounds in seconds, each with the count of all up to it."""


def _buckets(started: ServerProcess) -> dict[str, Buckets]:
    """The server's histograms, summed over labels."""
    with urllib.request.urlopen(f"{started.url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, dict[float, float]] = {}
    for name, bound, value in _BUCKET.findall(text):
        counts = found.setdefault(name, {})
        counts[float(bound)] = counts.get(float(bound), 0.0) + float(value)
    return {name: sorted(counts.items()) for name, counts in found.items()}


def _bound_of(buckets: Buckets, share: float) -> float:
    """The bound, in milliseconds, that so large a share of all does not exceed."""
    total = buckets[-1][1]
    return 1e3 * next((bound for bound, up_to in buckets if up_to >= share * total), 0.0)


if __name__ == "__main__":
    run(measure, doc=__doc__)
