"""Start with many open orders: how long from the start of the process to ready, and nothing lost.

In: how many orders, how many kills. Out: figures. The orders are long and their slices far apart, so that the
start itself is measured.
"""

import asyncio
import random
import time
from collections.abc import Sequence

import httpx

from crash.facts import from_sqlite
from crash.figures import Figures
from crash.journal import Journal, Wire, read
from crash.load import Load, User
from crash.loop import Options, Say, database_file, world
from crash.rules import Times, check
from crash.world import Server

LIST = 1_000
"""Most orders of one submission."""


async def many_orders(options: Options, *, count: int, say: Say) -> Figures:
    """Prepare ``count`` open orders of one user, then kill and start as often as asked."""
    async with (
        world(options) as (server, load),
        httpx.AsyncClient(base_url=server.url, timeout=60) as http,
    ):
        user, began = load.users[0], time.monotonic()
        await _prepare(http, user, load.journal, count=count, rng=random.Random(options.seed))
        say(f"{count} orders accepted in {time.monotonic() - began:.1f} s")
        return await _kill_and_start(server, load, options, http, count=count, say=say)


async def _prepare(
    http: httpx.AsyncClient, user: User, journal: Journal, *, count: int, rng: random.Random
) -> None:
    bodies = [_long(number, rng) for number in range(count)]
    for first in range(0, count, LIST):
        batch = journal.sent(user.name, bodies[first : first + LIST])
        asked = time.time_ns()
        answer = await http.post("/orders", json=batch.bodies, headers={"X-API-Key": user.key})
        journal.answered(batch, read(answer.raise_for_status().content), asked=asked)


def _long(number: int, rng: random.Random) -> Wire:
    """An order of hours; the first slices are spread over ten minutes."""
    return {
        "token_id": f"many-{number}",
        "exchange": rng.choice(("binance", "kraken")),
        "symbol": rng.choice(("BTC-USDT", "ETH-USDT")),
        "side": rng.choice(("buy", "sell")),
        "quantity": "1",
        "start_time": f"+{rng.randint(0, 600)}s",
        "duration": "3h",
        "interval": 600,
    }


async def _kill_and_start(
    server: Server, load: Load, options: Options, http: httpx.AsyncClient, *, count: int, say: Say
) -> Figures:
    figures = Figures(database="SQLite")
    for number in range(options.kills):
        await asyncio.sleep(2 * options.pace)
        await server.kill()
        figures.kills["any time"] += 1
        facts = from_sqlite(database_file(options.folder))
        await server.start()
        await server.until_ready()
        say(f"kill {number + 1}: ready after {server.lives[-1].seconds_to_ready:.2f} s")
        times = Times(lives=server.lives, read_at=time.time_ns(), now=time.time_ns())
        figures.breaches += check(facts, load.journal, times)
        figures.checks += 1
        working = await _gauge(http)
        if working != count:
            load.journal.breach("F24", load.users[0].name, f"{working} of {count} orders go on")
    figures.breaches += load.journal.breaches
    figures.take(load.journal, facts, server.lives)
    return figures


async def _gauge(http: httpx.AsyncClient) -> int:
    lines: Sequence[str] = (await http.get("/metrics")).text.splitlines()
    return round(float(next(line for line in lines if line.startswith("twap_open_orders")).split()[1]))
