"""aiosqlite with one trip to its thread for each statement, where it makes three or four.

Each trip wakes the thread, waits for it and wakes the event loop again: a tenth of a millisecond of processor
time. aiosqlite makes one to make a cursor, one to run it, one to fetch, one to close it, and one to roll back
what has not begun: a commit of the engine came to thirteen, a read to nine. Here a cursor is made, run,
emptied and closed in one, and nothing is rolled back where no transaction is open: five, and one.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any, Self

import aiosqlite

_CHUNK = 64


class Connection(aiosqlite.Connection):
    """A connection whose cursors hold their rows."""

    def cursor(self) -> "Cursor":  # type: ignore[override]
        """Make a cursor; its statement is its first trip."""
        return Cursor(self)

    async def rollback(self) -> None:
        """Roll back, if there is anything to."""
        if self.in_transaction:
            await super().rollback()

    async def run(self, sql: str, rows: Iterable[Any], *, many: bool) -> "_Done":
        """Run a statement in the thread, and take all that it gives."""
        done: _Done = await self._execute(_run, self._conn, sql, rows, many)  # type: ignore[no-untyped-call]
        return done


class _Done:
    """What a statement left behind."""

    __slots__ = ("description", "lastrowid", "rowcount", "rows")

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.description, self.rowcount, self.lastrowid = (
            cursor.description,
            cursor.rowcount,
            cursor.lastrowid,
        )
        self.rows = cursor.fetchall() if cursor.description else []


class Cursor:
    """As much of aiosqlite's cursor as SQLAlchemy uses."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._done: _Done | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Self:
        """Run a statement."""
        self._done = await self._connection.run(sql, parameters, many=False)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Self:
        """Run a statement once for each row of parameters."""
        self._done = await self._connection.run(sql, parameters, many=True)
        return self

    async def fetchall(self) -> list[Any]:
        """Take the rows."""
        rows, done = [], self._done
        if done is not None:
            rows, done.rows = done.rows, []
        return rows

    async def close(self) -> None:
        """Nothing is left open."""

    @property
    def description(self) -> Any:
        """The columns, None where there are none."""
        return None if self._done is None else self._done.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed; -1 where that is not known."""
        return -1 if self._done is None else self._done.rowcount

    @property
    def lastrowid(self) -> int | None:
        """Of the row inserted last."""
        return None if self._done is None else self._done.lastrowid


def connect(*where: Any, **options: Any) -> Connection:
    """Make a connection, as ``sqlite3.connect`` would; await it to open it."""
    connection = Connection(lambda: sqlite3.connect(*where, **options), _CHUNK)
    connection._thread.daemon = True  # a server that stops does not wait for it
    return connection


def _run(connection: sqlite3.Connection, sql: str, rows: Iterable[Any], many: bool) -> _Done:
    cursor = connection.cursor()
    try:
        if many:
            cursor.executemany(sql, rows)
        else:
            cursor.execute(sql, rows)  # type: ignore[arg-type]
        return _Done(cursor)
    finally:
        cursor.close()
