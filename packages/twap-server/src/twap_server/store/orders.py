"""Store orders with their slices, fills and events. Only the engine writes; anybody may read."""

import builtins
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_models.enums import OrderStatus, Side
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import (
    CommitInDoubt,
    LeaseLost,
    StoreConflict,
    StoreTakenOver,
    StoreUnavailable,
)
from twap_server.domain.orders.order import Order, OrderEvent
from twap_server.domain.orders.record import EventRange, OrderPage, OrderRecord, PageRequest
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.write import OrderWrite
from twap_server.domain.ownership import Lease, partition_of_lease
from twap_server.store import leases, queries, sqlite_page
from twap_server.store.columns import to_column
from twap_server.store.commit_rows import Batch, advance_rows, batches_of, compiled
from twap_server.store.database import Database
from twap_server.store.driver import Statement
from twap_server.store.events import read_events
from twap_server.store.pages import read_page, read_parts
from twap_server.store.rows import to_order, to_plan, to_progress, to_sample

_TOKENS_PER_READ = 500
"""Of one user."""
_KEYS_PER_READ = 32
"""Of several users: every combination of theirs is looked up."""


class SqlOrderStore:
    """Implements the engine's ``OrderStore`` and the read side of the API."""

    def __init__(self, database: Database, owner: Lease | None = None) -> None:
        """Args: owner: the lease of the partition whose orders it writes; None where one server has all."""
        assert owner is None or database.dialect == "postgresql", "there are leases in PostgreSQL only"
        self._database, self._owner = database, owner
        self._partition = None if owner is None else partition_of_lease(owner.name)

    async def commit(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
        """Record all writes in one durable transaction of at most six statements.

        Args:
            writes: decisions about orders.
            samples: of orders' markets, by order id; one that was recorded before is passed over.

        A commit whose answer was lost is looked up at once.

        Raises:
            StoreConflict: a unique key was taken or an order's version was not the one before; nothing was
                recorded.
            CommitInDoubt: all was recorded or nothing, and the database is not there to be asked: ask
                :meth:`was_recorded` before anything else is decided.
            StoreUnavailable: nothing was recorded; try again.
            LeaseLost: another node owns the partition. What was recorded of it until then is final, and the
                other's; this is not, or its answer was lost before.
            ClockAhead: nothing was recorded, for it was decided by a clock that is wrong.
        """
        if not writes and not samples:
            return
        try:
            await self._record(writes, samples)
        except CommitInDoubt as error:
            if not writes or not await self._look_up(writes, error):
                raise StoreUnavailable(str(error)) from error

    async def was_recorded(self, writes: Sequence[OrderWrite]) -> bool:
        """Whether a commit in doubt was recorded. The answer is final: no earlier commit is still under way.

        Raises:
            StoreUnavailable: the database is not there to be asked.
            LeaseLost: another node owns the partition, and says what became of it.
        """
        order = writes[0].order
        async with self._database.transaction() as connection:
            if self._owner is not None:
                await leases.seal(connection, self._owner)
            row = (await connection.execute(queries.by_id(order.terms.order_id))).mappings().first()
        return row is not None and to_progress(row) == order.progress

    async def _look_up(self, writes: Sequence[OrderWrite], doubt: CommitInDoubt) -> bool:
        try:
            return await self.was_recorded(writes)
        except StoreTakenOver:
            raise
        except StoreUnavailable:
            raise doubt from None

    async def _record(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]]) -> None:
        dialect = self._database.dialect
        made = batches_of(writes, samples, number=to_column(dialect), narrow=dialect == "sqlite")
        if dialect == "sqlite":
            await self._database.write(
                [Statement(compiled(one.what, dialect), one.rows, one.is_guarded) for one in made]
            )
            return
        async with self._database.transaction() as connection:
            await self._check_ownership(connection, writes)
            for one in made:
                await _run(connection, one)

    async def _check_ownership(self, connection: AsyncConnection, writes: Sequence[OrderWrite]) -> None:
        if self._owner is not None:
            decided = max((one.events[-1].time for one in writes if one.events), default=Nanos(0))
            await leases.guard(connection, self._owner, decided=decided)
        elif self._database.node_id:
            raise LeaseLost("a node records orders only with the lease of their partition")

    async def open_orders(self) -> builtins.list[Order]:
        """Every order that can still fill, of the partition where there is one; oldest first."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(queries.all_open(self._partition))).mappings()
            return [to_order(row) for row in rows]

    async def find(self, user_id: str, token_ids: Sequence[str]) -> dict[str, Order]:
        """The user's orders with these token ids; those not recorded are left out."""
        found = await self.find_all([(user_id, token_id) for token_id in token_ids])
        return {token_id: order for (_, token_id), order in found.items()}

    async def find_all(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Order]:
        """The orders of these users (first) with these token ids; those not recorded are left out."""
        wanted, found = list(keys), dict[tuple[str, str], Order]()
        is_ones = len({user_id for user_id, _ in wanted}) == 1
        size = _TOKENS_PER_READ if is_ones else _KEYS_PER_READ
        for first in range(0, len(wanted), size):
            some = set(wanted[first : first + size])
            users, tokens = zip(*some, strict=True)
            named = {"of_users": sorted(set(users)), "of_tokens": sorted(set(tokens))}
            for row in await self._database.read(queries.by_token(), named):
                if (key := (row["user_id"], row["token_id"])) in some:
                    found[key] = to_order(row)
        return found

    async def last_event_seq(self, user_id: str) -> int:
        """The highest event seq of a user, 0 without any."""
        (row,) = await self._database.read(queries.last_seq(user_id))
        return row["seq"] or 0

    async def last_event_seqs(self, user_ids: Collection[str]) -> dict[str, int]:
        """The highest event seq of each of these users that has events."""
        rows = await self._database.read(queries.last_seqs(list(user_ids), self._database.dialect))
        return {row["user_id"]: row["seq"] for row in rows if row["seq"] is not None}

    async def detail(self, user_id: str, token_id: str) -> OrderRecord | None:
        """All that is recorded of one order, of the same moment; None without."""
        async with self._database.reading() as connection:
            return await read_record(connection, user_id, token_id)

    async def page(self, user_id: str, token_id: str, asked: PageRequest) -> OrderPage | None:
        """An order with that page of its slices and fills, of the same moment; None without such an order."""
        if self._database.dialect == "sqlite" and sqlite_page.may_read(asked):
            return await self._database.read_in_one_trip(sqlite_page.read_page, user_id, token_id, asked)
        async with self._database.reading() as connection:
            order = await _one(connection, user_id, token_id)
            return None if order is None else await read_page(connection, order, asked)

    async def parts(self, user_id: str, token_id: str, asked: PageRequest) -> AsyncGenerator[OrderPage, None]:
        """What ``page`` gives, some hundred slices or fills at a time, all of the same moment; else nothing.

        Close it (``aclosing``): until its end it has one of the connections for reading.
        """
        async with self._database.reading() as connection:
            order = await _one(connection, user_id, token_id)
            if order is not None:
                async with aclosing(read_parts(connection, order, asked)) as parts:
                    async for part in parts:
                        yield part

    async def list(
        self,
        user_id: str,
        *,
        token_id: str | None = None,
        statuses: Collection[OrderStatus] | None = None,
        exchange: str | None = None,
        symbols: Collection[str] | None = None,
        side: Side | None = None,
        limit: int,
        after: tuple[Nanos, str] | None = None,
    ) -> builtins.list[Order]:
        """A page of a user's orders, newest first.

        Args:
            user_id: whose.
            token_id: the one with this token id only.
            statuses: in one of these states only; an empty collection finds nothing.
            exchange: on this exchange only.
            symbols: with one of these canonical symbols only.
            side: of this side only.
            limit: at most so many.
            after: ``created`` and ``order_id`` of the last order of the page before.
        """
        statement = queries.newest(
            user_id,
            token_id=token_id,
            statuses=statuses,
            exchange=exchange,
            symbols=symbols,
            side=side,
            limit=limit,
            after=after,
        )
        async with self._database.reading() as connection:
            return [to_order(row) for row in (await connection.execute(statement)).mappings()]

    async def events(self, user_id: str, since: int, limit: int) -> builtins.list[OrderEvent]:
        """A user's events with ``seq > since``, in order, at most ``limit``."""
        return await self._events(partial(queries.events_after, user_id), since, limit)

    async def events_of(
        self, user_id: str, token_id: str, wanted: EventRange, *, limit: int
    ) -> builtins.list[OrderEvent] | None:
        """One order's events of that range, in order; None where the user has no such order."""
        order = (await self.find(user_id, [token_id])).get(token_id)
        if order is None:
            return None
        order_id, since = order.terms.order_id, wanted.since
        async with self._database.reading() as connection:
            if wanted.latest:
                last = queries.seqs_before(user_id, order_id, wanted.before, limit)
                seqs = (await connection.execute(last)).scalars().all()
                limit, since = len(seqs), min(seqs, default=1) - 1
            return await read_events(connection, partial(queries.events_of, user_id, order_id), since, limit)

    async def _events(
        self, statement: Callable[[int, int], Select[Any]], since: int, limit: int
    ) -> builtins.list[OrderEvent]:
        async with self._database.reading() as connection:
            return await read_events(connection, statement, since, limit)


