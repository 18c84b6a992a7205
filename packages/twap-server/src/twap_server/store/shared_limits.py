"""Keep what gateways of one cluster limit callers by, in PostgreSQL and by its clock.

Rows are few and end: each has a moment from which on it says nothing, and a table a number of rows above
which those that would end first are forgotten.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Table,
    Text,
    and_,
    bindparam,
    case,
    column,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    update,
    values,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.accounts import FailureCount, KeyTries, TriesOfKeys
from twap_server.domain.hits import HeardHits
from twap_server.store.database import Database
from twap_server.store.server_clock import NOW
from twap_server.store.tables import once_secrets, password_tries, shared_hits

_MOST_TRIES = 200_000
_MOST_SECRETS = 10_000
"""Of each kind."""


class SqlSharedLimits:
    """All that gateways limit callers by together, each kind by a store of its own."""

    def __init__(self, database: Database) -> None:
        self.tries = PasswordTriesStore(database)
        self.hits = SharedHitsStore(database)
        self.once = OnceStore(database)


class PasswordTriesStore:
    """Password tries by digests of names and addresses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seen(self, keys: Sequence[str]) -> TriesOfKeys:
        """Look, without a turn at writing.

        Raises:
            StoreUnavailable: nobody knows.
        """
        asked = values(column("asked", Text), name="asked").data([(key,) for key in keys])
        of_keys = asked.outerjoin(password_tries, password_tries.c.key == asked.c.asked)
        columns = [one for one in password_tries.c if one.name != "key"]
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(asked.c.asked.label("key"), *columns, NOW.label("now")).select_from(of_keys)
            )
            return _tries(rows.all())

    @asynccontextmanager
    async def beginning(self, pair: str, others: Sequence[str]) -> AsyncIterator[TriesOfKeys]:
        """Give the tries of a pair to change, and those of others unless it is known; kept on leaving.

        Pairs are locked before all others, and those in one order: nobody waits in a circle.

        Raises:
            StoreUnavailable: nothing is known to be changed.
        """
        async with self._database.account_transaction() as connection:
            held = await _taken(connection, [pair])
            if others and held.of[pair].known_until <= held.now:
                rest = await _taken(connection, sorted(others))
                held = TriesOfKeys(now=rest.now, of={**held.of, **rest.of})
            yield held
            kept = [_row(key, tries) for key, tries in held.of.items() if tries.kept_until > held.now]
            over = [key for key, tries in held.of.items() if tries.kept_until <= held.now]
            if kept:
                await connection.execute(_KEEP, kept)
            if over:
                await connection.execute(delete(password_tries).where(password_tries.c.key.in_(over)))

    async def ended(
        self, keys: Sequence[str], *, failed: bool, known: str, known_for: int, keep: int
    ) -> None:
        """An attempt that was counted for these keys has an outcome.

        Raises:
            StoreUnavailable: it is not known to be counted.
        """
        table = password_tries.c
        changed: dict[str, Any] = {"pending": func.greatest(table.pending - 1, 0)}
        if failed:
            changed |= {"failures": table.failures + 1, "last": NOW}
            changed |= {"kept_until": func.greatest(table.kept_until, NOW + keep)}
        if known:
            until = case((table.key == known, NOW + known_for), else_=0)
            changed |= {"known_until": func.greatest(table.known_until, until)}
            changed |= {"kept_until": func.greatest(table.kept_until, until)}
        in_order = [{"of_key": key} for key in (*keys[:1], *sorted(keys[1:]))]
        async with self._database.account_transaction() as connection:
            await connection.execute(_KEEP.values(changed), in_order)

    async def forget(self) -> None:
        """Forget what says nothing any more, and what is beyond the bound."""
        async with self._database.account_transaction() as connection:
            await _forget(connection, password_tries, password_tries.c.key, most=_MOST_TRIES)


