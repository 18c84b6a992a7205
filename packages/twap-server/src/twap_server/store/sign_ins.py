"""Sign-ins: refresh tokens in families, where each token counts once.

A family is one sign-in; each refresh uses a token up and makes its successor. A token that comes twice was
stolen by somebody, so the caller then revokes the family; soon after its first use it is taken for two calls
of one client at once. Only SHA-256 digests of tokens are kept. A used token is kept until it expires, so that
a theft is noticed for as long as the token might have counted; what has expired or ended is then forgotten.

Of several nodes each judges what another one wrote. So there the database's clock says what the time is, not
the ``now`` that a caller gives (``server_clock.py``).
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Row, Update, delete, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from twap_server.domain.accounts import Rotation, RotationResult
from twap_server.domain.clock import Nanos
from twap_server.store.database import Database
from twap_server.store.server_clock import moment
from twap_server.store.tables import refresh_families as families
from twap_server.store.tables import refresh_tokens as tokens
from twap_server.store.tables import users

_FAMILIES_AT_ONCE = 200
_TOKENS_AT_ONCE = 500
"""Of one transaction: orders wait no longer for it than for each other."""


class SignInStore:
    """Refresh tokens and their families."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_refresh(
        self, token_hash: str, family_id: str, user_id: str, expires: Nanos, created: Nanos
    ) -> None:
        """Begin a family with its first token, which lives from now on as long as from ``created``.

        It is recorded before or after a change of the user's password, by whatever process, never beside it:
        so either the change ends it, or who looks at the password afterwards sees the new one.

        Raises:
            StoreConflict: the token or the family is already there, or there is no such user.
            StoreUnavailable: nothing is known to be recorded.
        """
        family = {"family_id": family_id, "user_id": user_id, "revoked": False}
        owner = select(users.c.user_id).where(users.c.user_id == user_id).with_for_update(read=True)
        async with self._database.account_transaction() as connection:
            await connection.execute(owner)
            await connection.execute(insert(families), family)
            now = await moment(self._database, connection, created)
            until = Nanos(now + expires - created)
            await _add(connection, token_hash, family_id, user_id, created=now, expires=until)

    async def rotate_refresh(
        self, token_hash: str, new_hash: str, now: Nanos, *, race_window: Nanos
    ) -> RotationResult:
        """Use a token up and record its successor, which lives as long from ``now`` as the token did.

        One conditional write decides: of fifty calls at once, one gets ``OK``. A used token that comes again
        within ``race_window`` is a race, not a theft. A token that nobody was given takes no turn at writing:
        anybody may send as many as they like, and orders are recorded by the same one writer.

        Raises:
            StoreConflict: ``new_hash`` is already there; nothing was recorded.
            StoreUnavailable: nothing is known to be recorded.
        """
        if not await self._database.read(select(tokens.c.used).where(tokens.c.token_hash == token_hash)):
            return RotationResult(outcome=Rotation.UNKNOWN)
        async with self._database.account_transaction() as connection:
            now = await moment(self._database, connection, now)
            used = (await connection.execute(_use_up(token_hash, new_hash, now))).first()
            if used is None:
                return await _why_not(connection, token_hash, now, race_window)
            expires = Nanos(now + used.expires - used.created)
            await _add(connection, new_hash, used.family_id, used.user_id, created=now, expires=expires)
            return RotationResult(
                outcome=Rotation.OK,
                user_id=used.user_id,
                family_id=used.family_id,
                expires=expires,
                successor_hash=new_hash,
            )

    async def revoke_family(self, family_id: str) -> bool:
        """End one sign-in: none of its tokens counts any more.

        Returns:
            Whether it was active until now.
        """
        async with self._database.account_transaction() as connection:
            return bool(await revoke_families(connection, families.c.family_id == family_id))

    async def is_family_active(self, family_id: str) -> bool:
        """Whether the family exists and was not revoked. Says nothing about expiry."""
        statement = select(families.c.revoked).where(families.c.family_id == family_id)
        return [row["revoked"] for row in await self._database.read(statement)] == [False]

    async def forget_ended(self, now: Nanos, *, kept: int = 0, after: str = "") -> str | None:
        """Forget what has expired, and what was ended, of the next sign-ins behind ``after``.

        It is looked for without a turn at writing, and deleted in small transactions: all others go on.

        Args:
            now: this moment.
            kept: nanoseconds that must have passed since the expiry, so that no access token of such a
                sign-in counts any more.
            after: where the last call stopped.

        Returns:
            Where the next call goes on; None at the end.

        Raises:
            StoreUnavailable: some of it is still there.
        """
        page = select(families.c.family_id).where(families.c.family_id > after)
        page = page.order_by(families.c.family_id).limit(_FAMILIES_AT_ONCE)
        async with self._database.reading() as connection:
            among = (await connection.execute(page)).scalars().all()
            expired_by = Nanos(await moment(self._database, connection, now) - kept)
        if not among:
            return None
        await self._forget_tokens(among, expired_by)
        await self._forget_families(among)
        last: str = among[-1]
        return last

    async def _forget_tokens(self, among: Sequence[str], expired_by: Nanos) -> None:
        old = (
            select(tokens.c.token_hash)
            .join(families, families.c.family_id == tokens.c.family_id)
            .where(families.c.family_id.in_(among))
            .where(or_(families.c.revoked.is_(True), tokens.c.expires <= expired_by))
            .limit(_TOKENS_AT_ONCE)
        )
        while found := [row["token_hash"] for row in await self._database.read(old)]:
            async with self._database.account_transaction() as connection:
                await connection.execute(delete(tokens).where(tokens.c.token_hash.in_(found)))

    async def _forget_families(self, among: Sequence[str]) -> None:
        """Those without any token."""
        has_any = exists().where(tokens.c.family_id == families.c.family_id)
        empty = families.c.family_id.in_(among) & ~has_any
        if await self._database.read(select(families.c.family_id).where(empty)):
            async with self._database.account_transaction() as connection:
                await connection.execute(delete(families).where(empty))


