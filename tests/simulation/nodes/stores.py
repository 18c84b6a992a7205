"""What PostgreSQL decides between nodes, decided by the shared SQLite file instead.

Orders: the product's own store with its own guard, in one transaction. Leases: the same rules as
``SqlLeaseStore`` in SQLite's words, by the database's clock.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from simulation.nodes.shared_disk import Leased, Owned, SharedDisk
from simulation.storage import PENDING
from support.stores.leases import Row, may_take, next_epoch
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import StoreConflict, StoreUnavailable
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.write import OrderWrite
from twap_server.domain.ownership import Lease, Node, Ownership, is_of_a_part, partition_of_lease
from twap_server.store.columns import to_column
from twap_server.store.commit_rows import batches_of, compiled
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

_ANSWER_S = 2
"""As ``Database.shared`` has it for leases."""


class GuardedOrderStore(SqlOrderStore):
    """``SqlOrderStore`` of an owner: all is its own but the text of the statements."""

    def __init__(self, database: Database, owner: Lease, node: str) -> None:
        """Args: node: its name, for the log."""
        super().__init__(database)
        self._owner, self._partition = owner, partition_of_lease(owner.name)
        self._node = node

    async def _record(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]]) -> None:
        assert self._owner is not None
        made = batches_of(writes, samples, number=to_column("sqlite"), narrow=False)
        token = PENDING.set(Owned(writes, self._owner, self._node))
        try:
            async with self._database.transaction() as connection:
                await self._check_ownership(connection, writes)
                for one in made:
                    done = await connection.exec_driver_sql(compiled(one.what, "sqlite"), one.rows)
                    if one.is_guarded and done.rowcount != len(one.rows):
                        raise StoreConflict("not recorded: an order was changed by somebody else")
        finally:
            PENDING.reset(token)


class SimOwnerships:
    """Implements ``LeaseStore`` and ``NodeStore``."""

    def __init__(self, database: Database, disk: SharedDisk, node: str) -> None:
        """Args: node: its name, for the log."""
        self._database, self._disk, self._node = database, disk, node

    async def take(self, names: Collection[str], node: str, ttl: int, *, most: int) -> list[Lease]:
        """See ``LeaseStore``."""
        told = Leased("take", self._node, ttl)
        async with self._writing(told) as connection:
            for name in sorted(names):
                row = (name, 0, "", 0)
                await connection.exec_driver_sql("INSERT OR IGNORE INTO leases VALUES (?, ?, ?, ?)", row)
            every = await connection.exec_driver_sql("SELECT name, epoch, node, until FROM leases")
            rows = {row[0]: Row(*row[1:]) for row in every.all()}
            found: list[Lease] = []
            for name in sorted(names):
                if len(found) < most and may_take(rows, name, told.at):
                    rows[name] = Row(next_epoch(rows, name), node, told.until)
                    found.append(Lease(name, rows[name].epoch))
            for one in found:
                await connection.exec_driver_sql(
                    "UPDATE leases SET epoch = ?, node = ?, until = ? WHERE name = ?",
                    (one.epoch, node, told.until, one.name),
                )
            told.leases += found
        return found

    async def renew(self, held: Collection[Lease], ttl: int, *, anew: bool = False) -> list[Lease]:
        """See ``LeaseStore``."""
        told = Leased("renew", self._node, ttl)
        async with self._writing(told) as connection:
            for one in held:
                after = told.at if is_of_a_part(one.name) else -1
                done = await connection.exec_driver_sql(
                    "UPDATE leases SET until = ? WHERE name = ? AND epoch = ? AND until > ? AND node <> ''",
                    (told.until, one.name, one.epoch, after),
                )
                told.leases += [one] * done.rowcount
        return list(told.leases)

    async def release(self, held: Collection[Lease]) -> None:
        """See ``LeaseStore``."""
        told = Leased("release", self._node, 0)
        async with self._writing(told) as connection:
            for one in held:
                done = await connection.exec_driver_sql(
                    "UPDATE leases SET until = 0, node = '' WHERE name = ? AND epoch = ?",
                    (one.name, one.epoch),
                )
                told.leases += [one] * done.rowcount

    async def leases(self) -> list[Ownership]:
        """See ``LeaseStore``."""
        async with _in_time(), self._database.reading() as connection:
            rows = await connection.exec_driver_sql(
                "SELECT name, epoch, node, until FROM leases ORDER BY name"
            )
            now = self._disk.clock.now()
            return [
                Ownership(lease=Lease(row[0], row[1]), node_id=row[2], left=row[3] - now)
                for row in rows.all()
            ]

    async def seen(self, node: Node) -> Nanos:
        """See ``NodeStore``."""
        async with self._writing() as connection:
            moment = self._disk.clock.now()
            row = (node.node_id, " ".join(node.roles), moment, node.remark)
            await connection.exec_driver_sql(_SEEN, row)
        return moment

    async def gone(self, node_id: str) -> None:
        """See ``NodeStore``."""
        async with self._writing() as connection:
            await connection.exec_driver_sql("DELETE FROM nodes WHERE node_id = ?", (node_id,))

    async def living(self, within: int) -> list[Node]:
        """See ``NodeStore``."""
        async with _in_time(), self._database.reading() as connection:
            rows = await connection.exec_driver_sql(_LIVING, (self._disk.clock.now() - within,))
            return [
                Node(
                    node_id=row[0],
                    host="sim",
                    roles=tuple(row[1].split()),
                    version="",
                    started=Nanos(0),
                    remark=row[2],
                )
                for row in rows.all()
            ]

    @asynccontextmanager
    async def _writing(self, told: Leased | None = None) -> AsyncIterator[AsyncConnection]:
        """The log hears of ``told`` when it is committed, at the end of this block."""
        token = PENDING.set(told)
        try:
            async with _in_time(), self._database.lease_transaction() as connection:
                if told is not None:
                    told.at = self._disk.clock.now()
                yield connection
        finally:
            PENDING.reset(token)


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_ANSWER_S):
            yield
    except TimeoutError:
        raise StoreUnavailable("the database cannot be used: it did not answer in time") from None


_SEEN = """
INSERT INTO nodes VALUES (?, 'sim', ?, '', 0, ?, '', ?)
ON CONFLICT (node_id) DO UPDATE SET remark = excluded.remark, seen = excluded.seen
"""
_LIVING = "SELECT node_id, roles, remark FROM nodes WHERE seen >= ? ORDER BY node_id"
