"""Accounts in memory, by the rules of the real store."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from twap_server.domain.api_key import Adding, ApiKey
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import StoreConflict


@dataclass(frozen=True, kw_only=True)
class User:
    user_id: str
    username: str
    password_hash: str
    created: Nanos


class Rotation(Enum):
    OK = auto()
    RACED = auto()
    REUSED = auto()
    UNKNOWN = auto()
    EXPIRED = auto()
    REVOKED = auto()


@dataclass(frozen=True, kw_only=True)
class Rotated:
    outcome: Rotation
    user_id: str = ""
    family_id: str = ""


@dataclass(kw_only=True)
class _Refresh:
    family_id: str
    user_id: str
    expires: Nanos
    used: Nanos | None = None


class MemoryAccounts:
    """The rules of the real store, without a disk."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.refresh: dict[str, _Refresh] = {}
        self.ended: set[str] = set()
        self.keys: dict[str, ApiKey] = {}

    async def create_user(self, user_id: str, username: str, password_hash: str, created: Nanos) -> User:
        if username.casefold() in self.users:
            raise StoreConflict("taken")
        user = User(user_id=user_id, username=username, password_hash=password_hash, created=created)
        self.users[username.casefold()] = user
        return user

    async def find_user(self, username: str) -> User | None:
        return self.users.get(username.casefold())

    async def user(self, user_id: str) -> User | None:
        return next((user for user in self.users.values() if user.user_id == user_id), None)

    async def add_refresh(
        self, token_hash: str, family_id: str, user_id: str, expires: Nanos, created: Nanos
    ) -> None:
        self.refresh[token_hash] = _Refresh(family_id=family_id, user_id=user_id, expires=expires)

    async def rotate_refresh(
        self, token_hash: str, new_hash: str, now: Nanos, *, race_window: Nanos
    ) -> Rotated:
        token = self.refresh.get(token_hash)
        if token is None:
            return Rotated(outcome=Rotation.UNKNOWN)
        outcome = self._judge(token, now, race_window)
        if outcome is Rotation.OK:
            self.refresh[new_hash] = replace(token, used=None)
            token.used = now
        return Rotated(outcome=outcome, user_id=token.user_id, family_id=token.family_id)

    def _judge(self, token: _Refresh, now: Nanos, race_window: Nanos) -> Rotation:
        if token.family_id in self.ended:
            return Rotation.REVOKED
        if token.used is not None:
            return Rotation.RACED if now - token.used <= race_window else Rotation.REUSED
        return Rotation.EXPIRED if token.expires <= now else Rotation.OK

    async def revoke_family(self, family_id: str) -> bool:
        self.ended.add(family_id)
        return True

    async def revoke_user(self, user_id: str, *, keys: bool = False) -> list[str]:
        families = {token.family_id for token in self.refresh.values() if token.user_id == user_id}
        ended = sorted(families - self.ended)
        self.ended.update(ended)
        return [*ended, *(await self.revoke_keys(user_id) if keys else ())]

    async def change_password(self, user_id: str, password_hash: str, *, keys: bool = False) -> list[str]:
        user = await self.user(user_id)
        assert user is not None
        self.users[user.username.casefold()] = replace(user, password_hash=password_hash)
        return await self.revoke_user(user_id, keys=keys)

    async def is_family_active(self, family_id: str) -> bool:
        known = any(token.family_id == family_id for token in self.refresh.values())
        return known and family_id not in self.ended

    async def add_key(self, key: ApiKey, key_hash: str, *, family_id: str | None, most: int) -> Adding:
        if family_id in self.ended:
            return Adding.SIGNED_OUT
        for old, known in list(self.keys.items()):
            if known.user_id == key.user_id and known.expires and known.expires <= key.created:
                del self.keys[old]
        if len(await self.list_keys(key.user_id)) >= most:
            return Adding.FULL
        self.keys[key_hash] = key
        return Adding.ADDED

    async def find_key(self, key_hash: str) -> ApiKey | None:
        return self.keys.get(key_hash)

    async def list_keys(self, user_id: str) -> list[ApiKey]:
        return [key for key in self.keys.values() if key.user_id == user_id]

    async def note_uses(self, uses: Mapping[str, Nanos]) -> None:
        for key_hash, key in self.keys.items():
            if key.key_id in uses:
                self.keys[key_hash] = replace(key, last_used=uses[key.key_id])

    async def revoke_key(self, user_id: str, key_id: str) -> bool:
        left = {h: k for h, k in self.keys.items() if (k.key_id, k.user_id) != (key_id, user_id)}
        ended = len(left) < len(self.keys)
        self.keys = left
        return ended

    async def revoke_keys(self, user_id: str) -> list[str]:
        ended = [key.key_id for key in await self.list_keys(user_id)]
        for key_id in ended:
            await self.revoke_key(user_id, key_id)
        return ended
