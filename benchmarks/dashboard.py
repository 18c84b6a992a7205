"""The dashboard in Chromium: bytes and time of the first view, frames and memory of the busiest one.

The server and the simulated exchanges are processes of their own. What one reader costs the server
is measured beside a Python client. Needs Debian's ``chromium``. Run with
``python -m benchmarks.dashboard [--repeats N] [--quick] [--json FILE]``.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, at_most
from benchmarks.harness.processes import ServerProcess, server, venue

_PAGE: Final = "dashboard"
_SETTLE_S = 5.0
_READERS = 6
"""Of each kind, at once: one costs little beside a machine's noise. A user may have eight connections."""
_FRAME_MS = 16.7
_CLOCK_MS = 1.0
"""What a browser's clock for pages is blurred by, and a frame's begin moves: no frame that was late."""
_BOOKS: Final = (
    "binance:BTC-USDT",
    "binance:ETH-USDT",
    "kraken:BTC-USDT",
    "kraken:ETH-USDT",
    "aggregate:BTC-USDT",
)
_PASSWORD = "a password of the benchmark"  # of a server that lives for a minute

_WATCH = """
async (names) => {
  const {onBook, onTrades} = await import("./dashboard/core/feed.js");
  for (const name of names) {
    const [exchange, symbol] = name.split(":");
    onBook(exchange, symbol, {}, () => undefined);
  }
  onTrades("binance", "ETH-USDT", () => undefined);
}
"""
_FRAMES = """
(ms) => new Promise((done) => {
  const lengths = [];
  let before = performance.now();
  const end = before + ms;
  const step = (now) => {
    lengths.push(now - before);
    before = now;
    if (now < end) requestAnimationFrame(step);
    else done(lengths.slice(1));
  };
  requestAnimationFrame(step);
})
"""
_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
_CLIENT = """
import asyncio, sys
from twap_client import TwapClient
async def main(url, name, password, books):
    async with TwapClient(url, username=name, password=password) as client:
        async with client.stream(books, trades=books[:2]) as stream:
            async for message in stream:
                pass
asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
"""


@dataclass(frozen=True, slots=True)
class _First:
    """What the first view took."""

    kilobytes: float
    """The page's own files."""
    data_kilobytes: float
    """What the server answered besides, until candles and book were there."""
    paint_ms: float
    book_ms: float


@dataclass(frozen=True, slots=True)
class _Busy:
    """What the busiest view took while it was watched."""

    frames: list[float]
    main_ms: float
    """Processor time of the page's main thread, each second."""
    grown_mb: float
    server_ms: float
    """Processor time of the server for this page, each second."""
    client_ms: float
    """The same for a Python client."""


def measure(options: Options) -> Part:
    """Measure all of it."""
    part = Part(_PAGE, "The dashboard in a browser")
    watched = 6.0 if options.quick else 20.0
    first, busy = asyncio.run(_measured(1 if options.quick else options.repeats, watched))
    _tell(part, first, busy)
    load = os.getloadavg()[0]
    part.notes.append(
        "Chromium without a screen draws in software, on the processor instead of a graphics card. "
        f"Load average at the end: {load:.1f} on {os.cpu_count()} cores."
    )
    return part


