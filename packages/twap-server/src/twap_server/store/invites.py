"""Store invites: each code lets one account be created. Only SHA-256 digests are kept."""

from dataclasses import asdict

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.accounts import InviteRecord
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import Conflict, InviteRefused
from twap_server.store.database import Database
from twap_server.store.tables import invites

_INVITE = (invites.c.invite_id, invites.c.note, invites.c.created, invites.c.expires)


class InviteStore:
    """Made, listed, withdrawn; used up by ``use_invite`` in the transaction that makes the account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_invite(
        self, invite_id: str, code_hash: str, *, note: str, created: Nanos, expires: Nanos, most: int
    ) -> InviteRecord:
        """Record an invite; those that have expired are forgotten with it.

        Raises:
            Conflict: as many as ``most`` wait to be used.
            StoreUnavailable: nothing is known to be recorded.
        """
        unused = invites.c.used_by.is_(None)
        made = InviteRecord(invite_id=invite_id, note=note, created=created, expires=expires)
        async with self._database.account_transaction() as connection:
            await connection.execute(delete(invites).where(unused, invites.c.expires <= created))
            count = await connection.scalar(select(func.count()).select_from(invites).where(unused))
            if (count or 0) >= most:
                raise Conflict(f"expected at most {most} invites that wait to be used: withdraw one first")
            await connection.execute(insert(invites), asdict(made) | {"code_hash": code_hash})
        return made

    async def list_invites(self, now: Nanos) -> list[InviteRecord]:
        """Those that can be used at this moment, oldest first."""
        usable = select(*_INVITE).where(invites.c.used_by.is_(None), invites.c.expires > now)
        ordered = usable.order_by(invites.c.created, invites.c.invite_id)
        return [InviteRecord(**row) for row in await self._database.read(ordered)]

    async def is_invite_usable(self, code_hash: str, now: Nanos) -> bool:
        """Whether an account could be made with it at this moment."""
        usable = select(invites.c.invite_id).where(
            invites.c.code_hash == code_hash, invites.c.used_by.is_(None), invites.c.expires > now
        )
        return bool(await self._database.read(usable))

    async def withdraw_invite(self, invite_id: str) -> bool:
        """Forget an invite that nobody has used; whether there was one."""
        unused = delete(invites).where(invites.c.invite_id == invite_id, invites.c.used_by.is_(None))
        async with self._database.account_transaction() as connection:
            return bool((await connection.execute(unused)).rowcount)


async def use_invite(connection: AsyncConnection, code_hash: str, user_id: str, now: Nanos) -> None:
    """Use an invite up for an account made in the same transaction: one conditional write decides.

    Raises:
        InviteRefused: it is unknown, was used or withdrawn, or has expired; the account is not made either.
    """
    usable = (invites.c.code_hash == code_hash, invites.c.used_by.is_(None), invites.c.expires > now)
    used = await connection.execute(update(invites).where(*usable).values(used_by=user_id))
    if used.rowcount != 1:
        raise InviteRefused
