"""Users and their passwords; sign-ins are in ``sessions.py``, API keys in ``keys.py``."""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.clock import Nanos
from twap_server.store.keys import KeyStore, revoke_keys
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


_USER = (users.c.user_id, users.c.username, users.c.password_hash, users.c.created)


class SqlAccountStore(SessionStore, KeyStore):
    """Accounts, their sign-ins and their API keys (both inherited)."""

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

    async def change_password(self, user_id: str, password_hash: str, *, keys: bool = False) -> list[str]:
        """Replace a password and end all of the user's sign-ins, in one transaction; ``keys``: API keys too.

        Returns:
            The sign-ins and keys that counted until now.
        """
        statement = update(users).where(users.c.user_id == user_id).values(password_hash=password_hash)
        async with self._database.transaction() as connection:
            await connection.execute(statement)
            return await _revoke_all(connection, user_id, keys=keys)

    async def revoke_user(self, user_id: str, *, keys: bool = False) -> list[str]:
        """End all of a user's sign-ins, in one transaction; ``keys``: API keys too.

        Returns:
            The sign-ins and keys that counted until now.
        """
        async with self._database.transaction() as connection:
            return await _revoke_all(connection, user_id, keys=keys)

    async def _user_where(self, condition: ColumnElement[bool]) -> UserRecord | None:
        rows = await self._database.read(select(*_USER).where(condition))
        return UserRecord(**rows[0]) if rows else None


async def _revoke_all(connection: AsyncConnection, user_id: str, *, keys: bool) -> list[str]:
    ended = await revoke_families(connection, refresh_families.c.user_id == user_id)
    return [*ended, *(await revoke_keys(connection, api_keys.c.user_id == user_id) if keys else ())]
