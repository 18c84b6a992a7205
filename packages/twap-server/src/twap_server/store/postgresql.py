"""Set up PostgreSQL connections: deadlines, and the lock of the one server that writes.

One connection writes, and it counts only with an advisory lock that its session holds while it lives. So a
server whose connection broke has lost the lock and the means to write in one stroke, and it writes again only
once it has the lock again; whoever holds the lock knows that no earlier connection is still committing. The
lock needs a session: a pooler that changes sessions between transactions must not stand between.
"""

import os
import secrets
import socket
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, event, func, insert, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from twap_server.domain.errors import StoreTakenOver, StoreUnavailable
from twap_server.store.config import StoreConfig
from twap_server.store.tables import servers

LOCK = int.from_bytes(b"twap-srv")
"""The advisory lock of whoever writes."""
_HOLDER = """
SELECT a.pid, a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
AND (l.classid::bigint << 32) | l.objid::bigint = $1 AND l.objsubid = 1
"""
_LOCK_NOT_AVAILABLE = "55P03"
_LONGEST_NAME = 63
"""PostgreSQL cuts longer application names."""

# So that a server behind a cut cable is noticed, and its lock given up, in seconds instead of hours.
_SETTINGS = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": "60s",
}


class SoleUse:
    """The right to write, as one server holds it over one connection after another."""

    def __init__(self) -> None:
        self.name = f"twap-server {secrets.token_hex(4)} process {os.getpid()} on {socket.gethostname()}"
        self.name = self.name.encode("ascii", "replace").decode()[:_LONGEST_NAME]
        self._number: int | None = None

    async def take(self, connection: Any) -> None:
        """Take the lock for a new connection of asyncpg; a dead connection of our own is ended first.

        Raises:
            StoreUnavailable: another server holds it.
            StoreTakenOver: another server took it while this one had no connection.
        """
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            await self._end_own(connection)
            await self._wait(connection)
        if self._number is not None:
            await self._refuse_successor(connection)

    async def register(self, connection: AsyncConnection) -> None:
        """Note, with the lock held, that from now on this server uses the database."""
        last = await connection.scalar(select(func.max(servers.c.number))) or 0
        await connection.execute(delete(servers))
        await connection.execute(insert(servers).values(number=last + 1, name=self.name))
        self._number = last + 1

    async def _refuse_successor(self, connection: Any) -> None:
        """Another server may have come, and gone again, while this one had no connection."""
        last = await connection.fetchrow("SELECT number, name FROM servers ORDER BY number DESC LIMIT 1")
        if last is None or last["number"] != self._number:
            raise self._taken_over(last["name"] if last else "")

    async def _end_own(self, connection: Any) -> None:
        for holder in await connection.fetch(_HOLDER, LOCK):
            if holder["application_name"] == self.name:
                await connection.execute("SELECT pg_terminate_backend($1)", holder["pid"])

    async def _wait(self, connection: Any) -> None:
        """A server that has just died may take a moment to be missed: wait as long as for any lock."""
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        except Exception as error:
            if getattr(error, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
                raise
            raise self._refusal(await connection.fetch(_HOLDER, LOCK)) from error

    def _refusal(self, holders: list[Any]) -> StoreUnavailable:
        name = holders[0]["application_name"] or "" if holders else ""
        if self._number is not None:
            return self._taken_over(name)
        return StoreUnavailable(f"{_who(name)} is using the database: stop it first, or use another database")

    def _taken_over(self, name: str) -> StoreTakenOver:
        return StoreTakenOver(
            f"{_who(name)} took the database over while this one had no connection to it: "
            "this one must stop, for its orders are the other's now; start it again when it shall go on"
        )


def holders(connection: Connection) -> list[str]:
    """Who has the lock of the one server that writes; nobody: none."""
    rows = connection.exec_driver_sql(_HOLDER.replace("$1", str(LOCK))).all()
    return [str(row[1]) or f"a connection without a name (process {row[0]} of PostgreSQL)" for row in rows]


def last_number(connection: Connection) -> int:
    """Of the server that used the database last; 0: none did."""
    if not inspect(connection).has_table(servers.name):
        return 0
    return int(connection.scalar(select(func.max(servers.c.number))) or 0)


def count_on(connection: Connection, *, above: int) -> None:
    """After a restore: no server that used the database before may take itself for the last one."""
    if inspect(connection).has_table(servers.name):
        number = max(above, last_number(connection)) + 1
        connection.execute(delete(servers))
        connection.execute(insert(servers).values(number=number, name="restored"))


def _who(name: str) -> str:
    return f"another server (process {name.partition(' process ')[2] or 'unknown'})"


def connect_to(
    config: StoreConfig, use: SoleUse | None, *, patient: bool = False, beside: bool = False
) -> AsyncEngine:
    """Make the writer's engine (one connection, with the lock) or the readers' (a pool that cannot write).

    Args:
        config: the settings.
        use: the right to write; None for readers, whose transactions see one moment each.
        patient: wait for an answer without a limit, as a migration of a large table needs.
        beside: write without that right, beside the server that has it; for accounts, never for orders.

    Raises:
        StoreUnavailable: the driver is not installed.
    """
    server_settings = {
        **_SETTINGS,
        "application_name": use.name if use else f"twap-server {'beside' if beside else 'reading'}",
        "lock_timeout": str(config.busy_timeout // timedelta(milliseconds=1)),
        "default_transaction_read_only": "off" if use or beside else "on",
    }
    try:
        engine = create_async_engine(
            "postgresql+asyncpg://",
            pool_size=1 if use or beside else config.pool_size,
            max_overflow=0,
            pool_timeout=config.busy_timeout.total_seconds(),
            pool_pre_ping=True,
            hide_parameters=True,
            isolation_level="READ COMMITTED" if use or beside else "REPEATABLE READ",
            connect_args={
                "dsn": make_url(config.url)
                .set(drivername="postgresql")
                .render_as_string(hide_password=False),
                "timeout": config.answer_timeout.total_seconds(),
                "command_timeout": None if patient else config.answer_timeout.total_seconds(),
                "server_settings": server_settings,
            },
        )
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            "PostgreSQL needs a package that is not installed: pip install asyncpg, or use sqlite:///FILE"
        ) from error
    if use:
        event.listen(engine.sync_engine, "connect", lambda made, _record: made.run_async(use.take))
    return engine
