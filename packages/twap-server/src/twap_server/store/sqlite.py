"""Set up SQLite connections: pragmas, transactions, the check at start.

SQLite lets one connection write at a time. The writer's connection therefore begins with ``BEGIN IMMEDIATE``
(it takes the write lock before it reads, so that no transaction fails half-way for want of it); the readers'
connections cannot write at all. In WAL neither waits for the other. ``synchronous=FULL`` makes a commit
survive a power cut, not just a crash.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from twap_server.store import driver
from twap_server.store.config import StoreConfig

_CACHE_KIB = 16 * 1024
"""The writer's: ten thousand orders at work touch more pages a second than SQLite's own 2 MiB hold."""
_READER_CACHE_KIB = 2 * 1024
_PAGES_PER_CHECKPOINT = 4_000
"""16 MiB of log: a page that each turn writes is then copied to the file once for many turns."""

ALONE = "twap_alone"
"""Option of a connection that runs one statement only: SQLite then needs no transaction around it."""
Connect: TypeAlias = Callable[..., Any]
"""Makes the driver's connection from its arguments, in place of ``driver.connect``."""


def connect_to(
    path: Path, config: StoreConfig, *, writing: bool, connect: Connect | None = None
) -> AsyncEngine:
    """Make the writer's engine (one connection) or the readers' (a pool that cannot write)."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        pool_size=1 if writing else config.pool_size,
        max_overflow=0,
        pool_timeout=config.busy_timeout.total_seconds(),
        hide_parameters=True,
        connect_args={"isolation_level": None, "async_creator_fn": connect or driver.connect},
    )
    busy_ms = int(config.busy_timeout.total_seconds() * 1_000)

    @event.listens_for(engine.sync_engine, "connect")
    def _set_pragmas(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={busy_ms}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"cache_size={-_CACHE_KIB if writing else -_READER_CACHE_KIB}",
            f"wal_autocheckpoint={_PAGES_PER_CHECKPOINT}",
            f"query_only={'OFF' if writing else 'ON'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get(ALONE):
            return
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def check(connection: Connection) -> str:
    """Look for damage.

    Returns:
        What is wrong in SQLite's words, empty when nothing is.
    """
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    return "" if found == "ok" else str(found)
