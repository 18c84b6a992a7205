"""Accounts: users and their passwords here, and the stores of all else that belongs to them."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, insert, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.accounts import UserRecord
from twap_server.domain.clock import Nanos
from twap_server.store.database import Database
from twap_server.store.identities import IdentityStore
from twap_server.store.invites import InviteStore, use_invite
from twap_server.store.keys import KeyStore, revoke_keys
from twap_server.store.sign_ins import SignInStore, revoke_families
from twap_server.store.tables import api_keys, refresh_families, users

_USER = (users.c.user_id, users.c.username, users.c.password_hash, users.c.created, users.c.is_admin)


class SqlAccountStore:
    """All that is recorded of accounts, each kind by a store of its own."""

    def __init__(self, database: Database) -> None:
        self.users = UserStore(database)
        self.sign_ins = SignInStore(database)
        self.keys = KeyStore(database)
        self.invites = InviteStore(database)
        self.identities = IdentityStore(database)


class UserStore:
    """Users, their passwords, and the end of all that they signed in with."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_user(
        self,
        user_id: str,
        username: str,
        password_hash: str,
        created: Nanos,
        *,
        is_admin: bool = False,
        invite_hash: str | None = None,
    ) -> UserRecord:
        """Record an account, and use the invite up in the same transaction if there is one.

        Raises:
            InviteRefused: the invite is not valid; nothing was recorded.
            StoreConflict: the name is taken, in whatever case; nothing was recorded.
            StoreUnavailable: nothing is known to be recorded.
        """
        user = UserRecord(
            user_id=user_id,
            username=username,
            password_hash=password_hash,
            created=created,
            is_admin=is_admin,
        )
        async with self._database.account_transaction() as connection:
            await connection.execute(insert(users), asdict(user) | {"username_key": username.casefold()})
            if invite_hash is not None:
                await use_invite(connection, invite_hash, user_id, created)
        return user

    async def has_users(self) -> bool:
        """Whether there is any account."""
        return bool(await self._database.read(select(users.c.user_id).limit(1)))

    async def list_users(self) -> list[UserRecord]:
        """All accounts, oldest first."""
        rows = await self._database.read(select(*_USER).order_by(users.c.created, users.c.user_id))
        return [UserRecord(**row) for row in rows]

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
        async with self._database.account_transaction() as connection:
            await connection.execute(statement)
            return await _revoke_all(connection, user_id, keys=keys)

    async def revoke_user(self, user_id: str, *, keys: bool = False) -> list[str]:
        """End all of a user's sign-ins, in one transaction; ``keys``: API keys too.

        Returns:
            The sign-ins and keys that counted until now.
        """
        async with self._database.account_transaction() as connection:
            return await _revoke_all(connection, user_id, keys=keys)

    async def ended_of(self, grants: Sequence[str]) -> list[str]:
        """Those of some sign-ins and API keys that count no more, by whatever process; rows may be gone."""
        among = (
            select(refresh_families.c.family_id.label("grant_id")).where(
                refresh_families.c.family_id.in_(grants), refresh_families.c.revoked.is_(False)
            ),
            select(api_keys.c.key_id).where(api_keys.c.key_id.in_(grants), api_keys.c.revoked.is_(False)),
        )
        async with self._database.reading() as connection:
            counting = set((await connection.execute(union_all(*among))).scalars())
        return [grant for grant in grants if grant not in counting]

    async def _user_where(self, condition: ColumnElement[bool]) -> UserRecord | None:
        rows = await self._database.read(select(*_USER).where(condition))
        return UserRecord(**rows[0]) if rows else None


async def _revoke_all(connection: AsyncConnection, user_id: str, *, keys: bool) -> list[str]:
    ended = await revoke_families(connection, refresh_families.c.user_id == user_id)
    return [*ended, *(await revoke_keys(connection, api_keys.c.user_id == user_id) if keys else ())]
