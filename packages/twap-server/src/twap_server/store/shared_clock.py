"""Tell the moment that counts: where several nodes write, the database's clock is the one that all share."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.clock import Nanos
from twap_server.store.database import Database
from twap_server.store.server_clock import NOW


async def moment(database: Database, connection: AsyncConnection, own: Nanos) -> Nanos:
    """Now: by ``own`` where this process has the database alone, else by the database's clock.

    One node's clock may be wrong, and what it writes is judged by the others.
    """
    if not database.node_id or database.dialect != "postgresql":
        return own
    return Nanos((await connection.execute(select(NOW))).scalar_one())
