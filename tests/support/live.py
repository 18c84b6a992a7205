"""The real server in this process, on loopback, against a simulated exchange."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from support import nodes
from support.store import templates
from twap_client import TwapClient
from twap_models import OrderEvent, TwapOrderDetail
from twap_server import bootstrap, settings
from twap_server.api.server import Listening
from twap_server.bootstrap.serving import answer_until
from twap_server.clock import SystemClock
from twap_server.domain.clock import Clock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue
from twap_server.venue.source import Source

PASSWORD = "correct horse battery"


@asynccontextmanager
async def serving(
    folder: Path, urls: dict[str, dict[str, str]], *, clock: Clock | None = None, **flags: object
) -> AsyncIterator[str]:
    """Run the server against exchanges at ``urls``; gives its base URL."""
    if nodes.are_wanted():
        async with nodes.serving_on_nodes(folder, urls, clock=clock, **flags) as url:
            yield url
        return
    file = folder / "twap.sqlite3"
    if "database" not in flags:
        templates.copy_to(file)
    given = {"port": 0, "database": f"sqlite:///{file}", "exchanges": urls} | flags
    chosen = bootstrap.choose(settings.load(file=None, flags=given), list(urls))
    stopping = asyncio.Event()
    with Listening("127.0.0.1", 0) as listening:
        async with bootstrap.running(chosen, clock=clock or SystemClock()) as server:
            task = server.group.create_task(answer_until(stopping, server, listening))
            try:
                yield listening.url
            finally:
                stopping.set()
                await asyncio.wait([task])


@asynccontextmanager
async def simulated(folder: Path, source: Source | None = None, **flags: object) -> AsyncIterator[str]:
    """Run venue and server; without a source the seeded synthetic market."""
    clock = SystemClock()
    async with (
        Venue(source or SyntheticSource(seed=7, clock=clock), clock=clock) as venue,
        serving(folder, venue.urls(), clock=None, **flags) as url,
    ):
        yield url


@asynccontextmanager
async def process(
    database: str, venue: Venue, **environment: str
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A server process on the simulated Binance, killed at the end; gives its base URL once it is ready."""
    urls = venue.urls()["binance"]
    variables = {
        "TWAP_EXCHANGES__BINANCE__WS_URL": urls["ws_url"],
        "TWAP_EXCHANGES__BINANCE__REST_URL": urls["rest_url"],
        "TWAP_DATABASE": database,
    }
    words = ["start"]
    if nodes.are_wanted():
        words, more = nodes.as_one_process(database)
        variables |= more
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twap_server", *words, "--exchange", "binance", "--port", "0",
        env=os.environ | variables | environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert server.stdout is not None
    try:
        async with asyncio.timeout(120):
            url = (await server.stdout.readline()).decode().split()[3]
            async with httpx.AsyncClient(base_url=url) as http:
                while (await http.get("/ready")).is_error:
                    await asyncio.sleep(0.02)
        yield url, server
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


@asynccontextmanager
async def signed_in(url: str, name: str = "ada") -> AsyncIterator[TwapClient]:
    """A client with an account of its own."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(TwapClient(url))
        await client.accounts.register(name, PASSWORD)
        await client.accounts.login(name, PASSWORD)
        yield client


async def until_listed(url: str, *exchanges: str) -> None:
    """Wait until these exchanges' instruments are known."""
    async with httpx.AsyncClient(base_url=url) as http, asyncio.timeout(60):
        for name in exchanges:
            while (await http.get(f"/exchanges/{name}/symbols")).is_error:
                await asyncio.sleep(0.02)


async def bought_on_binance(
    url: str, client: TwapClient, *, quantity: str, duration: int, slices: int
) -> TwapOrderDetail:
    """A BTCUSDT buy, submitted once the book is live and followed to its end."""
    await until_listed(url, "binance")
    await client.market.orderbook("binance", "BTCUSDT")
    await client.orders.submit(
        exchange="binance",
        symbol="BTCUSDT",
        side="buy",
        quantity=quantity,
        duration=duration,
        slices=slices,
        token_id="real",
    )
    async with asyncio.timeout(60):
        async for message in client.stream(orders=True, since=0):
            if isinstance(message, OrderEvent) and not message.order.status.is_open:
                break
    return await client.orders.get("real")
