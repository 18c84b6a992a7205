"""kill -9 in the middle of an order: acknowledged means durable, slices once, nothing is filled backwards."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import httpx

from support.live import PASSWORD, until_listed
from twap_client import TwapClient
from twap_models import OrderEvent, OrderStatus
from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue


@asynccontextmanager
async def process(folder: Path, venue: Venue) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A server process on the simulated Binance, with its database in ``folder``; killed at the end."""
    urls = venue.urls()["binance"]
    environment = os.environ | {
        "TWAP_EXCHANGES__BINANCE__WS_URL": urls["ws_url"],
        "TWAP_EXCHANGES__BINANCE__REST_URL": urls["rest_url"],
    }
    flags = f"--exchange binance --port 0 --database sqlite:///{folder / 'kill.sqlite3'}"
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twap_server", "start", *flags.split(),
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert server.stdout is not None
    try:
        async with asyncio.timeout(30):
            url = (await server.stdout.readline()).decode().split()[3]
            async with httpx.AsyncClient(base_url=url) as http:
                while (await http.get("/ready")).is_error:
                    await asyncio.sleep(0.02)
        yield url, server
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


async def test_an_order_survives_kill_9(tmp_path: Path) -> None:
    clock = SystemClock()
    async with Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue:
        async with process(tmp_path, venue) as (url, server), TwapClient(url) as client:
            await client.accounts.register("ada", PASSWORD)
            await client.accounts.login("ada", PASSWORD)
            await until_listed(url, "binance")
            await client.orders.submit(
                exchange="binance",
                symbol="BTCUSDT",
                side="buy",
                quantity="0.2",
                duration=12,
                slices=48,
                token_id="k",
            )
            async with asyncio.timeout(20), client.stream(orders=True, since=0) as stream:
                async for message in stream:
                    if isinstance(message, OrderEvent) and message.order.filled_quantity:
                        break
            told = message.order.filled_quantity
            server.kill()
            await server.wait()
        async with process(tmp_path, venue) as (url, _), TwapClient(url) as client:
            await client.accounts.login("ada", PASSWORD)
            async with asyncio.timeout(30), client.stream(orders=True, since=0) as stream:
                async for message in stream:
                    if isinstance(message, OrderEvent) and not message.order.status.is_open:
                        break
            done = await client.orders.get("k")
    assert done.status is OrderStatus.FILLED
    assert done.filled_quantity == sum(fill.quantity for fill in done.fills) == Decimal("0.2") >= told
    assert [piece.index for piece in done.slices] == list(range(48))
    assert any(piece.reason == "engine_down" for piece in done.slices)
    assert done.start_time is not None and done.end_time is not None
    assert all(done.start_time <= fill.time <= done.end_time for fill in done.fills)
