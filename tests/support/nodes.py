"""A server of three nodes in this process: collector, engine and gateway, on a real NATS and PostgreSQL.

Binance is split: its symbols come from two collectors, though one node runs both.

``TWAP_TEST_NODES=1`` lets tests that ask ``support.live`` for a server have this one, unchanged.
"""

import asyncio
import atexit
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path

import pytest

from support.nats import NatsServer
from support.postgres import PostgresServer
from support.store import templates
from twap_server import bootstrap, settings
from twap_server.api.server import Listening
from twap_server.bootstrap.serving import answer_until
from twap_server.clock import SystemClock
from twap_server.cluster.config import Role
from twap_server.domain.clock import Clock

_SIGNING_KEY = "a signing key for tests of nodes alone"


def are_wanted() -> bool:
    """Whether tests shall have three nodes in the place of one server."""
    return bool(os.environ.get("TWAP_TEST_NODES"))


def not_on_nodes(why: str) -> pytest.MarkDecorator:
    """Mark a test that reaches into what only a single server has."""
    return pytest.mark.skipif(are_wanted(), reason=f"not on nodes: {why}")


def as_one_process(database: str) -> tuple[list[str], dict[str, str]]:
    """The words and variables by which one process is a whole server that others could join.

    Args:
        database: of PostgreSQL, it is used; a file of SQLite stands for a database of its own.
    """
    if not database.startswith("postgresql"):
        database = _database_of(Path(database))
    variables = {
        "TWAP_DATABASE": database,
        "TWAP_CLUSTER__NATS": _nats().url,
        "TWAP_CLUSTER__PREFIX": database.rpartition("/")[2],
        "TWAP_SIGNING_KEY": _SIGNING_KEY,
    }
    return ["node", *(word for role in Role for word in ("--role", role.value))], variables


@asynccontextmanager
async def serving_on_nodes(
    folder: Path, urls: dict[str, dict[str, str]], *, clock: Clock | None = None, **flags: object
) -> AsyncIterator[str]:
    """Run three nodes against exchanges at ``urls``; gives the gateway's base URL.

    Args:
        folder: those that are run with it have one database, as if its file were in there.
        urls: of exchanges.
        clock: of all three.
        flags: settings.
    """
    database = str(flags.pop("database", "")) or _database_of(folder)
    chosen = split(settings_of(database, _nats().url, urls, **flags), 2 if "binance" in urls else 1)
    async with AsyncExitStack() as stack:
        for role in (Role.COLLECTOR, Role.ENGINE):
            await stack.enter_async_context(
                bootstrap.running_node(chosen, [role], clock=clock or SystemClock())
            )
        yield await stack.enter_async_context(answering(chosen, [Role.GATEWAY], clock or SystemClock()))


def settings_of(
    database: str, nats: str, urls: dict[str, dict[str, str]], **flags: object
) -> settings.Settings:
    """Of all nodes of one database; on one NATS those of others are apart."""
    given = {
        "port": 0,
        "database": database,
        "exchanges": urls,
        "signing_key": _SIGNING_KEY,
        "cluster": {"nats": nats, "prefix": database.rpartition("/")[2]},
    } | flags
    return bootstrap.choose(settings.load(file=None, flags=given, environment={}), list(urls))


def split(chosen: settings.Settings, parts: int) -> settings.Settings:
    """The same, for collectors that share Binance's symbols out over so many parts."""
    cluster = chosen.cluster.model_copy(update={"split": {"binance": parts}} if parts > 1 else {})
    return chosen.model_copy(update={"cluster": cluster})


@asynccontextmanager
async def answering(
    chosen: settings.Settings, roles: Sequence[Role], clock: Clock | None = None
) -> AsyncIterator[str]:
    """Run one node, its HTTP side too; gives its base URL."""
    stopping = asyncio.Event()
    with Listening("127.0.0.1", 0) as listening:
        running = bootstrap.running_node(chosen, roles, clock=clock or SystemClock(), address=listening.url)
        async with running as node:
            task = node.group.create_task(answer_until(stopping, node, listening))
            try:
                yield listening.url
            finally:
                stopping.set()
                await asyncio.wait([task])


@cache
def _database_of(folder: Path) -> str:
    """One for each folder; gone with the whole PostgreSQL."""
    name = f"test_{secrets.token_hex(6)}"
    _postgres().sql(f"CREATE DATABASE {name} TEMPLATE {_template()} STRATEGY FILE_COPY")
    return _postgres().url(name)


@cache
def _template() -> str:
    _postgres().sql("CREATE DATABASE migrated TEMPLATE template0 STRATEGY FILE_COPY")
    templates.migrated(_postgres().url("migrated"))
    return "migrated"


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
