"""What only PostgreSQL has: it comes and goes, connections break, and a lock keeps two servers apart."""

import asyncio
import os
import re
from contextlib import AsyncExitStack
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text

from support.clocks import LoopClock
from support.postgres import PostgresServer
from support.store.builders import accepted, make_order
from support.store.databases import Outside
from twap_server.clock import SystemClock
from twap_server.domain.errors import StoreTakenOver, StoreUnavailable
from twap_server.store.config import StoreConfig
from twap_server.store.database import Database
from twap_server.store.failures import translated
from twap_server.store.orders import SqlOrderStore

CUT_WRITER = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name LIKE 'twap-server % process %' AND datname = current_database()
"""


@pytest.fixture
def url(server_url: str) -> str:
    return server_url


@pytest.fixture
def quick(url: str) -> StoreConfig:
    return StoreConfig(url=url, busy_timeout=timedelta(milliseconds=200))


async def test_connections_have_deadlines_and_readers_see_one_moment(database: Database) -> None:
    async def shown(connection: object, name: str) -> object:
        return (await connection.execute(text(f"SHOW {name}"))).scalar_one()  # type: ignore[attr-defined]

    async with database.reading() as r, database.transaction() as w:
        for connection, isolation, reads_only in ((r, "repeatable read", "on"), (w, "read committed", "off")):
            assert await shown(connection, "lock_timeout") == "5s"
            assert await shown(connection, "transaction_isolation") == isolation
            assert await shown(connection, "transaction_read_only") == reads_only
            assert await shown(connection, "synchronous_commit") == "on"


async def test_a_second_server_is_refused(url: str, quick: StoreConfig) -> None:
    async with Database.open(url) as database:
        with pytest.raises(StoreUnavailable, match=rf"process {os.getpid()} on .*\) is using") as caught:
            async with Database.open(quick):
                pass
        assert "stop it first" in str(caught.value)
        await SqlOrderStore(database).commit([accepted(make_order())])
    async with Database.open(quick):
        pass


async def test_a_server_that_was_cut_off_takes_the_lock_again(
    url: str, quick: StoreConfig, outside: Outside
) -> None:
    async with Database.open(url) as database:
        orders = SqlOrderStore(database)
        assert outside(CUT_WRITER) == ["t"]
        await orders.commit([accepted(make_order())])
        with pytest.raises(StoreUnavailable, match="is using"):
            async with Database.open(quick):
                pass
        assert await orders.open_orders() == [make_order()]


async def test_a_server_that_was_replaced_never_writes_again(
    url: str, quick: StoreConfig, outside: Outside
) -> None:
    async with AsyncExitStack() as stack:
        old = SqlOrderStore(await stack.enter_async_context(Database.open(quick)))
        assert outside(CUT_WRITER) == ["t"]
        new = SqlOrderStore(await stack.enter_async_context(Database.open(url)))
        for _ in range(2):
            with pytest.raises(StoreTakenOver, match=rf"process {os.getpid()} on .* took the database over"):
                await old.commit([accepted(make_order(1))])
        assert await old.open_orders() == []
        await new.commit([accepted(make_order(2))])
        assert await old.open_orders() == [make_order(2)], "it may still read"


async def test_a_server_learns_of_a_successor_that_is_gone_again(
    url: str, quick: StoreConfig, outside: Outside
) -> None:
    async with Database.open(quick) as old:
        assert outside(CUT_WRITER) == ["t"]
        async with Database.open(url) as new:
            await SqlOrderStore(new).commit([accepted(make_order())])
        with pytest.raises(StoreTakenOver, match=rf"process {os.getpid()} on .* took the database over"):
            await SqlOrderStore(old).commit([accepted(make_order(2))])
        with pytest.raises(StoreTakenOver):
            await old.hold(LoopClock())
    async with Database.open(url) as third:
        assert await SqlOrderStore(third).open_orders() == [make_order()]


async def test_the_right_to_write_is_kept_in_idle_moments(
    url: str, quick: StoreConfig, outside: Outside
) -> None:
    holders = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
    async with Database.open(url) as database, asyncio.TaskGroup() as group:
        holding = group.create_task(database.hold(SystemClock()))
        before = outside(holders)
        assert outside(CUT_WRITER) == ["t"]
        async with asyncio.timeout(10):
            while not (after := outside(holders)):
                await asyncio.sleep(0.05)
        assert len(before) == len(after) == 1 and before != after
        holding.cancel()


def test_the_drivers_own_errors_are_translated() -> None:
    with pytest.raises(StoreUnavailable, match="connection was lost"), translated():
        raise asyncpg.ConnectionDoesNotExistError
    with pytest.raises(StoreUnavailable), translated():
        raise asyncpg.InterfaceError("connection is closed")


async def test_a_dead_connection_of_ours_gives_its_lock_up(url: str, outside: Outside) -> None:
    """As after a cut cable: PostgreSQL still believes in the old connection, we have a new one."""
    holders = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
    async with Database.open(url) as database, database._writer.connect() as forgotten:
        (await forgotten.get_raw_connection()).detach()
        before = outside(holders)
        await SqlOrderStore(database).commit([accepted(make_order())])
        after = outside(holders)
    assert len(before) == len(after) == 1 and before != after


@pytest.mark.parametrize("kill", [False, True])
async def test_restarts_cost_no_connection(
    url: str, outside: Outside, postgres: PostgresServer, kill: bool
) -> None:
    async with Database.open(StoreConfig(url=url, pool_size=3)) as database:
        orders = SqlOrderStore(database)
        for n in range(4):
            async with AsyncExitStack() as stack:
                held = [await stack.enter_async_context(database.reading()) for _ in range(3)]
                held.append(await stack.enter_async_context(database.transaction()))
                assert [(await one.execute(text("SELECT 1"))).scalar_one() for one in held] == [1] * 4
            await orders.commit([accepted(make_order(n))])
            postgres.restart(kill=kill)
        assert len(await orders.open_orders()) == 4


async def test_while_it_is_down_it_is_unavailable(database: Database, postgres: PostgresServer) -> None:
    orders = SqlOrderStore(database)
    postgres.kill()
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await orders.open_orders()
            with pytest.raises(StoreUnavailable):
                await orders.commit([accepted(make_order())])
    finally:
        postgres.start()
    async with asyncio.timeout(5):
        await orders.commit([accepted(make_order())])
        assert await orders.open_orders() == [make_order()]


@pytest.mark.parametrize(
    ("part", "instead", "says"),
    [
        (":correct-horse@", ":wrong@", "the user or the password is wrong"),
        ("/test_", "/absent_", "there is no database of that name"),
        (r"\d+/", "1/", "nothing listens at its address"),
        (r"\d+/", "70000/", "port 70000"),
        ("$", "?sslmode=require", "sslmode"),
        ("$", "?no_such_setting=1", "a setting that it does not have"),
    ],
)
async def test_what_is_wrong_with_the_url_is_said(url: str, part: str, instead: str, says: str) -> None:
    with pytest.raises(StoreUnavailable, match=says) as caught:
        async with Database.open(re.sub(part, instead, url)):
            pass
    assert "correct-horse" not in str(caught.value)