async def revoke_families(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[str]:
    """End sign-ins in a transaction; gives those that were active until now."""
    active = update(families).where(condition, families.c.revoked.is_(False))
    statement = active.values(revoked=True).returning(families.c.family_id)
    return list((await connection.execute(statement)).scalars())


def _use_up(token_hash: str, new_hash: str, now: Nanos) -> Update:
    active = exists().where(families.c.family_id == tokens.c.family_id, families.c.revoked.is_(False))
    return (
        update(tokens)
        .where(tokens.c.token_hash == token_hash, tokens.c.used.is_(None), tokens.c.expires > now, active)
        .values(used=now, successor_hash=new_hash)
        .returning(tokens)
    )


async def _add(
    connection: AsyncConnection,
    token_hash: str,
    family_id: str,
    user_id: str,
    *,
    created: Nanos,
    expires: Nanos,
) -> None:
    row = {
        "token_hash": token_hash,
        "family_id": family_id,
        "user_id": user_id,
        "created": created,
        "expires": expires,
    }
    await connection.execute(insert(tokens), row)


async def _why_not(
    connection: AsyncConnection, token_hash: str, now: Nanos, race_window: Nanos
) -> RotationResult:
    statement = (
        select(tokens, families.c.revoked)
        .join(families, families.c.family_id == tokens.c.family_id)
        .where(tokens.c.token_hash == token_hash)
    )
    token = (await connection.execute(statement)).first()
    if token is None:
        return RotationResult(outcome=Rotation.UNKNOWN)
    outcome = _judge(token, now, race_window)
    raced = outcome is Rotation.RACED
    return RotationResult(
        outcome=outcome,
        user_id=token.user_id,
        family_id=token.family_id,
        expires=Nanos(token.used + token.expires - token.created if raced else token.expires),
        successor_hash=token.successor_hash if raced else "",
    )


def _judge(token: Row[tuple[object, ...]], now: Nanos, race_window: Nanos) -> Rotation:
    if token.revoked:
        return Rotation.REVOKED
    if token.used is None:
        return Rotation.EXPIRED
    return Rotation.RACED if now - token.used <= race_window else Rotation.REUSED
