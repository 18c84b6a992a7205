"""Store identities of OpenID providers and their accounts: found by issuer and subject, nothing else."""

from sqlalchemy import insert, select

from twap_server.domain.clock import Nanos
from twap_server.store.database import Database
from twap_server.store.tables import identities, users


class IdentityStore:
    """Which account somebody has who was signed in elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_identity(self, issuer: str, subject: str) -> str | None:
        """The ``user_id`` of the account that belongs to an identity."""
        of_identity = (identities.c.issuer == issuer, identities.c.subject == subject)
        rows = await self._database.read(select(identities.c.user_id).where(*of_identity))
        return rows[0]["user_id"] if rows else None

    async def create_identity_user(
        self, user_id: str, username: str, created: Nanos, *, issuer: str, subject: str
    ) -> None:
        """Record an account without a password, and whose it is, in one transaction.

        Raises:
            StoreConflict: the name is taken in whatever case, or the identity has an account already.
            StoreUnavailable: nothing is known to be recorded.
        """
        user = {
            "user_id": user_id,
            "username": username,
            "username_key": username.casefold(),
            "password_hash": "",
            "created": created,
        }
        async with self._database.account_transaction() as connection:
            await connection.execute(insert(users), user)
            await connection.execute(insert(identities), _row(issuer, subject, user_id, created))

    async def link_identity(self, issuer: str, subject: str, user_id: str, created: Nanos) -> None:
        """Let an identity belong to an account that exists.

        Raises:
            StoreConflict: the identity has an account already.
        """
        async with self._database.account_transaction() as connection:
            await connection.execute(insert(identities), _row(issuer, subject, user_id, created))


def _row(issuer: str, subject: str, user_id: str, created: Nanos) -> dict[str, object]:
    return {"issuer": issuer, "subject": subject, "user_id": user_id, "created": created}
