"""Read the clock of PostgreSQL: where several nodes write, it is the one that all of them share.

It is read while the statement runs: ``now()`` is the begin of its transaction.
"""

from typing import Final

from sqlalchemy import BigInteger, ColumnElement, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.clock import Nanos
from twap_server.store.database import Database

NOW_SQL: Final = "CAST(extract(epoch FROM clock_timestamp()) * 1000000000 AS bigint)"
"""Nanoseconds since the epoch."""
NOW: Final[ColumnElement[int]] = literal_column(NOW_SQL, BigInteger)
"""The same, in statements that are built."""


async def moment(database: Database, connection: AsyncConnection, own: Nanos) -> Nanos:
    """Now: by ``own`` where this process has the database alone, else by the database's clock.

    One node's clock may be wrong, and what it writes is judged by the others.
    """
    if not database.node_id or database.dialect != "postgresql":
        return own
    return Nanos((await connection.execute(select(NOW))).scalar_one())