class SharedHitsStore:
    """What each gateway let pass; see ``api/http/shared_rate_limits.py``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def exchange(
        self,
        gateway: str,
        number: int,
        told: Mapping[str, Mapping[str, int]],
        *,
        spans: Mapping[str, int],
        seen: Mapping[str, int],
    ) -> list[HeardHits]:
        """Tell, and hear what others told since; they are numbered, and read in order.

        Raises:
            StoreUnavailable: nothing was heard, and whether it was told is not known.
        """
        if told:
            async with self._database.account_transaction() as connection:
                # A power cut may lose it: then its hits count no more, and no caller waits for a disk.
                await connection.execute(select(func.set_config("synchronous_commit", "off", True)))
                rows = [_told(gateway, number, limit, hits, spans[limit]) for limit, hits in told.items()]
                await connection.execute(_TELL, rows)
        async with self._database.reading() as connection:
            return [_heard(row) for row in await connection.execute(_news(gateway, seen))]

    async def forget(self) -> None:
        """Forget what counts no more."""
        async with self._database.account_transaction() as connection:
            await connection.execute(delete(shared_hits).where(shared_hits.c.kept_until <= NOW))


class OnceStore:
    """Texts by digests of their secret names; each is given out once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, name_hash: str, kind: str, body: str, *, life: int) -> None:
        """Remember for so many nanoseconds.

        Raises:
            StoreConflict: something has that name.
            StoreUnavailable: nothing is known to be recorded.
        """
        row = {"name_hash": name_hash, "kind": kind, "body": body}
        async with self._database.account_transaction() as connection:
            await connection.execute(insert(once_secrets).values(**row, kept_until=NOW + life))

    async def take(self, name_hash: str, kind: str) -> str | None:
        """Give and forget, whichever gateway asks: one conditional write decides.

        Raises:
            StoreUnavailable: it may be gone.
        """
        named = and_(once_secrets.c.name_hash == name_hash, once_secrets.c.kind == kind)
        if not await self._database.read(select(once_secrets.c.kind).where(named)):
            return None
        taken = (
            delete(once_secrets).where(named).returning(once_secrets.c.body, once_secrets.c.kept_until > NOW)
        )
        async with self._database.account_transaction() as connection:
            found = (await connection.execute(taken)).first()
        return str(found[0]) if found is not None and found[1] else None

    async def forget(self) -> None:
        """Forget what nobody took in time, and of more than so many of a kind the oldest."""
        async with self._database.account_transaction() as connection:
            kinds = (await connection.execute(select(once_secrets.c.kind).distinct())).scalars().all()
            for kind in kinds:
                of_kind = once_secrets.c.kind == kind
                await _forget(connection, once_secrets, once_secrets.c.name_hash, of_kind, most=_MOST_SECRETS)


async def _forget(
    connection: AsyncConnection, table: Table, key: ColumnElement[str], *among: ColumnElement[bool], most: int
) -> None:
    ends: ColumnElement[int] = table.c.kept_until
    await connection.execute(delete(table).where(ends <= NOW, *among))
    beyond = select(key).where(*among).order_by(ends.desc()).offset(most)
    await connection.execute(delete(table).where(key.in_(beyond)))


async def _taken(connection: AsyncConnection, keys: Iterable[str]) -> TriesOfKeys:
    """Make the rows that are missing, and lock all of them, in this order."""
    blank = {one.name: 0 for one in password_tries.c if one.name != "key"}
    made = postgresql.insert(password_tries).values([{"key": key, **blank} for key in keys])
    same = made.on_conflict_do_update(index_elements=["key"], set_={"key": made.excluded.key})
    rows = await connection.execute(same.returning(*password_tries.c, NOW.label("now")))
    return _tries(rows.all())


def _tries(rows: Sequence[Any]) -> TriesOfKeys:
    return TriesOfKeys(now=max(row.now for row in rows), of={row.key: _read(row) for row in rows})


def _read(row: Row[Any]) -> KeyTries:
    if row.kept_until is None:
        return KeyTries()
    return KeyTries(
        failures=FailureCount(row.failures, row.pending, row.last),
        begun=row.begun,
        known_until=row.known_until,
        told=row.told,
        kept_until=row.kept_until,
    )


def _row(key: str, tries: KeyTries) -> dict[str, Any]:
    return {
        "of_key": key,
        "failures": tries.failures.count,
        "pending": tries.failures.pending,
        "last": tries.failures.last,
        "begun": tries.begun,
        "known_until": tries.known_until,
        "told": tries.told,
        "kept_until": tries.kept_until,
    }


_KEEP = update(password_tries).where(password_tries.c.key == bindparam("of_key"))
_TELL = insert(shared_hits).values(told=NOW, kept_until=NOW + bindparam("span", type_=BigInteger))


def _told(gateway: str, number: int, limit: str, hits: Mapping[str, int], span: int) -> dict[str, Any]:
    return {
        "gateway": gateway,
        "number": number,
        "limit_name": limit,
        "hits": json.dumps(hits, ensure_ascii=False),
        "span": span,
    }


def _news(gateway: str, seen: Mapping[str, int]) -> Any:
    """What others told; of those heard of before only what is newer."""
    table = shared_hits.c
    newer = (and_(table.gateway == other, table.number > number) for other, number in seen.items())
    statement = select(shared_hits, (NOW - table.told).label("ago"))
    statement = statement.where(table.gateway != gateway, table.kept_until > NOW)
    return statement.where(or_(table.gateway.not_in(list(seen)), false(), *newer)).order_by(table.told)


def _heard(row: Row[Any]) -> HeardHits:
    return HeardHits(
        gateway=row.gateway, number=row.number, limit=row.limit_name, ago=row.ago, hits=json.loads(row.hits)
    )
