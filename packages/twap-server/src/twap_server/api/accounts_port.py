"""Accounts, sign-ins and API keys as the API needs them recorded."""

from collections.abc import Sequence
from typing import Protocol

from twap_server.domain.clock import Nanos


class UserRecord(Protocol):
    """An account."""

    @property
    def user_id(self) -> str:
        """Ours, never shown."""
        ...

    @property
    def username(self) -> str:
        """As the user spelled it."""
        ...

    @property
    def password_hash(self) -> str:
        """Never shown."""
        ...

    @property
    def created(self) -> Nanos:
        """When it was made."""
        ...


class KeyRecord(Protocol):
    """An API key that counts."""

    @property
    def key_id(self) -> str:
        """Names it in lists."""
        ...

    @property
    def user_id(self) -> str:
        """Whose."""
        ...

    @property
    def name(self) -> str:
        """The user's own words."""
        ...

    @property
    def created(self) -> Nanos:
        """When it was made."""
        ...


class Outcome(Protocol):
    """How a refresh went."""

    @property
    def name(self) -> str:
        """``OK``, ``RACED``, ``REUSED``, ``UNKNOWN``, ``EXPIRED`` or ``REVOKED``."""
        ...


class RotationResult(Protocol):
    """How a refresh went and whose it was."""

    @property
    def outcome(self) -> Outcome:
        """What happened."""
        ...

    @property
    def user_id(self) -> str:
        """Empty for an unknown token."""
        ...

    @property
    def family_id(self) -> str:
        """The sign-in it belongs to."""
        ...


class Accounts(Protocol):
    """The store of accounts."""

    async def create_user(
        self, user_id: str, username: str, password_hash: str, created: Nanos
    ) -> UserRecord:
        """Record an account.

        Raises:
            StoreConflict: the name is taken.
        """
        ...

    async def find_user(self, username: str) -> UserRecord | None:
        """The account of that name, in whatever case."""
        ...

    async def user(self, user_id: str) -> UserRecord | None:
        """The account with that id."""
        ...

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

    async def revoke_user(self, user_id: str) -> Sequence[str]:
        """End all of a user's sign-ins; gives those that were active until now."""
        ...

    async def change_password(self, user_id: str, password_hash: str) -> Sequence[str]:
        """Replace a password and end all of the user's sign-ins, in one transaction; gives the sign-ins."""
        ...

    async def is_family_active(self, family_id: str) -> bool:
        """Whether the sign-in was not ended."""
        ...

    async def add_key(self, key_id: str, user_id: str, name: str, key_hash: str, created: Nanos) -> KeyRecord:
        """Record an API key by its digest."""
        ...

    async def find_key(self, key_hash: str) -> KeyRecord | None:
        """The key with that digest, if it counts."""
        ...

    async def list_keys(self, user_id: str) -> Sequence[KeyRecord]:
        """A user's keys that count."""
        ...

    async def revoke_key(self, user_id: str, key_id: str) -> bool:
        """End a user's key; whether it counted until now."""
        ...

    async def revoke_keys(self, user_id: str) -> Sequence[str]:
        """End all of a user's keys; gives those that counted until now."""
        ...
