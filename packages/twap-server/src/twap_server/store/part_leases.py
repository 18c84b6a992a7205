"""Take and keep the leases of parts of an exchange, so that no two divisions of it are ever held at once.

The row ``exchange/NAME``, which is the lease of an exchange that is not split, stands for the whole exchange.

1. Who takes or renews a part locks that row first, so one does so at a time.
2. A part is taken only while nobody has the whole exchange and no part of another division is held.
3. A part is renewed only while it has not run out: after that others may have taken something else.
4. The row lasts as long as any part that is held, without an owner. So nobody takes the whole exchange
   meanwhile, not even a node of a release that knows of no parts.
5. The row's epoch is the highest of the exchange: each taking, of a part or the whole, is one above it.

Each exchange has a transaction of its own: nobody waits for one row with another one locked.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.ownership import ExchangePart, Lease, lease_of_exchange, part_of_lease
from twap_server.store.database import Database
from twap_server.store.lease_rows import is_in, rows_of
from twap_server.store.server_clock import NOW
from twap_server.store.tables import leases


class PartLeases:
    """Of all exchanges that are split."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, names: Collection[str], node: str, ttl: int, *, most: int) -> list[Lease]:
        """See ``SqlLeaseStore.take``: of parts of one division of each exchange, whose rows are there."""
        taken: list[Lease] = []
        wanted_of: defaultdict[str, list[ExchangePart]] = defaultdict(list)
        for name in names:
            part = part_of_lease(name)
            wanted_of[part.exchange].append(part)
        for exchange, wanted in wanted_of.items():
            if len(taken) < most:
                async with self._database.lease_transaction() as connection:
                    taken += await _take(connection, exchange, wanted, node, ttl, most=most - len(taken))
        return taken

    async def renew(self, held: Collection[Lease], ttl: int, *, anew: bool = False) -> list[Lease]:
        """See ``SqlLeaseStore.renew``."""
        renewed: list[Lease] = []
        for exchange, mine in _by_exchange(held).items():
            async with self._database.renewal(anew=anew) as connection:
                await _lock_whole(connection, exchange)
                rows = rows_of(mine)
                renewing = update(leases).where(*is_in(rows), leases.c.until > NOW).values(until=NOW + ttl)
                names = set((await connection.execute(renewing.returning(leases.c.name))).scalars())
                if names:
                    await _keep_whole(connection, exchange)
            renewed += [lease for lease in mine if lease.name in names]
        return renewed

    async def release(self, held: Collection[Lease]) -> None:
        """See ``SqlLeaseStore.release``."""
        for exchange, mine in _by_exchange(held).items():
            async with self._database.lease_transaction() as connection:
                await _lock_whole(connection, exchange)
                rows = rows_of(mine)
                await connection.execute(update(leases).where(*is_in(rows)).values(until=0, node=""))
                await _keep_whole(connection, exchange)


def _by_exchange(held: Collection[Lease]) -> Mapping[str, Sequence[Lease]]:
    found: defaultdict[str, list[Lease]] = defaultdict(list)
    for lease in held:
        found[part_of_lease(lease.name).exchange].append(lease)
    return found


async def _take(
    connection: AsyncConnection,
    exchange: str,
    wanted: Sequence[ExchangePart],
    node: str,
    ttl: int,
    *,
    most: int,
) -> list[Lease]:
    epoch, is_whole_held = await _lock_whole(connection, exchange)
    if is_whole_held:
        return []
    names = [one.lease for one in wanted]
    others = select(leases.c.name).where(
        _is_part(exchange), leases.c.name.not_like(f"%-of-{wanted[0].of}"), leases.c.until > NOW
    )
    free = select(leases.c.name).where(leases.c.name.in_(names), leases.c.until <= NOW, ~others.exists())
    found = (await connection.execute(free.order_by(leases.c.name).limit(most))).scalars()
    taken = [Lease(name, epoch) for name, epoch in zip(found, count(epoch + 1))]
    if taken:
        rows = rows_of(taken)
        taking = update(leases).where(leases.c.name == rows.c.name)
        await connection.execute(taking.values(epoch=rows.c.epoch, node=node, until=NOW + ttl))
        await _keep_whole(connection, exchange, epoch=taken[-1].epoch)
    return taken


async def _lock_whole(connection: AsyncConnection, exchange: str) -> tuple[int, bool]:
    """Lock the row of the whole exchange; gives its epoch, and whether somebody has it."""
    is_held = and_(leases.c.node != "", leases.c.until > NOW)
    whole = select(leases.c.epoch, is_held).where(leases.c.name == lease_of_exchange(exchange))
    epoch, held = (await connection.execute(whole.with_for_update())).one()
    return epoch, held


async def _keep_whole(connection: AsyncConnection, exchange: str, *, epoch: int | None = None) -> None:
    """Let the row of the whole exchange last as long as its parts, unless somebody has it.

    Args:
        connection: of a transaction that has locked the row.
        exchange: whose.
        epoch: the highest of the exchange, where a part was taken: then nobody has the whole.
    """
    last = select(func.max(leases.c.until)).where(_is_part(exchange)).scalar_subquery()
    whole = update(leases).where(leases.c.name == lease_of_exchange(exchange))
    if epoch is None:
        whole = whole.where(leases.c.node == "").values(until=last)
    else:
        whole = whole.values(until=last, epoch=epoch, node="")
    await connection.execute(whole)


def _is_part(exchange: str) -> Any:
    return leases.c.name.startswith(f"{lease_of_exchange(exchange)}/", autoescape=True)
