"""Declare how the API needs accounts, sign-ins and API keys stored."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from twap_server.domain.accounts import Adding, ApiKey, InviteRecord, RotationResult, UserRecord
from twap_server.domain.clock import Nanos


class Users(Protocol):
    """Accounts and their passwords."""

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
        """Record an account; an invite is used up in the same transaction.

        Raises:
            InviteRefused: the invite does not count.
            StoreConflict: the name is taken.
        """
        ...

    async def has_users(self) -> bool:
        """Whether there is any account."""
        ...

    async def find_user(self, username: str) -> UserRecord | None:
        """The account of that name, in whatever case."""
        ...

    async def user(self, user_id: str) -> UserRecord | None:
        """The account with that id."""
        ...

    async def revoke_user(self, user_id: str, *, keys: bool = False) -> Sequence[str]:
        """End all of a user's sign-ins, with ``keys`` API keys too; gives those that counted until now."""
        ...

    async def change_password(self, user_id: str, password_hash: str, *, keys: bool = False) -> Sequence[str]:
        """Replace a password and end what ``revoke_user`` ends, in one transaction; gives what ended."""
        ...

    async def ended_of(self, grants: Sequence[str]) -> Sequence[str]:
        """Those of some sign-ins and API keys that count no more, by whatever process."""
        ...


class SignIns(Protocol):
    """Sign-ins and their refresh tokens.

    Moments are the caller's. A store that several nodes share goes by a clock of its own instead.
    """

    async def add_refresh(
        self, token_hash: str, family_id: str, user_id: str, expires: Nanos, created: Nanos
    ) -> None:
        """Begin a sign-in with its first refresh token."""
        ...

    async def rotate_refresh(
        self, token_hash: str, new_hash: str, now: Nanos, *, race_window: Nanos
    ) -> RotationResult:
        """Use a refresh token up and record its successor, in one conditional write."""
        ...

    async def revoke_family(self, family_id: str) -> bool:
        """End one sign-in."""
        ...

    async def is_family_active(self, family_id: str) -> bool:
        """Whether the sign-in was not ended."""
        ...

    async def forget_ended(self, now: Nanos, *, kept: int = 0, after: str = "") -> str | None:
        """Forget what expired ``kept`` ago or was ended, of the next sign-ins; where to go on, None: done."""
        ...


class Keys(Protocol):
    """API keys by the digests of their secrets."""

    async def add_key(self, key: ApiKey, key_hash: str, *, family_id: str | None, most: int) -> Adding:
        """Record an API key by its digest, if there is room and the sign-in counts, in one transaction."""
        ...

    async def find_key(self, key_hash: str) -> ApiKey | None:
        """The key with that digest, expired or not, unless it was revoked."""
        ...

    async def list_keys(self, user_id: str) -> Sequence[ApiKey]:
        """A user's keys that were not revoked, oldest first."""
        ...

    async def note_uses(self, uses: Mapping[str, Nanos]) -> None:
        """Record when keys, by their ids, were last used."""
        ...

    async def revoke_key(self, user_id: str, key_id: str) -> bool:
        """End a user's key; whether it counted until now."""
        ...

    async def revoke_keys(self, user_id: str) -> Sequence[str]:
        """End all of a user's keys; gives those that counted until now."""
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


class Accounts(Protocol):
    """All that is recorded of accounts, each kind by itself."""

    @property
    def users(self) -> Users:
        """Accounts and their passwords."""
        ...

    @property
    def sign_ins(self) -> SignIns:
        """Sign-ins and their refresh tokens."""
        ...

    @property
    def keys(self) -> Keys:
        """API keys."""
        ...

    @property
    def invites(self) -> Invites:
        """Invites."""
        ...

    @property
    def identities(self) -> Identities:
        """Whose account belongs to whom at an OpenID provider."""
        ...
