"""The real SQLite file through the real driver's interface, but in the loop's own thread and with faults.

``Disk`` holds what the script can do to it: full, failing, locked, and commits whose outcome is not told. A
crash copies the file as it lies there, with the torn end a power cut leaves.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import Context, ContextVar
from pathlib import Path
from random import Random
from typing import Any, Self

from simulation.loop import VirtualLoop
from twap_server.store import driver
from twap_server.store.database import Database

PENDING: ContextVar[Any] = ContextVar("PENDING", default=None)
"""What the transaction of this task is about to record; the witness hears of it when it is."""

_FAULTS = {
    "full": ("database or disk is full", "SQLITE_FULL"),
    "ioerr": ("disk I/O error", "SQLITE_IOERR_WRITE"),
    "locked": ("database is locked", "SQLITE_BUSY"),
}
_BUSY_S = 5.0


def _error(name: str) -> sqlite3.OperationalError:
    text, code = _FAULTS[name]
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = code  # type: ignore[attr-defined]
    return error


class Disk:
    """Where the database lies, and what is wrong with it."""

    def __init__(self, folder: Path, rng: Random, *, loop: VirtualLoop) -> None:
        self.folder = folder
        self._loop = loop
        self.rng = rng
        self.generation = 0
        self.trouble = ""
        self.unknown_commits = 0
        """So many of the next commits are recorded and reported as failed."""
        self.mean_delay = 0.002
        self.done: Counter[str] = Counter()
        self.synced = 0
        self.bomb = 0
        """The server dies at the so-many-th statement from now; 0: it does not."""
        self.on_bomb: Callable[[], None] = lambda: None
        self.on_trouble: Callable[[], None] = lambda: None
        self.on_commit: Callable[[Any], None] = lambda _: None

    @property
    def path(self) -> Path:
        """The file now."""
        return self.folder / f"{self.generation}.sqlite3"

    def open(self, url: str) -> AbstractAsyncContextManager[Database]:
        """What bootstrap opens instead of ``Database.open``."""
        return Database.open(f"sqlite:///{self.path}", connect=self._connect)

    def crash(self, *, torn: bool) -> None:
        """The machine stops now: what was synced stays, a torn end may follow."""
        old = self.path
        self.generation += 1
        self.path.write_bytes(old.read_bytes())
        log = old.with_name(old.name + "-wal")
        if log.is_file():
            content = log.read_bytes()
            if torn:
                keep = self.rng.randint(min(self.synced, len(content)), len(content))
                content = content[:keep] + self.rng.randbytes(self.rng.randint(1, 6_000))
                self.done["torn log"] += 1
            self.path.with_name(self.path.name + "-wal").write_bytes(content)

    async def pass_bomb(self) -> None:
        """A place where the process may die."""
        if not self.bomb:
            return
        self.bomb -= 1
        if not self.bomb:
            self.done["crash at the database"] += 1
            self._loop.call_soon(self.on_bomb, context=Context())
            await self._loop.create_future()

    def delay(self) -> float:
        """Seconds a statement takes; most take none."""
        if self.rng.random() < 0.75:
            return 0.0
        return self.rng.expovariate(1 / self.mean_delay)

    def _connect(self, *where: Any, **options: Any) -> "InlineConnection":
        return InlineConnection(self, lambda: sqlite3.connect(*where, **options))


class InlineConnection(driver.DriverConnection):
    """The driver's connection without its thread."""

    def __init__(self, disk: Disk, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector)
        self._before = 0
        self._disk = disk

    def __del__(self) -> None:
        pass

    async def _open(self) -> Self:
        self._connection = self._connector()
        return self

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def close(self) -> None:
        self.stop()

    async def ask(self, do: Callable[..., Any], *args: Any) -> Any:
        return do(*args)

    async def run(self, sql: str, rows: Iterable[Any], *, many: bool) -> driver.Done:
        await self._statement(sql)
        return await super().run(sql, rows, many=many)

    async def write(self, statements: Sequence[driver.Statement]) -> None:
        """As the driver does in one trip, with all that may happen in between."""
        await self.run("BEGIN IMMEDIATE", (), many=False)
        try:
            for one in statements:
                await self._statement(one.sql)
                assert self._connection is not None
                driver.run_guarded(self._connection, one)
        except BaseException:
            await self.rollback()
            raise
        try:
            await self.commit()
        except sqlite3.Error as error:
            raise driver.CommitFailed from error

    async def commit(self) -> None:
        await self._slow_commit()

    async def _statement(self, sql: str) -> None:
        disk = self._disk
        if sql.startswith("BEGIN") and self._connection is not None:
            self._before = self._connection.total_changes
        await disk.pass_bomb()
        delay = disk.delay()
        if delay:
            await asyncio.sleep(delay)
        if disk.trouble and sql.startswith(("BEGIN IMMEDIATE", "INSERT", "UPDATE", "DELETE")):
            if disk.trouble == "locked":
                await asyncio.sleep(_BUSY_S)
                if not disk.trouble:
                    return
            elif sql.startswith("BEGIN"):
                return
            disk.done[disk.trouble] += 1
            disk.on_trouble()
            raise _error(disk.trouble)

    async def _slow_commit(self) -> None:
        disk = self._disk
        assert self._connection is not None
        before, after = disk.delay(), disk.delay()
        if before:
            await asyncio.sleep(before)
        if not self._connection.in_transaction:
            return
        if disk.trouble in ("full", "ioerr"):
            disk.done[disk.trouble] += 1
            raise _error(disk.trouble)
        await disk.pass_bomb()
        self._commit()
        await disk.pass_bomb()
        if after:
            await asyncio.sleep(after)
        if disk.unknown_commits:
            disk.unknown_commits -= 1
            disk.on_trouble()
            disk.done["unknown commit"] += 1
            raise _error("ioerr")

    def _commit(self) -> None:
        assert self._connection is not None
        wrote = self._connection.in_transaction and self._connection.total_changes != self._before
        self._connection.commit()
        disk = self._disk
        if wrote:
            log = disk.path.with_name(disk.path.name + "-wal")
            disk.synced = log.stat().st_size if log.is_file() else 0
            pending = PENDING.get()
            if pending is not None:
                disk.on_commit(pending)
