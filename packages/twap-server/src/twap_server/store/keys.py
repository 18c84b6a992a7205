"""Store API keys: only digests of their secrets, and nothing of a revoked key once a new one is made."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    RowMapping,
    Select,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_models.enums import Scope
from twap_server.domain.accounts import Adding, ApiKey
from twap_server.domain.clock import Nanos
from twap_server.store.database import Database
from twap_server.store.tables import api_keys as keys
from twap_server.store.tables import refresh_families as families
from twap_server.store.tables import users

_COLUMNS = (
    keys.c.key_id,
    keys.c.user_id,
    keys.c.name,
    keys.c.created,
    keys.c.scopes,
    keys.c.expires,
    keys.c.last_used,
)
_USES_AT_ONCE = 500
"""Of one transaction: orders wait no longer for it than for each other."""


class KeyStore:
    """API keys of all users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_key(self, key: ApiKey, key_hash: str, *, family_id: str | None, most: int) -> Adding:
        """Record an API key if its user has room for it and is still signed in, both in one transaction.

        What has expired by ``key.created``, or was revoked, is forgotten: a user has at most ``most`` rows.

        Args:
            key: the key.
            key_hash: the digest of its secret.
            family_id: the sign-in that asks for it; None where none does.
            most: how many keys the user may have.

        Raises:
            StoreConflict: the id or the digest is taken, or there is no such user.
            StoreUnavailable: nothing is known to be recorded.
        """
        async with self._database.account_transaction() as connection:
            await connection.execute(_alone_with(key.user_id))
            if family_id is not None and not await _is_active(connection, family_id):
                return Adding.SIGNED_OUT
            await connection.execute(delete(keys).where(keys.c.user_id == key.user_id, _ended(key.created)))
            if await _count(connection, key.user_id) >= most:
                return Adding.FULL
            await connection.execute(insert(keys), _row(key, key_hash))
        return Adding.ADDED

    async def find_key(self, key_hash: str) -> ApiKey | None:
        """The key with that digest, expired or not; None when there is none or it was revoked."""
        found = await self._where(keys.c.key_hash == key_hash)
        return found[0] if found else None

    async def list_keys(self, user_id: str) -> list[ApiKey]:
        """A user's keys that were not revoked, oldest first; one that has expired until another is made."""
        return await self._where(keys.c.user_id == user_id)

    async def revoke_key(self, user_id: str, key_id: str) -> bool:
        """Make a user's key stop counting.

        Returns:
            Whether it was there until now; False for another user's key.
        """
        async with self._database.account_transaction() as connection:
            return bool(await revoke_keys(connection, keys.c.key_id == key_id, keys.c.user_id == user_id))

    async def revoke_keys(self, user_id: str) -> list[str]:
        """Make all of a user's keys stop counting.

        Returns:
            Those that were there until now.
        """
        async with self._database.account_transaction() as connection:
            return await revoke_keys(connection, keys.c.user_id == user_id)

    async def note_uses(self, uses: Mapping[str, Nanos]) -> None:
        """Record when keys, by their ids, were last used; an earlier moment changes nothing.

        Raises:
            StoreUnavailable: some of them may not be recorded.
        """
        rows = [{"used_key": key_id, "used_at": moment} for key_id, moment in uses.items()]
        for first in range(0, len(rows), _USES_AT_ONCE):
            async with self._database.account_transaction() as connection:
                await connection.execute(_USE, rows[first : first + _USES_AT_ONCE])

    async def _where(self, condition: ColumnElement[bool]) -> list[ApiKey]:
        statement = (
            select(*_COLUMNS)
            .where(condition, keys.c.revoked.is_(False))
            .order_by(keys.c.created, keys.c.key_id)
        )
        return [_read(row) for row in await self._database.read(statement)]


async def revoke_keys(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> list[str]:
    """Make keys stop counting in a transaction; gives those that were there until now."""
    counting = update(keys).where(*conditions, keys.c.revoked.is_(False))
    statement = counting.values(revoked=True).returning(keys.c.key_id)
    return list((await connection.execute(statement)).scalars())


_AT = bindparam("used_at", type_=BigInteger)
_USE = (
    update(keys)
    .where(keys.c.key_id == bindparam("used_key"), func.coalesce(keys.c.last_used, 0) < _AT)
    .values(last_used=_AT)
)


def _alone_with(user_id: str) -> Select[Any]:
    """Wait until no other process adds a key of this user (PostgreSQL): each counts what there is."""
    return select(users.c.user_id).where(users.c.user_id == user_id).with_for_update(key_share=True)


async def _is_active(connection: AsyncConnection, family_id: str) -> bool:
    """Whether it counts; it cannot be ended by another process (PostgreSQL) until the transaction is over."""
    statement = select(families.c.family_id).where(
        families.c.family_id == family_id, families.c.revoked.is_(False)
    )
    statement = statement.with_for_update()
    return (await connection.execute(statement)).first() is not None


def _ended(now: Nanos) -> ColumnElement[bool]:
    return or_(keys.c.revoked.is_(True), keys.c.expires <= now)


async def _count(connection: AsyncConnection, user_id: str) -> int:
    statement = select(func.count()).select_from(keys).where(keys.c.user_id == user_id)
    return int((await connection.execute(statement)).scalar_one())


def _row(key: ApiKey, key_hash: str) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "user_id": key.user_id,
        "name": key.name,
        "key_hash": key_hash,
        "created": key.created,
        "revoked": False,
        "scopes": " ".join(key.scopes),
        "expires": key.expires,
        "last_used": key.last_used,
    }


def _read(row: RowMapping) -> ApiKey:
    return ApiKey(**{**row, "scopes": tuple(map(Scope, row["scopes"].split()))})
