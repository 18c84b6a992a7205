"""The real server in this process, on loopback, against a simulated exchange: every part is the product's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from twap_client import TwapClient
from twap_server import bootstrap, settings
from twap_server.api.app import create_app
from twap_server.api.server import HttpServer
from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue
from twap_server.venue.source import Source

PASSWORD = "correct horse battery"


@asynccontextmanager
async def serving(folder: Path, urls: dict[str, dict[str, str]], **flags: object) -> AsyncIterator[str]:
    """Run the server against exchanges at ``urls``; gives its base URL."""
    given = {"port": 0, "database": f"sqlite:///{folder / 'twap.sqlite3'}", "exchanges": urls} | flags
    chosen = bootstrap.choose(settings.load(file=None, flags=given), list(urls))
    async with bootstrap.running(chosen, clock=SystemClock()) as server:
        http = HttpServer(create_app(server.parts), host="127.0.0.1", port=0)
        task = server.group.create_task(http.run())
        try:
            yield f"http://127.0.0.1:{http.port}"
        finally:
            await server.parts.sessions.close_all()
            http.stop()
            await asyncio.wait([task])


@asynccontextmanager
async def simulated(folder: Path, source: Source | None = None, **flags: object) -> AsyncIterator[str]:
    """Run venue and server; without a source the seeded synthetic market."""
    clock = SystemClock()
    async with Venue(source or SyntheticSource(seed=7, clock=clock), clock=clock) as venue:
        async with serving(folder, venue.urls(), **flags) as url:
            yield url


@asynccontextmanager
async def signed_in(url: str, name: str = "ada") -> AsyncIterator[TwapClient]:
    """A client with an account of its own."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(TwapClient(url))
        await client.accounts.register(name, PASSWORD)
        await client.accounts.login(name, PASSWORD)
        yield client


async def until_listed(url: str) -> None:
    """Wait until every exchange's instruments are known."""
    async with httpx.AsyncClient(base_url=url) as http, asyncio.timeout(15):
        while any(not one["instruments"] for one in (await http.get("/exchanges")).json()):
            await asyncio.sleep(0.02)
