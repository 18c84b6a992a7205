"""The database that all nodes share: one SQLite file in the place of PostgreSQL, on a machine of its own.

Nodes come and go, it stays. Transactions that write take turns, where PostgreSQL has them beside each other
and locks rows; one whose node stands still is ended after a second, for others wait. In the transaction of a
commit the database itself notes which epoch the leases have then: that is what writes are checked against.
"""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from random import Random
from typing import Any

from simulation.clock import SimClock
from simulation.loop import LIFE, Life, VirtualLoop
from simulation.storage import PENDING, Disk, InlineConnection
from twap_server.domain.orders.write import OrderWrite
from twap_server.domain.ownership import Lease
from twap_server.store import sqlite
from twap_server.store.config import StoreConfig
from twap_server.store.database import Database
from twap_server.store.server_clock import NOW_SQL

_STUCK_AFTER_S = 1.0
_LOOK_EVERY_S = 0.01
_NO_ANSWER_S = 2.0


@dataclass(slots=True)
class Owned:
    """Writes of orders, and the lease by which a node believes that it may write them."""

    writes: Sequence[OrderWrite]
    lease: Lease
    node: str
    stored_epoch: int = -1
    """What the database says in the transaction that writes them."""


@dataclass(slots=True)
class Leased:
    """A change of leases: what became of each, by the database's clock."""

    kind: str
    """``take``, ``renew`` or ``release``."""
    node: str
    ttl: int
    at: int = 0
    leases: list[Lease] = field(default_factory=list)

    @property
    def until(self) -> int:
        """When they run out."""
        return self.at + self.ttl


class SharedDisk(Disk):
    """See the module."""

    def __init__(self, folder: Path, rng: Random, *, loop: VirtualLoop, clock: SimClock) -> None:
        """Args: clock: of the database."""
        super().__init__(folder, rng, loop=loop)
        self.clock = clock
        self.is_away = False
        """Nobody gets an answer."""
        self.bombed: Life | None = None
        """Whose statements count for the bomb."""
        self._connections: dict[NodeConnection, None] = {}
        self._writing: NodeConnection | None = None

    async def prepare(self) -> None:
        """Make the tables."""
        async with self.open(""):
            """Opening migrates."""

    @asynccontextmanager
    async def shared(self, node_id: str) -> AsyncIterator[Database]:
        """What ``Database.shared`` gives for PostgreSQL: a connection for leases beside the others."""
        config = StoreConfig(url=f"sqlite:///{self.path}")
        writer, of_leases, readers = (
            sqlite.connect_to(self.path, config, writing=writing, connect=self._of_node)
            for writing in (True, True, False)
        )
        database = Database(writer=writer, readers=readers, of_leases=of_leases, node_id=node_id)
        try:
            yield database
        finally:
            await database._close()

    async def pass_bomb(self) -> None:
        if self.bombed is not None and self.bombed is LIFE.get():
            await super().pass_bomb()

    def end(self, life: Life) -> None:
        """A node died: the database notices at once, and rolls back what it had begun."""
        for one in [one for one in self._connections if one.life is life]:
            one.break_off()

    async def take_turn(self, connection: "NodeConnection") -> None:
        """Wait until nobody else writes; whoever stands still in the middle of it is ended."""
        while (other := self._writing) is not None:
            since = None if other.life is None else other.life.paused_at
            if since is not None and self._loop.time() - since > _STUCK_AFTER_S:
                self.done["stuck transaction ended"] += 1
                other.break_off()
            else:
                await asyncio.sleep(_LOOK_EVERY_S)
        self._writing = connection

    def give_turn(self, connection: "NodeConnection") -> None:
        """Let the next one write."""
        if self._writing is connection:
            self._writing = None

    def _of_node(self, *where: Any, **options: Any) -> "NodeConnection":
        connection = NodeConnection(self, lambda: sqlite3.connect(*where, **options))
        self._connections[connection] = None
        return connection

    def forget(self, connection: "NodeConnection") -> None:
        """It is closed."""
        self._connections.pop(connection, None)
        self.give_turn(connection)


class NodeConnection(InlineConnection):
    """One of a node's connections."""

    _disk: SharedDisk

    async def _open(self) -> "NodeConnection":
        await super()._open()
        self.life = LIFE.get()
        self._is_broken = False
        connection = self._connection
        assert connection is not None
        for name, arguments, function in _FUNCTIONS:
            connection.create_function(name, arguments, function, deterministic=True)
        connection.create_function("clock_timestamp", 0, self._disk.clock.now)
        return self

    def break_off(self) -> None:
        """The database ends it, and what it had begun."""
        self._is_broken = True
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            self._connection.close()
        self._disk.forget(self)

    def stop(self) -> None:
        if not self._is_broken:
            super().stop()
        self._disk.forget(self)

    async def run(self, sql: str, rows: Any, *, many: bool) -> Any:
        return await super().run(_in_sqlite(sql), rows, many=many)

    async def rollback(self) -> None:
        if not self._is_broken:
            await super().rollback()
        self._disk.give_turn(self)

    async def commit(self) -> None:
        self._refuse_broken()
        try:
            await super().commit()
            self._refuse_broken()  # it is recorded, and nobody hears of it
        finally:
            if self._is_broken or not self.in_transaction:
                self._disk.give_turn(self)

    async def _statement(self, sql: str) -> None:
        if self._disk.is_away:
            await asyncio.sleep(_NO_ANSWER_S)
        self._refuse_broken()
        await super()._statement(sql)
        if sql.startswith("BEGIN IMMEDIATE"):
            await self._disk.take_turn(self)
        self._refuse_broken()

    def _commit(self) -> None:
        self._refuse_broken()
        pending = PENDING.get()
        if isinstance(pending, Owned):
            pending.stored_epoch = self._epoch_of(pending.lease.name)
        super()._commit()

    def _epoch_of(self, name: str) -> int:
        assert self._connection is not None
        found = self._connection.execute("SELECT epoch FROM leases WHERE name = ?", (name,)).fetchone()
        return -1 if found is None else int(found[0])

    def _refuse_broken(self) -> None:
        if self._is_broken or self._disk.is_away:
            self._disk.done["database away"] += 1
            raise sqlite3.OperationalError("no active connection: the database ended it")


def _in_sqlite(sql: str) -> str:
    """PostgreSQL's locks of rows go without saying where transactions take turns; its clock is a function."""
    sql = sql.replace(NOW_SQL, "clock_timestamp()")
    return re.sub(r"\$(\d)", r"?\1", re.sub(r" FOR (KEY SHARE|UPDATE)$", "", sql))


_FUNCTIONS: Sequence[tuple[str, int, Any]] = (
    ("convert_to", 2, lambda text, _: text.encode()),
    ("md5", 1, lambda content: md5(content, usedforsecurity=False).hexdigest()),
    ("decode", 2, lambda text, _: bytes.fromhex(text)),
    ("get_byte", 2, lambda content, at: content[at]),
)
"""What of PostgreSQL finds the orders of a partition."""
