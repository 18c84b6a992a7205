"""Users and API keys. Secrets are kept as digests only; sessions are in ``sessions.py``."""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, insert, select, update

from twap_server.domain.clock import Nanos
from twap_server.store.sessions import SessionStore, revoke_families
from twap_server.store.tables import api_keys, refresh_families, users


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """An account."""

    user_id: str
    username: str
    """As the user spelled it."""
    password_hash: str = field(repr=False)
    created: Nanos


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRecord:
    """An API key that counts; its secret is not known here."""

    key_id: str
    user_id: str
    name: str
    created: Nanos


_KEY = (api_keys.c.key_id, api_keys.c.user_id, api_keys.c.name, api_keys.c.created)
_USER = (users.c.user_id, users.c.username, users.c.password_hash, users.c.created)


class SqlAccountStore(SessionStore):
    """Accounts, their sessions (inherited) and their API keys."""

    async def create_user(
        self, user_id: str, username: str, password_hash: str, created: Nanos
    ) -> UserRecord:
        """Record an account.

        Raises:
            StoreConflict: the name is taken, in whatever case.
            StoreUnavailable: nothing is known to be recorded.
        """
        user = UserRecord(user_id=user_id, username=username, password_hash=password_hash, created=created)
        row = {
            "user_id": user_id,
            "username": username,
            "username_key": username.casefold(),
            "password_hash": password_hash,
            "created": created,
        }
        async with self._database.transaction() as connection:
            await connection.execute(insert(users), row)
        return user

    async def find_user(self, username: str) -> UserRecord | None:
        """The account of that name, in whatever case."""
        return await self._user_where(users.c.username_key == username.casefold())

    async def user(self, user_id: str) -> UserRecord | None:
        """The account with that id."""
        return await self._user_where(users.c.user_id == user_id)

    async def change_password(self, user_id: str, password_hash: str) -> list[str]:
        """Replace a password and end all of the user's sign-ins, in one transaction; API keys stay.

        Returns:
            The sign-ins that were active until now.
        """
        statement = update(users).where(users.c.user_id == user_id).values(password_hash=password_hash)
        async with self._database.transaction() as connection:
            await connection.execute(statement)
            return await revoke_families(connection, refresh_families.c.user_id == user_id)

    async def add_key(
        self, key_id: str, user_id: str, name: str, key_hash: str, created: Nanos
    ) -> ApiKeyRecord:
        """Record an API key; ``key_hash`` is the digest of its secret.

        Raises:
            StoreConflict: the id or the digest is taken, or there is no such user.
            StoreUnavailable: nothing is known to be recorded.
        """
        key = ApiKeyRecord(key_id=key_id, user_id=user_id, name=name, created=created)
        row = {
            "key_id": key_id,
            "user_id": user_id,
            "name": name,
            "key_hash": key_hash,
            "created": created,
            "revoked": False,
        }
        async with self._database.transaction() as connection:
            await connection.execute(insert(api_keys), row)
        return key

    async def find_key(self, key_hash: str) -> ApiKeyRecord | None:
        """The key with that digest; None when there is none or it was revoked."""
        found = await self._keys_where(api_keys.c.key_hash == key_hash)
        return found[0] if found else None

    async def list_keys(self, user_id: str) -> list[ApiKeyRecord]:
        """A user's keys that were not revoked, oldest first."""
        return await self._keys_where(api_keys.c.user_id == user_id)

    async def revoke_key(self, user_id: str, key_id: str) -> bool:
        """Make a user's key stop counting.

        Returns:
            Whether it counted until now; False for another user's key.
        """
        return bool(await self._revoke_keys(api_keys.c.key_id == key_id, api_keys.c.user_id == user_id))

    async def revoke_keys(self, user_id: str) -> list[str]:
        """Make all of a user's keys stop counting.

        Returns:
            Those that counted until now.
        """
        return await self._revoke_keys(api_keys.c.user_id == user_id)

    async def _revoke_keys(self, *conditions: ColumnElement[bool]) -> list[str]:
        counting = update(api_keys).where(*conditions, api_keys.c.revoked.is_(False))
        statement = counting.values(revoked=True).returning(api_keys.c.key_id)
        async with self._database.transaction() as connection:
            return list((await connection.execute(statement)).scalars())

    async def _user_where(self, condition: ColumnElement[bool]) -> UserRecord | None:
        rows = await self._database.read(select(*_USER).where(condition))
        return UserRecord(**rows[0]) if rows else None

    async def _keys_where(self, condition: ColumnElement[bool]) -> list[ApiKeyRecord]:
        statement = (
            select(*_KEY)
            .where(condition, api_keys.c.revoked.is_(False))
            .order_by(api_keys.c.created, api_keys.c.key_id)
        )
        return [ApiKeyRecord(**row) for row in await self._database.read(statement)]
