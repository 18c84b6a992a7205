"""Name rows of leases in statements, and lock them."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, Text, column, select, values
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.ownership import Lease
from twap_server.store.tables import leases


def rows_of(held: Collection[Lease]) -> Any:
    """Leases as rows of a statement."""
    mine = values(column("name", Text), column("epoch", BigInteger), name="mine")
    return mine.data([(lease.name, lease.epoch) for lease in held])


def is_in(mine: Any) -> tuple[Any, ...]:
    """The rows of table ``leases`` that are these, with the epoch they have there."""
    return leases.c.name == mine.c.name, leases.c.epoch == mine.c.epoch


async def locked(connection: AsyncConnection, held: Collection[Lease]) -> list[str]:
    """Lock those of these leases that are still their owner's, and were not given back; give their names.

    In one order: several may do so at once, and none waits in a circle. No commit of the owner waits for it.
    """
    mine = select(leases.c.name).where(*is_in(rows_of(held)), leases.c.node != "").order_by(leases.c.name)
    locking = mine.with_for_update(of=leases, key_share=True)
    return list((await connection.execute(locking)).scalars())