async def read_record(connection: AsyncConnection, user_id: str, token_id: str) -> OrderRecord | None:
    """All that is recorded of one order, as far as this connection sees; None without."""
    order = await _one(connection, user_id, token_id)
    if order is None:
        return None
    order_id = order.terms.order_id
    whole = await read_page(connection, order, PageRequest())
    sampled = (await connection.execute(queries.samples_of(order_id))).mappings().all()
    planned = (await connection.execute(queries.plans_of(order_id))).mappings()
    return OrderRecord(
        order=order,
        slices=whole.slices,
        fills=whole.fills,
        samples=tuple(map(to_sample, sampled)),
        plans=tuple(map(to_plan, planned)),
    )


async def _one(connection: AsyncConnection, user_id: str, token_id: str) -> Order | None:
    named = {"of_users": [user_id], "of_tokens": [token_id]}
    row = (await connection.execute(queries.by_token(), named)).mappings().first()
    return None if row is None else to_order(row)


async def _run(connection: AsyncConnection, batch: Batch) -> None:
    """Write rows; guarded ones with one statement, for asyncpg does not count what many of them change."""
    if not batch.is_guarded:
        await connection.exec_driver_sql(compiled(batch.what, connection.dialect.name), batch.rows)
        return
    done = await connection.execute(queries.advance_all(advance_rows(batch.rows)))
    if done.rowcount != len(batch.rows):
        raise StoreConflict("not recorded: an order was changed by somebody else in the meantime")
