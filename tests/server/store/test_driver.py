"""store/: one trip to SQLite's thread for a statement or a commit, with everything that it gives."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from support.store.builders import accepted, make_order
from twap_server.store import driver
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

KINDS = ["sqlite"]


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[driver.DriverConnection]:
    opened = driver.connect(tmp_path / "x.db", isolation_level=None)
    await opened
    await (await opened.cursor().execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")).close()
    yield opened
    await opened.close()


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was sent to a thread from now on."""
    made: list[str] = []
    ask = driver.DriverConnection.ask

    async def count(self: driver.DriverConnection, do: Any, *args: Any) -> Any:
        made.append(f"{do.__name__} {args[1]}" if do is driver._run else do.__name__)
        return await ask(self, do, *args)

    monkeypatch.setattr(driver.DriverConnection, "ask", count)
    return made


async def test_a_commit_is_one_trip(orders: SqlOrderStore, trips: list[str]) -> None:
    await orders.commit([accepted(make_order(n), seq=n + 1) for n in range(20)])
    assert trips == ["_write"]


async def test_a_read_is_one_trip(orders: SqlOrderStore, trips: list[str]) -> None:
    await orders.find("alice", ["0"])  # opens a connection
    trips.clear()
    await orders.find_all([("alice", "1"), ("bob", "2")])
    await orders.last_event_seq("alice")
    assert [trip.split()[:2] for trip in trips] == [["_run", "SELECT"], ["_run", "SELECT"]]


async def test_several_reads_of_one_moment_are_a_transaction(orders: SqlOrderStore, trips: list[str]) -> None:
    await orders.commit([accepted(make_order(1), seq=1)])
    await orders.find("alice", ["0"])
    trips.clear()
    assert await orders.detail("alice", "token-1") is not None
    kinds = [trip.split()[:2][-1] for trip in trips]
    assert kinds == ["BEGIN", *["SELECT"] * 5, "rollback"]


async def test_rows_counts_and_columns(connection: driver.DriverConnection) -> None:
    many = await connection.cursor().executemany(
        "INSERT INTO t VALUES (?, ?)", [(n, str(n)) for n in range(5)]
    )
    assert (many.rowcount, many.description, await many.fetchall()) == (5, None, [])
    one = await connection.cursor().execute("INSERT INTO t (b) VALUES (?)", ["x"])
    assert (one.rowcount, one.lastrowid) == (1, 5)
    read = connection.cursor()
    assert (read.description, read.rowcount, read.lastrowid) == (None, -1, None)
    await read.execute("SELECT a, b FROM t WHERE a > ?", (3,))
    assert [column[0] for column in read.description] == ["a", "b"]
    assert await read.fetchall() == [(4, "4"), (5, "x")]
    assert await read.fetchall() == []


async def test_what_fails_says_so_and_leaves_the_connection_usable(
    connection: driver.DriverConnection,
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        await connection.cursor().executemany("INSERT INTO t VALUES (?, ?)", [(1, "a"), (1, "b")])
    with pytest.raises(sqlite3.OperationalError):
        await connection.cursor().execute("SELECT nothing")
    assert await (await connection.cursor().execute("SELECT count(*) FROM t")).fetchall() == [(1,)]


async def test_failures_are_sqlalchemys_and_the_transaction_is_undone(database: Database) -> None:
    engine = database._writer
    with pytest.raises(IntegrityError):
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO servers VALUES (7, 'a')"))
            await connection.execute(text("INSERT INTO servers VALUES (7, 'b')"))
    with pytest.raises(OperationalError):
        async with engine.begin() as connection:
            await connection.execute(text("SELECT nothing"))
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM servers"))).scalar_one() == 0


async def test_nothing_is_rolled_back_where_nothing_has_begun(
    connection: driver.DriverConnection, trips: list[str]
) -> None:
    await connection.rollback()
    assert trips == []
    await connection.cursor().execute("BEGIN")
    await connection.cursor().execute("INSERT INTO t VALUES (1, 'a')")
    await connection.rollback()
    assert trips[-1] == "rollback"
    assert await (await connection.cursor().execute("SELECT count(*) FROM t")).fetchall() == [(0,)]


async def test_a_caller_who_goes_leaves_the_statement_to_its_end(connection: driver.DriverConnection) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
    slow = f"{numbers} SELECT max(i) FROM n"
    asking = asyncio.ensure_future(connection.cursor().execute(slow))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await (await connection.cursor().execute("SELECT 1")).fetchall() == [(1,)]


async def test_a_closed_connection_refuses(connection: driver.DriverConnection) -> None:
    await connection.close()
    with pytest.raises(ValueError, match="no active connection"):
        await connection.cursor().execute("SELECT 1")
