"""Inspect a database from outside, whether a server uses it or not: change nothing, lock nothing."""

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, inspect

from twap_server.domain.errors import StoreUnavailable
from twap_server.store import postgresql
from twap_server.store.config import StoreConfig
from twap_server.store.database_use import holders
from twap_server.store.failures import reason, translated
from twap_server.store.sole_use import server_on

_CHECK_WITHIN_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look found."""

    revision: str
    """Of the schema; empty: there are no tables yet."""
    size: int
    """Bytes."""
    holder: str = ""
    """The server that uses it; empty: none."""
    damage: str = ""
    is_checked: bool = False
    """Whether damage was looked for, to the end."""


def at_file(path: Path) -> Seen:
    """Look at an SQLite file, for damage 30 seconds at most.

    Raises:
        StoreUnavailable: it cannot be opened.
    """
    holder = server_on(path)
    size = sum(one.stat().st_size for one in (path, path.with_name(path.name + "-wal")) if one.exists())
    try:
        # A log that is there is left alone; where there is none, only a writer removes what SQLite makes.
        mode = "ro" if path.with_name(path.name + "-wal").exists() else "rw"
        name = f"file:{quote(str(path))}?mode={mode}"
        connection = sqlite3.connect(name, uri=True, timeout=5, check_same_thread=False)
        try:
            connection.execute("PRAGMA query_only=ON")
            damage = _damage(connection)
            return Seen(
                revision=_revision(connection) if not damage else "",
                size=size,
                holder=holder,
                damage=damage or "",
                is_checked=damage is not None,
            )
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the database {path} cannot be used: {reason(error)}") from error


async def at_server(config: StoreConfig) -> Seen:
    """Look at a PostgreSQL database.

    Raises:
        StoreUnavailable: it cannot be reached.
    """
    engine = postgresql.connect_to(config, None)
    try:
        with translated():
            async with engine.connect() as connection:
                size = (
                    await connection.exec_driver_sql("SELECT pg_database_size(current_database())")
                ).scalar_one()
                names = await connection.run_sync(holders)
                revision = await connection.run_sync(_revision_of)
                return Seen(revision=revision, size=int(size), holder=", ".join(names))
    finally:
        await engine.dispose()


def _damage(connection: sqlite3.Connection) -> str | None:
    """What is wrong in SQLite's words, empty when nothing is, None when it took too long to find out."""
    patience = threading.Timer(_CHECK_WITHIN_S, connection.interrupt)
    patience.start()
    try:
        found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        return "" if found == "ok" else found
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname == "SQLITE_INTERRUPT":
            return None
        raise
    finally:
        patience.cancel()


def _revision(connection: sqlite3.Connection) -> str:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]) if known else ""


def _revision_of(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
