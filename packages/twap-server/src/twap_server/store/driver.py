"""Connect to SQLite, each connection with its own thread, as SQLAlchemy's dialect for aiosqlite uses them.

Each trip to a thread wakes it, waits for it and wakes the event loop again: a tenth of a millisecond of
processor time. So a trip does as much as it can: a statement with all of its rows and all that it gives, or a
transaction whose statements need no answer in between. Nothing is rolled back where nothing has begun.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, Self, TypeAlias, TypeVar

from twap_server.domain.errors import StoreConflict

_T = TypeVar("_T")


class Statement(NamedTuple):
    """A statement with the rows that it is run for."""

    sql: str
    rows: Sequence[Any]
    is_guarded: bool = False
    """It must change a row for each of ``rows``, or nothing is recorded."""


class CommitFailed(Exception):
    """Raised from SQLite's own error where it failed while it committed: recorded or not, nobody knows."""


_Task: TypeAlias = tuple["asyncio.Future[Any] | None", Callable[[], Any]]
_STOP = object()


class DriverConnection:
    """A connection whose cursors hold their rows."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        self._connector = connector
        self._connection: sqlite3.Connection | None = None  # SQLAlchemy's adapter looks at it, too
        self._tasks: SimpleQueue[_Task] = SimpleQueue()

    def __await__(self) -> Generator[Any, None, Self]:
        return self._open().__await__()

    def __del__(self) -> None:
        if self._connection is not None:
            self.stop()

    async def _open(self) -> Self:
        # A server that stops does not wait for it.
        Thread(target=_serve, args=(self._tasks,), name="sqlite", daemon=True).start()
        try:
            self._connection = await self._ask(self._connector)
        except BaseException:
            self._tasks.put((None, _stop))
            raise
        return self

    @property
    def in_transaction(self) -> bool:
        """Whether one has begun."""
        return self._open_one.in_transaction

    @property
    def isolation_level(self) -> Any:
        """As of ``sqlite3``."""
        return self._open_one.isolation_level

    def cursor(self) -> "Cursor":
        """Make a cursor; its statement is its first trip."""
        return Cursor(self)

    async def run(self, sql: str, rows: Iterable[Any], *, many: bool) -> "Done":
        """Run a statement in the thread, and take all that it gives."""
        return await self.ask(_run, self._open_one, sql, rows, many)

    async def write(self, statements: Sequence[Statement]) -> None:
        """Run a whole transaction in the thread.

        Raises:
            StoreConflict: a guarded statement found fewer rows than it was to change; nothing is recorded.
            CommitFailed: it failed while it committed.
            sqlite3.Error: nothing is recorded.
        """
        await self.ask(_write, self._open_one, statements)

    async def call(self, do: Callable[..., _T], *given: Any) -> _T:
        """Have something done with SQLite's own connection, given first."""
        return await self.ask(do, self._open_one, *given)

    async def create_function(self, *args: Any, **options: Any) -> None:
        """As of ``sqlite3``."""
        connection = self._open_one
        await self.ask(lambda: connection.create_function(*args, **options))

    async def commit(self) -> None:
        """Commit what has begun."""
        await self.ask(self._open_one.commit)

    async def rollback(self) -> None:
        """Roll back, if there is anything to."""
        if self.in_transaction:
            await self.ask(self._open_one.rollback)

    async def close(self) -> None:
        """Close when what was asked before is done; nothing more can be asked."""
        if (connection := self._connection) is not None:
            self._connection = None
            try:
                await self._ask(connection.close)
            finally:
                self._tasks.put((None, _stop))

    def stop(self) -> None:
        """The same without waiting."""
        if (connection := self._connection) is not None:
            self._connection = None
            self._tasks.put((None, connection.close))
            self._tasks.put((None, _stop))

    async def ask(self, do: Callable[..., _T], *args: Any) -> _T:
        """Have something done in the thread; a caller who goes leaves it to its end."""
        return await self._ask(lambda: do(*args))

    async def _ask(self, do: Callable[[], _T]) -> _T:
        answer: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._tasks.put((answer, do))
        return await answer

    @property
    def _open_one(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("no active connection")
        return self._connection


class Done:
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

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection
        self._done: Done | None = None
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


def connect(*where: Any, **options: Any) -> DriverConnection:
    """Make a connection, as ``sqlite3.connect`` would; await it to open it."""
    return DriverConnection(lambda: sqlite3.connect(*where, **options))


def run_guarded(connection: sqlite3.Connection, statement: Statement) -> None:
    """Run one statement of a transaction for all of its rows.

    Raises:
        StoreConflict: it is guarded, and there were fewer rows to change.
    """
    done = connection.executemany(statement.sql, statement.rows)
    if statement.is_guarded and done.rowcount != len(statement.rows):
        raise StoreConflict("not recorded: an order was changed by somebody else in the meantime")


def _write(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            run_guarded(connection, statement)
    except BaseException:
        with suppress(sqlite3.Error):  # then it is tried again before the next transaction
            connection.rollback()
        raise
    try:
        connection.commit()
    except sqlite3.Error as error:
        raise CommitFailed from error


def _run(connection: sqlite3.Connection, sql: str, rows: Iterable[Any], many: bool) -> Done:
    cursor = connection.cursor()
    try:
        if many:
            cursor.executemany(sql, rows)
        else:
            cursor.execute(sql, rows)  # type: ignore[arg-type]
        return Done(cursor)
    finally:
        cursor.close()


def _stop() -> object:
    return _STOP


def _serve(tasks: "SimpleQueue[_Task]") -> None:
    """Do what is asked, in order, until told to stop. (No reference to the connection: it may be dropped.)"""
    while True:
        answer, do = tasks.get()
        try:
            result, error = do(), None
        except BaseException as failure:  # the caller's, all of it
            result, error = None, failure
        if result is _STOP:
            return
        if answer is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                answer.get_loop().call_soon_threadsafe(_tell, answer, result, error)
        del answer, do, result, error


def _tell(answer: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)
