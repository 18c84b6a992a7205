"""A server of three nodes in this process: collector, engine and gateway, on a real NATS and PostgreSQL.

``TWAP_TEST_NODES=1`` lets tests that ask ``support.live`` for a server have this one, unchanged.
"""

import asyncio
import atexit
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path

from support.nats import NatsServer
from support.postgres import PostgresServer
from twap_server import bootstrap, settings
from twap_server.api.server import Listening
from twap_server.bootstrap.serving import answer_until
from twap_server.clock import SystemClock
from twap_server.cluster.config import Role
from twap_server.domain.clock import Clock


def are_wanted() -> bool:
    """Whether tests shall have three nodes in the place of one server."""
    return bool(os.environ.get("TWAP_TEST_NODES"))


@asynccontextmanager
async def serving_on_nodes(
    folder: Path, urls: dict[str, dict[str, str]], *, clock: Clock | None = None, **flags: object
) -> AsyncIterator[str]:
    """Run three nodes against exchanges at ``urls``; gives the gateway's base URL."""
    postgres, nats = _postgres(), _nats()
    with postgres.database() as database:
        given = {
            "port": 0,
            "database": database,
            "exchanges": urls,
            "signing_key": "a signing key for tests of nodes alone",
            "cluster": {"nats": nats.url, "prefix": database.rpartition("/")[2]},
        } | {name: value for name, value in flags.items() if name != "database"}
        chosen = bootstrap.choose(settings.load(file=None, flags=given, environment={}), list(urls))
        async with AsyncExitStack() as stack:
            for role in (Role.COLLECTOR, Role.ENGINE):
                await stack.enter_async_context(
                    bootstrap.running_node(chosen, [role], clock=clock or SystemClock())
                )
            with Listening("127.0.0.1", 0) as listening:
                gateway = await stack.enter_async_context(
                    bootstrap.running_node(chosen, [Role.GATEWAY], clock=clock or SystemClock())
                )
                stopping = asyncio.Event()
                task = gateway.group.create_task(answer_until(stopping, gateway, listening))
                try:
                    yield listening.url
                finally:
                    stopping.set()
                    await asyncio.wait([task])


@cache
def _postgres() -> PostgresServer:
    """One for all tests of a process; gone with it."""
    server = PostgresServer().__enter__()
    atexit.register(server.remove)
    return server


@cache
def _nats() -> NatsServer:
    server = NatsServer()
    server.start()
    atexit.register(server.kill)
    return server
