"""``hatch run page-watch --minutes M``: keep the dashboard open on a demo, and say if its heap grows.

Shows the views in turn in Chromium, signed in, with a small order at work all the time. Once a minute the
garbage is collected and the heap that is left is printed. Exit code 1: from the end of the first tenth to
the last sample it grew by more than ``--bound`` MB.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import Watched, browsing, demo_server

VIEWS = ("#/market", "#/heatmap", "#/orders", "#/health", "#/market")
_SUBMIT = """
() => import("./dashboard/core/api.js").then((api) => api.post("orders/twap", {
  token_id: `watch-${Date.now()}`, exchange: "binance", symbol: "BTC-USDT", side: "buy",
  quantity: "0.05", duration: "60s", interval: "1s"}))
"""


async def main() -> int:
    """Watch; give the exit code."""
    given = _arguments()
    with demo_server() as url:
        async with browsing(url, width=1440, height=900) as watched:
            await watched.enter_demo()
            heaps = [heap async for heap in _samples(watched, given.minutes)]
    settled = heaps[max(0, len(heaps) // 10)]
    growth = (heaps[-1] - settled) / 1e6
    print(f"heap: {settled / 1e6:.1f} → {heaps[-1] / 1e6:.1f} MB ({growth:+.1f}) in {given.minutes} minutes")
    return 1 if growth > given.bound else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--bound", type=float, default=10, help="MB of growth")
    return parser.parse_args()


async def _samples(watched: Watched, minutes: int) -> AsyncIterator[int]:
    """The heap after each minute; in each the views are shown in turn, the market last."""
    devtools = await watched.page.context.new_cdp_session(watched.page)
    for minute in range(minutes + 1):
        await watched.page.evaluate(_SUBMIT)
        for view in VIEWS:
            await watched.page.evaluate(f"location.hash = '{view}'")
            await watched.page.wait_for_timeout(60_000 / len(VIEWS))
        await devtools.send("HeapProfiler.collectGarbage")
        usage = await devtools.send("Runtime.getHeapUsage")
        print(f"minute {minute}: {usage['usedSize'] / 1e6:.1f} MB", flush=True)
        yield usage["usedSize"]


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
