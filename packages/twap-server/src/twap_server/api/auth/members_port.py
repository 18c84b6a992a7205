"""Invites and identities as the API needs them recorded."""

from collections.abc import Sequence
from typing import Protocol

from twap_server.domain.clock import Nanos


class InviteRecord(Protocol):
    """An invite that waits to be used."""

    @property
    def invite_id(self) -> str:
        """Names it in lists."""
        ...

    @property
    def note(self) -> str:
        """The administrator's own words."""
        ...

    @property
    def created(self) -> Nanos:
        """When it was made."""
        ...

    @property
    def expires(self) -> Nanos:
        """From when on it does not count."""
        ...


class Invites(Protocol):
    """Invites by the digests of their codes."""

    async def add_invite(
        self, invite_id: str, code_hash: str, *, note: str, created: Nanos, expires: Nanos, most: int
    ) -> InviteRecord:
        """Record an invite.

        Raises:
            Conflict: as many as ``most`` wait to be used.
        """
        ...

    async def list_invites(self, now: Nanos) -> Sequence[InviteRecord]:
        """Those that can be used at this moment, oldest first."""
        ...

    async def is_invite_usable(self, code_hash: str, now: Nanos) -> bool:
        """Whether an account could be made with it at this moment."""
        ...

    async def withdraw_invite(self, invite_id: str) -> bool:
        """Forget an invite that nobody has used; whether there was one."""
        ...


class Identities(Protocol):
    """Whose account belongs to whom at an OpenID provider."""

    async def find_identity(self, issuer: str, subject: str) -> str | None:
        """The ``user_id`` of the account that belongs to an identity."""
        ...

    async def create_identity_user(
        self, user_id: str, username: str, created: Nanos, *, issuer: str, subject: str
    ) -> None:
        """Record an account without a password, and whose it is, in one transaction.

        Raises:
            StoreConflict: the name is taken, or the identity has an account already.
        """
        ...
