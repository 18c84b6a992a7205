"""Accounts in memory, by the rules of the real store: ``tests/server/store`` holds both to the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from twap_server.domain.accounts import Adding, ApiKey, InviteRecord, Rotation, RotationResult, UserRecord
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import Conflict, InviteRefused, StoreConflict


@dataclass(kw_only=True)
class _Refresh:
    family_id: str
    user_id: str
    created: Nanos
    expires: Nanos
    used: Nanos | None = None
    successor_hash: str = ""

    def after(self, now: Nanos) -> Nanos:
        """Until when a successor counts that is made now."""
        return Nanos(now + self.expires - self.created)


class MemoryAccounts:
    """The rules of the real store, without a disk: one object that is each of the stores."""

    def __init__(self) -> None:
        self.users_by_name: dict[str, UserRecord] = {}
        self.invites_by_code: dict[str, InviteRecord] = {}
        self.users_by_identity: dict[tuple[str, str], str] = {}
        self.refresh: dict[str, _Refresh] = {}
        self.ended: set[str] = set()
        self.keys_by_hash: dict[str, ApiKey] = {}
        self.users = self.sign_ins = self.keys = self.invites = self.identities = self

    async def add_invite(
        self, invite_id: str, code_hash: str, *, note: str, created: Nanos, expires: Nanos, most: int
    ) -> InviteRecord:
        self.invites_by_code = {
            key: one for key, one in self.invites_by_code.items() if one.expires > created
        }
        if len(self.invites_by_code) >= most:
            raise Conflict(f"expected at most {most} invites that wait to be used: withdraw one first")
        made = InviteRecord(invite_id=invite_id, note=note, created=created, expires=expires)
        self.invites_by_code[code_hash] = made
        return made

    async def list_invites(self, now: Nanos) -> list[InviteRecord]:
        usable = [invite for invite in self.invites_by_code.values() if invite.expires > now]
        return sorted(usable, key=lambda one: (one.created, one.invite_id))

    async def is_invite_usable(self, code_hash: str, now: Nanos) -> bool:
        return code_hash in self.invites_by_code and self.invites_by_code[code_hash].expires > now

    async def withdraw_invite(self, invite_id: str) -> bool:
        left = {key: one for key, one in self.invites_by_code.items() if one.invite_id != invite_id}
        found, self.invites_by_code = len(left) < len(self.invites_by_code), left
        return found

    async def find_identity(self, issuer: str, subject: str) -> str | None:
        return self.users_by_identity.get((issuer, subject))

    async def link_identity(self, issuer: str, subject: str, user_id: str, created: Nanos) -> None:
        if (issuer, subject) in self.users_by_identity:
            raise StoreConflict("taken")
        self.users_by_identity[issuer, subject] = user_id

    async def create_identity_user(
        self, user_id: str, username: str, created: Nanos, *, issuer: str, subject: str
    ) -> None:
        if username.casefold() in self.users_by_name or (issuer, subject) in self.users_by_identity:
            raise StoreConflict("taken")
        self.users_by_name[username.casefold()] = UserRecord(
            user_id=user_id, username=username, password_hash="", created=created
        )
        self.users_by_identity[issuer, subject] = user_id

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
        if username.casefold() in self.users_by_name:
            raise StoreConflict("taken")
        if invite_hash is not None:
            if not await self.is_invite_usable(invite_hash, created):
                raise InviteRefused
            del self.invites_by_code[invite_hash]
        user = UserRecord(
            user_id=user_id,
            username=username,
            password_hash=password_hash,
            created=created,
            is_admin=is_admin,
        )
        self.users_by_name[username.casefold()] = user
        return user

    async def has_users(self) -> bool:
        return bool(self.users_by_name)

    async def list_users(self) -> list[UserRecord]:
        return sorted(self.users_by_name.values(), key=lambda one: (one.created, one.user_id))

    async def find_user(self, username: str) -> UserRecord | None:
        return self.users_by_name.get(username.casefold())

    async def user(self, user_id: str) -> UserRecord | None:
        return next((user for user in self.users_by_name.values() if user.user_id == user_id), None)

    async def _is_known(self, user_id: str) -> None:
        if await self.user(user_id) is None:
            raise StoreConflict("no such user")

    async def add_refresh(
        self, token_hash: str, family_id: str, user_id: str, expires: Nanos, created: Nanos
    ) -> None:
        await self._is_known(user_id)
        if token_hash in self.refresh or family_id in self._families():
            raise StoreConflict("taken")
        self.refresh[token_hash] = _Refresh(
            family_id=family_id, user_id=user_id, created=created, expires=expires
        )

    async def rotate_refresh(
        self, token_hash: str, new_hash: str, now: Nanos, *, race_window: Nanos
    ) -> RotationResult:
        token = self.refresh.get(token_hash)
        if token is None:
            return RotationResult(outcome=Rotation.UNKNOWN)
        outcome, expires = self._judge(token, now, race_window), token.expires
        if outcome is Rotation.OK:
            if new_hash in self.refresh:
                raise StoreConflict("taken")
            expires = token.after(now)
            self.refresh[new_hash] = replace(token, created=now, expires=expires)
            token.used, token.successor_hash = now, new_hash
        elif outcome is Rotation.RACED and token.used is not None:
            expires = token.after(token.used)
        return RotationResult(
            outcome=outcome,
            user_id=token.user_id,
            family_id=token.family_id,
            expires=expires,
            successor_hash=token.successor_hash if outcome in (Rotation.OK, Rotation.RACED) else "",
        )

    def _judge(self, token: _Refresh, now: Nanos, race_window: Nanos) -> Rotation:
        if token.family_id in self.ended:
            return Rotation.REVOKED
        if token.used is not None:
            return Rotation.RACED if now - token.used <= race_window else Rotation.REUSED
        return Rotation.EXPIRED if token.expires <= now else Rotation.OK

    def _families(self, user_id: str | None = None) -> set[str]:
        owned = (token for token in self.refresh.values() if user_id in (None, token.user_id))
        return {token.family_id for token in owned}

    async def revoke_family(self, family_id: str) -> bool:
        was_active = await self.is_family_active(family_id)
        self.ended.add(family_id)
        return was_active

    async def revoke_user(self, user_id: str, *, keys: bool = False) -> list[str]:
        ended = sorted(self._families(user_id) - self.ended)
        self.ended.update(ended)
        return [*ended, *(await self.revoke_keys(user_id) if keys else ())]

    async def change_password(self, user_id: str, password_hash: str, *, keys: bool = False) -> list[str]:
        user = await self.user(user_id)
        assert user is not None
        self.users_by_name[user.username.casefold()] = replace(user, password_hash=password_hash)
        return await self.revoke_user(user_id, keys=keys)

    async def is_family_active(self, family_id: str) -> bool:
        return family_id in self._families() - self.ended

    async def forget_ended(self, now: Nanos, *, kept: int = 0, after: str = "") -> str | None:
        """All of them at once: there is nothing to go on with."""
        self.refresh = {
            token_hash: token
            for token_hash, token in self.refresh.items()
            if token.expires > now - kept and token.family_id not in self.ended
        }
        return None

    async def ended_of(self, grants: Sequence[str]) -> list[str]:
        counting = {*self._families(), *(key.key_id for key in self.keys_by_hash.values())} - self.ended
        return [one for one in grants if one not in counting]

    async def add_key(self, key: ApiKey, key_hash: str, *, family_id: str | None, most: int) -> Adding:
        if family_id is not None and not await self.is_family_active(family_id):
            return Adding.SIGNED_OUT
        await self._is_known(key.user_id)
        for old, known in list(self.keys_by_hash.items()):
            if known.user_id == key.user_id and known.expires and known.expires <= key.created:
                del self.keys_by_hash[old]
        if len(await self.list_keys(key.user_id)) >= most:
            return Adding.FULL
        if key_hash in self.keys_by_hash:
            raise StoreConflict("taken")
        self.keys_by_hash[key_hash] = key
        return Adding.ADDED

    async def find_key(self, key_hash: str) -> ApiKey | None:
        return self.keys_by_hash.get(key_hash)

    async def list_keys(self, user_id: str) -> list[ApiKey]:
        return sorted(self._keys_of(user_id), key=lambda one: (one.created, one.key_id))

    def _keys_of(self, user_id: str) -> Iterator[ApiKey]:
        return (key for key in self.keys_by_hash.values() if key.user_id == user_id)

    async def note_uses(self, uses: Mapping[str, Nanos]) -> None:
        for key_hash, key in self.keys_by_hash.items():
            used = uses.get(key.key_id)
            if used is not None and used > (key.last_used or 0):
                self.keys_by_hash[key_hash] = replace(key, last_used=used)

    async def revoke_key(self, user_id: str, key_id: str) -> bool:
        left = {h: k for h, k in self.keys_by_hash.items() if (k.key_id, k.user_id) != (key_id, user_id)}
        ended = len(left) < len(self.keys_by_hash)
        self.keys_by_hash = left
        return ended

    async def revoke_keys(self, user_id: str) -> list[str]:
        ended = [key.key_id for key in await self.list_keys(user_id)]
        for key_id in ended:
            await self.revoke_key(user_id, key_id)
        return ended
