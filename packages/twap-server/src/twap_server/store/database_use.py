"""Say who may write to a PostgreSQL database: one server alone, or nodes together.

A connection that writes counts only with an advisory lock that its session holds while it lives. So a server
whose connection broke has lost the lock and the means to write in one stroke, and it writes again only once
it has the lock again; whoever holds the lock knows that no earlier connection is still committing. The lock
needs a session: a pooler that changes sessions between transactions must not stand between.

One server holds the lock for itself, nodes share it: either keeps the other out. Table ``servers`` counts the
changes of use, so that who was cut off notices that others came, and went again, in between.
"""

import os
import secrets
import socket
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.errors import StoreTakenOver, StoreUnavailable
from twap_server.store.tables import servers

LOCK: Final = int.from_bytes(b"twap-srv")
"""The advisory lock of whoever writes."""
NODES: Final = "nodes"
"""What ``servers`` calls those that use the database together."""
_HOLDER: Final = """
SELECT a.pid, a.application_name, l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
AND (l.classid::bigint << 32) | l.objid::bigint = $1 AND l.objsubid = 1 ORDER BY a.backend_start
"""
_SHARED: Final = "ShareLock"
_LOCK_NOT_AVAILABLE: Final = "55P03"
_LONGEST_NAME: Final = 63
"""PostgreSQL cuts longer application names."""
_NAMED_AT_MOST: Final = 4


class DatabaseUse:
    """The right to write, as one process holds it over one connection after another."""

    def __init__(self, *, together: bool = False) -> None:
        """Args: together: with other nodes; else alone."""
        self.id: Final = secrets.token_hex(4)
        self.name = f"{name_of(self.id)}{os.getpid()} on {socket.gethostname()}"
        self.name = self.name.encode("ascii", "replace").decode()[:_LONGEST_NAME]
        self._together = together
        self._kind = "_shared" if together else ""
        self._number: int | None = None

    async def take(self, connection: Any) -> None:
        """Take the lock for a new connection of asyncpg; a dead connection of our own is ended first.

        Raises:
            StoreUnavailable: another server holds it.
            StoreTakenOver: another server took it while this one had no connection.
        """
        if not await connection.fetchval(f"SELECT pg_try_advisory_lock{self._kind}($1)", LOCK):
            if not self._together:
                await self._end_own(connection)
            await self._wait(connection)
        if self._number is not None:
            await self._refuse_successor(connection)

    async def register(self, connection: AsyncConnection) -> None:
        """Note, with the lock held, that from now on this server uses the database.

        Nodes that find nodes there use it as those do: what one of them may write, its leases say.
        """
        await connection.execute(text("LOCK TABLE servers IN SHARE ROW EXCLUSIVE MODE"))
        newest = select(servers).order_by(servers.c.number.desc()).limit(1)
        last = (await connection.execute(newest)).first()
        if last is not None and self._together and last.name == NODES:
            self._number = last.number
            return
        self._number = 1 if last is None else last.number + 1
        name = NODES if self._together else self.name
        await connection.execute(delete(servers))
        await connection.execute(insert(servers).values(number=self._number, name=name))

    async def _refuse_successor(self, connection: Any) -> None:
        """Another server may have come, and gone again, while this one had no connection."""
        last = await connection.fetchrow("SELECT number, name FROM servers ORDER BY number DESC LIMIT 1")
        if last is None or last["number"] != self._number:
            raise _taken_over(_who(last["name"] if last else ""))

    async def _end_own(self, connection: Any) -> None:
        for holder in await connection.fetch(_HOLDER, LOCK):
            if holder["application_name"] == self.name:
                await connection.execute("SELECT pg_terminate_backend($1)", holder["pid"])

    async def _wait(self, connection: Any) -> None:
        """A server that has just died may take a moment to be missed: wait as long as for any lock."""
        try:
            await connection.execute(f"SELECT pg_advisory_lock{self._kind}($1)", LOCK)
        except Exception as error:
            if getattr(error, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
                raise
            raise self._refusal(await connection.fetch(_HOLDER, LOCK)) from error

    def _refusal(self, holders: list[Mapping[str, Any]]) -> StoreUnavailable:
        names = list(dict.fromkeys(holder["application_name"] or "" for holder in holders))
        are_nodes = bool(holders) and holders[0]["mode"] == _SHARED
        if self._number is not None:
            return _taken_over(_who(NODES if are_nodes else (names or [""])[0]))
        if are_nodes:
            return StoreUnavailable(_in_use_by_nodes(names))
        who = _who((names or [""])[0])
        if self._together:
            return StoreUnavailable(
                f"{who} is using the database alone: stop it first (nodes work together, but not beside "
                "`twap-server start`), or use another database"
            )
        return StoreUnavailable(f"{who} is using the database: stop it first, or use another database")


def name_of(use_id: str) -> str:
    """How the names of a process's connections begin."""
    return f"twap-server {use_id} process "


def holders(connection: Connection) -> list[str]:
    """Who has the lock of those that write; nobody: none."""
    rows = connection.exec_driver_sql(_HOLDER.replace("$1", str(LOCK))).all()
    names = [str(row[1]) or f"a connection without a name (process {row[0]} of PostgreSQL)" for row in rows]
    return list(dict.fromkeys(names))


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
    return "nodes" if name == NODES else f"another server ({_process(name)})"


def _process(name: str) -> str:
    return f"process {name.partition(' process ')[2] or 'unknown'}"


def _in_use_by_nodes(names: list[str]) -> str:
    some = ", ".join(map(_process, names[:_NAMED_AT_MOST]))
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return (
        f"nodes are using the database together ({some}{more}): stop all of them first, for nothing else may "
        "write what is theirs, or use another database"
    )


def _taken_over(who: str) -> StoreTakenOver:
    return StoreTakenOver(
        f"{who} took the database over while this one had no connection to it: "
        "this one must stop, for its orders are the other's now; start it again when it shall go on"
    )
