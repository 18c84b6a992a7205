"""Keep which node owns what, in PostgreSQL and by its clock; and let nobody else write what is owned.

1. Who takes a lease locks its row FOR UPDATE, then raises its epoch.
2. Every commit of an owner locks that row FOR KEY SHARE first, and finds it only with its own epoch.

So a lease is not taken while a commit of its owner is under way, and once it is taken the old owner writes
nothing. To renew it is in nobody's way: that changes no key of the row. The same look at the row compares
clocks: what was decided at a moment that is still to come was decided by a wrong one, and is not written.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, RowMapping, and_, bindparam, delete, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.clock import SECOND, Nanos, span_text
from twap_server.domain.errors import ClockAhead, LeaseLost
from twap_server.domain.ownership import MOST_OFF, Lease, Node, Ownership, is_of_a_part, whole_of
from twap_server.store.database import Database
from twap_server.store.database_use import name_of
from twap_server.store.lease_rows import locked
from twap_server.store.part_leases import PartLeases
from twap_server.store.server_clock import NOW, NOW_SQL
from twap_server.store.tables import leases, nodes

_FORGOTTEN_AFTER: Final = 3_600 * SECOND
"""Nodes that say nothing for so long."""
_STUCK_AFTER_MS: Final = 1_000
"""A transaction of an owner that has lost its lease, and does not end, is ended after so long."""


class SqlLeaseStore:
    """Implements the ``LeaseStore`` of nodes, on a database opened by ``Database.shared``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._parts = PartLeases(database)
        self._made = set[str]()

    async def take(self, names: Collection[str], node: str, ttl: int, *, most: int) -> list[Lease]:
        """Take those of these leases that are free or have run out, for ``ttl`` nanoseconds.

        One whose last owner has a commit under way is left for the next time; an owner that stands still in
        the middle of one loses its connection to the database. A part of an exchange is taken only while no
        lease of another division of that exchange is held.

        Args:
            names: of leases; one that was never taken is made.
            node: whose they shall be: the ``node_id`` of the caller's database.
            ttl: how long they last, in nanoseconds.
            most: take at most so many.

        Raises:
            StoreUnavailable: none, or all that were there, may have been taken.
        """
        parts = [name for name in names if is_of_a_part(name)]
        await self._make({*names, *map(whole_of, parts)})
        taken = await self._take_others(set(names) - set(parts), node, ttl, most=most)
        return taken + await self._parts.take(parts, node, ttl, most=most - len(taken))

    async def renew(self, held: Collection[Lease], ttl: int, *, anew: bool = False) -> list[Lease]:
        """Let leases last for ``ttl`` nanoseconds from now on, unless they were given back.

        Args:
            held: the caller's.
            ttl: how long they last, in nanoseconds.
            anew: over a connection that is made for it.

        Returns:
            Those of them that are still the caller's.

        Raises:
            StoreUnavailable: nothing is known to be renewed.
        """
        parts, others = _apart(held)
        renewed = {lease.name for lease in await self._parts.renew(parts, ttl, anew=anew)}
        if others:
            async with self._database.renewal(anew=anew) as connection:
                renewed |= set(await _change(connection, others, until=NOW + ttl))
        return [lease for lease in held if lease.name in renewed]

    async def release(self, held: Collection[Lease]) -> None:
        """Give leases back: the next one may have them at once. The caller writes nothing any more.

        Raises:
            StoreUnavailable: they may not be given back; then they run out.
        """
        parts, others = _apart(held)
        await self._parts.release(parts)
        if others:
            async with self._database.lease_transaction() as connection:
                await _change(connection, others, until=0, node="")

    async def seen(self, node: Node) -> Nanos:
        """Note that a node lives; nodes of long ago are forgotten.

        Returns:
            The database's clock at that moment.

        Raises:
            StoreUnavailable: it may not be noted.
        """
        row = _node_row(node)
        noting = postgresql.insert(nodes).values(**row, seen=NOW)
        renewed = {name: noting.excluded[name] for name in (*row, "seen") if name != "node_id"}
        noting = noting.on_conflict_do_update(index_elements=[nodes.c.node_id], set_=renewed)
        old = delete(nodes).where(nodes.c.seen < NOW - _FORGOTTEN_AFTER, nodes.c.node_id != node.node_id)
        async with self._database.lease_transaction() as connection:
            moment = (await connection.execute(noting.returning(nodes.c.seen))).scalar_one()
            await connection.execute(old)
        return Nanos(moment)

    async def gone(self, node_id: str) -> None:
        """Forget a node that ends.

        Raises:
            StoreUnavailable: it may not be forgotten; then it is when it was silent for long.
        """
        async with self._database.lease_transaction() as connection:
            await connection.execute(delete(nodes).where(nodes.c.node_id == node_id))

    async def living(self, within: int) -> list[Node]:
        """Nodes that were seen within so many nanoseconds, oldest first.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        return [node for node in await self.nodes() if node.silence <= within]

    async def nodes(self) -> list[Node]:
        """All nodes that are not forgotten yet, oldest first.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        silence = (NOW - nodes.c.seen).label("silence")
        statement = select(nodes, silence).order_by(nodes.c.started, nodes.c.node_id)
        async with self._database.lease_transaction() as connection:
            return [_to_node(row) for row in (await connection.execute(statement)).mappings()]

    async def leases(self) -> list[Ownership]:
        """All leases that were ever taken, by name.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        statement = select(leases, (leases.c.until - NOW).label("left")).order_by(leases.c.name)
        async with self._database.lease_transaction() as connection:
            return [
                Ownership(lease=Lease(row["name"], row["epoch"]), node_id=row["node"], left=row["left"])
                for row in (await connection.execute(statement)).mappings()
            ]

    async def _make(self, names: Collection[str]) -> None:
        new = set(names) - self._made
        if not new:
            return
        rows = [{"name": name, "epoch": 0, "node": "", "until": 0} for name in sorted(new)]
        async with self._database.lease_transaction() as connection:
            await connection.execute(postgresql.insert(leases).on_conflict_do_nothing(), rows)
        self._made |= new

    async def _take_others(self, names: Collection[str], node: str, ttl: int, *, most: int) -> list[Lease]:
        if not names:
            return []
        taken, owners = await self._take(names, node, ttl, most=most)
        if owners and await self._end_stuck(owners):
            more, _ = await self._take(names, node, ttl, most=most - len(taken))
            taken += more
        return taken

    async def _take(
        self, names: Collection[str], node: str, ttl: int, *, most: int
    ) -> tuple[list[Lease], list[str]]:
        """Take what can be taken; gives with it the owners of what has run out and is still locked."""
        is_free = and_(leases.c.name.in_(sorted(names)), leases.c.until <= NOW)
        # Not FOR NO KEY UPDATE, which an UPDATE takes by itself: that goes on beside a commit of the owner.
        free = select(leases.c.name).where(is_free).order_by(leases.c.name).limit(most)
        locking = free.with_for_update(skip_locked=True)
        async with self._database.lease_transaction() as connection:
            found = list((await connection.execute(locking)).scalars())
            taking = update(leases).where(leases.c.name.in_(found))
            taking = taking.values(epoch=leases.c.epoch + 1, node=node, until=NOW + ttl)
            taking = taking.returning(leases.c.name, leases.c.epoch)
            taken = [Lease(*row) for row in (await connection.execute(taking)).all()] if found else []
            if len(taken) >= most:
                return taken, []
            locked = select(leases.c.node).distinct().where(is_free, leases.c.node != "")
            return taken, list((await connection.execute(locked)).scalars())

    async def _end_stuck(self, owners: Sequence[str]) -> bool:
        """End connections of owners that have stood still in a transaction, paused or cut off.

        Returns:
            Whether there were any.
        """
        named = [name_of(owner) for owner in owners]
        async with self._database.lease_transaction() as connection:
            return bool((await connection.execute(_END_STUCK, {"named": named})).scalar_one())


async def guard(connection: AsyncConnection, owner: Lease, *, decided: Nanos) -> None:
    """Begin a commit of an owner: the lease stays the owner's until the transaction is over.

    Args:
        connection: in the transaction of the commit.
        owner: its lease.
        decided: when the last of what is written was decided, by the owner's clock.

    Raises:
        LeaseLost: another node has it; nothing may be written.
        ClockAhead: that moment is still to come; nothing may be written.
    """
    moment = await _lock(connection, owner, "KEY SHARE")
    if (ahead := decided - moment) > MOST_OFF:
        raise ClockAhead(
            f"this node's clock is {span_text(ahead)} ahead of the database's: it decides nothing of "
            f"{owner.name}, and another node does"
        )


async def _change(connection: AsyncConnection, held: Collection[Lease], **values: Any) -> list[str]:
    """Change those of these leases that are still their owner's; give their names."""
    mine = await locked(connection, held)
    await connection.execute(update(leases).where(leases.c.name.in_(mine)).values(**values))
    return mine