async def _measured(repeats: int, watched_s: float) -> tuple[list[_First], list[_Busy]]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("needs Chromium (Debian: apt-get install chromium)")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="twap-dashboard-")))
        started = stack.enter_context(server(folder / "orders.sqlite3", stack.enter_context(venue())))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            await _registered(browser, started)
            first = [await _first_view(browser, started) for _ in range(repeats)]
            busy = [await _busy_view(browser, started, watched_s) for _ in range(max(1, repeats // 2))]
            await browser.close()
    return first, busy


async def _registered(browser: Browser, started: ServerProcess) -> None:
    async with _page(browser, started) as (page, _):
        await page.goto(started.url)
        await page.wait_for_selector("main")
        await page.evaluate(
            "(word) => import('./dashboard/core/session.js').then((it) => it.register('bench', word))",
            _PASSWORD,
        )


async def _first_view(browser: Browser, started: ServerProcess) -> _First:
    async with _page(browser, started) as (page, devtools):
        addresses: dict[str, str] = {}
        sizes: dict[bool, float] = {True: 0.0, False: 0.0}

        def finished(event: dict[str, Any]) -> None:
            path = addresses.get(event["requestId"], "")
            sizes[path in ("", "/") or path.startswith("/dashboard/")] += event["encodedDataLength"] / 1000

        def answered(event: dict[str, Any]) -> None:
            addresses[event["requestId"]] = urlsplit(event["response"]["url"]).path

        devtools.on("Network.responseReceived", answered)
        devtools.on("Network.loadingFinished", finished)
        await devtools.send("Network.enable")
        await page.goto(started.url)
        await page.wait_for_selector("button.rung .price")
        book_ms = await page.evaluate("performance.now()")
        await page.locator(".candle-legend", has_text="close").wait_for()
        paint_ms = await page.evaluate(_PAINT)
        return _First(sizes[True], sizes[False], paint_ms, book_ms)


async def _busy_view(browser: Browser, started: ServerProcess, seconds: float) -> _Busy:
    """One Python client keeps the books collected while the page is watched, and each kind of reader."""
    with _clients(started, 1):
        async with _page(browser, started) as (page, devtools):
            await _show(page, started)
            before, heap, began = await _tasks(devtools), await _heap(devtools), time.perf_counter()
            lengths: list[float] = await page.evaluate(_FRAMES, seconds * 1000)
            main = (await _tasks(devtools) - before) * 1000 / (time.perf_counter() - began)
            grown = (await _heap(devtools) - heap) / 1e6
        idle = await _server_ms(started, seconds)
        with _clients(started, _READERS):
            clients = await _server_ms(started, seconds)
        async with AsyncExitStack() as stack:
            for _ in range(_READERS):
                page, _ = await stack.enter_async_context(_page(browser, started))
                await _show(page, started)
            pages = await _server_ms(started, seconds)
        idle = (idle + await _server_ms(started, seconds)) / 2
    return _Busy(lengths, main, grown, (pages - idle) / _READERS, (clients - idle) / _READERS)


async def _show(page: Page, started: ServerProcess) -> None:
    await page.goto(f"{started.url}/#/heatmap/binance/BTC-USDT")
    await page.wait_for_selector("main")
    await page.evaluate(
        "(word) => import('./dashboard/core/session.js').then((it) => it.signIn('bench', word))", _PASSWORD
    )
    await page.evaluate(_WATCH, _BOOKS)
    await asyncio.sleep(_SETTLE_S)


@asynccontextmanager
async def _page(browser: Browser, started: ServerProcess) -> AsyncIterator[tuple[Page, CDPSession]]:
    """A page in a browser that has nothing of before."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, base_url=started.url)
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    yield page, devtools
    await context.close()


@contextmanager
def _clients(started: ServerProcess, count: int) -> Iterator[None]:
    command = [sys.executable, "-c", _CLIENT, started.url, "bench", _PASSWORD, *_BOOKS]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.wait()


async def _server_ms(started: ServerProcess, seconds: float) -> float:
    """Processor time of the server each second, in milliseconds, once what was begun has settled."""
    await asyncio.sleep(_SETTLE_S)
    before, began = started.cpu_s, time.perf_counter()
    await asyncio.sleep(seconds)
    return (started.cpu_s - before) * 1000 / (time.perf_counter() - began)


async def _tasks(devtools: CDPSession) -> float:
    """Processor seconds of the page's main thread in its tasks."""
    answer: dict[str, Any] = await devtools.send("Performance.getMetrics")
    return next(float(one["value"]) for one in answer["metrics"] if one["name"] == "TaskDuration")


async def _heap(devtools: CDPSession) -> float:
    """Bytes of the heap that are left after a collection."""
    await devtools.send("HeapProfiler.collectGarbage")
    return float((await devtools.send("Runtime.getHeapUsage"))["usedSize"])


def _tell(part: Part, first: list[_First], busy: list[_Busy]) -> None:
    who, server_work = "dashboard", "server's processor time for"
    late = [100 * sum(one > _FRAME_MS + _CLOCK_MS for one in each.frames) / len(each.frames) for each in busy]
    view, watching = "first view (market)", "heat map and five books"
    figures = [
        (f"{view}: the page's files, compressed", who, "kB", [one.kilobytes for one in first]),
        (f"{view}: data, until candles and book are there", who, "kB", [one.data_kilobytes for one in first]),
        (f"{view}: to the first paint", who, "ms", [one.paint_ms for one in first]),
        (f"{view}: to the first prices of the book", who, "ms", [one.book_ms for one in first]),
        (f"{watching}: frame, median", who, "ms", [_quantile(one.frames, 50) for one in busy]),
        (f"{watching}: frame, 99th percentile", who, "ms", [_quantile(one.frames, 99) for one in busy]),
        (f"{watching}: frames longer than {_FRAME_MS} ms", who, "%", late),
        (f"{watching}: main thread's processor time, each second", who, "ms", [one.main_ms for one in busy]),
        (f"{watching}: heap's growth", who, "MB", [one.grown_mb for one in busy]),
        (
            f"{server_work} one reader of five books, each second (of {_READERS})",
            "page",
            "ms",
            [one.server_ms for one in busy],
        ),
        (
            f"{server_work} one reader of five books, each second (of {_READERS})",
            "Python client",
            "ms",
            [one.client_ms for one in busy],
        ),
    ]
    part.figures += [Figure(*one) for one in figures]
    size = statistics.median(one.kilobytes for one in first)
    paint = statistics.median(one.paint_ms for one in first)
    part.targets += [
        at_most("first view: files of at most 250 kB compressed", size, 250, "{:.0f} kB"),
        at_most("first paint: within 1 s on loopback", paint, 1000, "{:.0f} ms"),
        at_most(
            "60 frames a second: median frame",
            statistics.median(_quantile(one.frames, 50) for one in busy),
            17,
            "{:.1f} ms",
        ),
    ]


def _quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


if __name__ == "__main__":
    run(measure, doc=__doc__)
