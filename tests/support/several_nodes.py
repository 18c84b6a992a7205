"""Nodes on a simulated Binance, a NATS and a PostgreSQL of their own: in this process, or in others."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from support.children import environment
from support.nats import NatsServer
from support.nodes import answering, settings_of, split
from support.postgres import PostgresServer
from twap_server.clock import SystemClock
from twap_server.cluster.config import Role
from twap_server.cluster.subjects import Subjects
from twap_server.domain.clock import Clock
from twap_server.settings import Settings
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue


@dataclass(frozen=True)
class Place:
    """What nodes share."""

    nats: NatsServer
    postgres: PostgresServer
    settings: Settings

    @property
    def subjects(self) -> Subjects:
        return Subjects(self.settings.cluster.prefix)

    def split(self, parts: int) -> "Place":
        """The same, for nodes that share the exchange's symbols out over so many parts."""
        return replace(self, settings=split(self.settings, parts))

    def sql(self, statement: str) -> str:
        return self.postgres.sql(statement, database=self.settings.database_url.rpartition("/")[2])


@asynccontextmanager
async def place(postgres: PostgresServer, *, impatient: bool = False) -> AsyncIterator[Place]:
    """A simulated Binance, a NATS and a database; no node yet."""
    clock = SystemClock()
    async with Venue(SyntheticSource(seed=7, clock=clock), clock=clock) as venue:
        with NatsServer(impatient=impatient) as server, postgres.database() as database:
            urls = {"binance": venue.urls()["binance"]}
            yield Place(server, postgres, settings_of(database, server.url, urls))


@asynccontextmanager
async def running(where: Place, *roles: Role, clock: Clock | None = None) -> AsyncIterator[list[str]]:
    """A node of each role; gives their base URLs."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(answering(where.settings, [one], clock)) for one in roles]


async def ready(url: str) -> tuple[int, str]:
    """The status of ``/ready``, and all that it says."""
    async with httpx.AsyncClient(base_url=url) as http:
        answer = await http.get("/ready")
    return answer.status_code, "; ".join(json.loads(answer.content)["reasons"])


async def until_ready(url: str, status: int, words: str = "") -> None:
    """Wait until ``/ready`` answers so."""
    async with asyncio.timeout(30):
        while not ((found := await ready(url))[0] == status and words in found[1]):
            await asyncio.sleep(0.05)


@asynccontextmanager
async def process_of(
    where: Place, role: Role, log: Path, *words: str
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A node in a process of its own, which can be stopped or killed; gives its base URL."""
    own, urls, key = where.settings.cluster, where.settings.exchanges["binance"], where.settings.signing_key
    assert key is not None
    variables = {
        "TWAP_SIGNING_KEY": key.get_secret_value(),
        "TWAP_CLUSTER__PREFIX": own.prefix,
        "TWAP_CLUSTER__SPLIT": json.dumps(own.split),
        "TWAP_EXCHANGES__BINANCE__WS_URL": urls.ws_url or "",
        "TWAP_EXCHANGES__BINANCE__REST_URL": urls.rest_url or "",
    }
    with log.open("wb") as errors:
        made = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "twap_server", "node", "--role", role.value, "--port", "0",
            "--exchange", "binance", "--nats", own.nats, "--database", where.settings.database_url, *words,
            env=environment(**variables), stdout=asyncio.subprocess.PIPE, stderr=errors,
        )  # fmt: skip
    assert made.stdout is not None
    try:
        async with asyncio.timeout(60):
            told = await made.stdout.readline()
        yield told.decode().split()[3], made
    finally:
        if made.returncode is None:
            made.kill()
        await made.wait()


async def until_held(where: Place, url: str, number: int) -> None:
    """Wait until the node there has so many leases."""
    held = f"""
        SELECT count(*) FROM leases JOIN nodes ON node = node_id
        WHERE address = '{url}' AND until > extract(epoch FROM clock_timestamp()) * 1000000000
    """
    async with asyncio.timeout(120):
        while int(await asyncio.to_thread(where.sql, held)) != number:
            await asyncio.sleep(0.2)