async def seal(connection: AsyncConnection, owner: Lease) -> None:
    """Wait until no other commit of an owner is under way, and let none begin in this transaction.

    Raises:
        LeaseLost: another node has it.
        StoreUnavailable: one is still under way after the time that a lock is waited for.
    """
    await _lock(connection, owner, "UPDATE")


async def _lock(connection: AsyncConnection, owner: Lease, strength: str) -> Nanos:
    """Lock the row; gives the database's clock, read at the begin."""
    statement = f"SELECT {NOW_SQL} FROM leases WHERE name = $1 AND epoch = $2 FOR {strength}"
    found = (await connection.exec_driver_sql(statement, (owner.name, owner.epoch))).first()
    if found is None:
        raise LeaseLost(
            f"another node has {owner.name} now: it works these orders, and this one leaves them alone"
        )
    return Nanos(found[0])


_END_STUCK: Final = text(
    "SELECT count(pg_terminate_backend(pid, :patience)) FROM pg_stat_activity"
    " JOIN unnest(CAST(:named AS text[])) AS stuck(name) ON starts_with(application_name, stuck.name)"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND xact_start < clock_timestamp() - :patience * interval '1 millisecond'"
).bindparams(bindparam("patience", _STUCK_AFTER_MS, BigInteger))


def _apart(held: Collection[Lease]) -> tuple[list[Lease], list[Lease]]:
    """Those of parts of exchanges, and all others."""
    parts = [one for one in held if is_of_a_part(one.name)]
    return parts, [one for one in held if not is_of_a_part(one.name)]


def _node_row(node: Node) -> dict[str, Any]:
    return {
        "node_id": node.node_id,
        "host": node.host,
        "roles": " ".join(node.roles),
        "version": node.version,
        "started": node.started,
        "address": node.address,
        "remark": node.remark,
    }


def _to_node(row: RowMapping) -> Node:
    found = {name: row[name] for name in ("node_id", "host", "version", "started", "address", "remark")}
    return Node(**found, roles=tuple(row["roles"].split()), silence=max(0, row["silence"]))
