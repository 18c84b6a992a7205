"""Signing in: accounts, passwords, rotating refresh tokens, API keys.

Refresh: each token is used once. Its successor is derived from it, so two calls of one client at once get the
same answer; a token that comes back later was stolen, and the whole sign-in ends.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence

from twap_models.accounts import AccessToken
from twap_server.api.access import Access, Caller
from twap_server.api.accounts_port import Accounts, KeyRecord, RotationResult, UserRecord
from twap_server.api.config import TokenConfig
from twap_server.api.lockout import Lockout
from twap_server.api.passwords import Passwords
from twap_server.api.tokens import KEY_PREFIX, REFUSED, Tokens, digest, new_secret
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import Conflict, NotAuthenticated, StoreConflict, UsernameTaken

WRONG_PASSWORD = "wrong user name or password"
WRONG_REFRESH = "the refresh token does not count: sign in again"
_MOST_NAMES = 100_000
_USERNAME = re.compile(r"[A-Za-z0-9._@-]{1,64}", re.ASCII)


class SignIn:
    """Everything that makes or ends a credential."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        passwords: Passwords,
        lockout: Lockout,
        tokens: Tokens,
        access: Access,
        config: TokenConfig,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        """Args: new_id names users, sign-ins and keys, each once for ever."""
        self._accounts = accounts
        self._passwords = passwords
        self._lockout = lockout
        self._tokens = tokens
        self._access = access
        self._config = config
        self._clock = clock
        self._new_id = new_id
        self._names: OrderedDict[str, str] = OrderedDict()

    async def register(self, username: str, password: str) -> UserRecord:
        """Make an account.

        Raises:
            UsernameTaken: in whatever case.
        """
        hashed = await self._passwords.hash(password)
        try:
            return await self._accounts.create_user(self._new_id(), username, hashed, self._clock.now())
        except StoreConflict:
            raise UsernameTaken("that user name is taken: choose another") from None

    async def with_password(self, username: str, password: str, *, address: str) -> AccessToken:
        """Sign in. An unknown name and a wrong password cost and say the same.

        Raises:
            NotAuthenticated: one of the two.
            TooManyAttempts: this name was tried too often from this address.
        """
        pair = (username[:64].lower(), address)
        self._lockout.check(pair)
        user = await self._accounts.find_user(username) if _USERNAME.fullmatch(username) else None
        if not await self._passwords.check(password, user.password_hash if user else None) or user is None:
            self._lockout.failed(pair)
            raise NotAuthenticated(WRONG_PASSWORD)
        self._lockout.succeeded(pair)
        return await self._begin(user.user_id)

    async def refresh(self, refresh_token: str) -> AccessToken:
        """Trade a refresh token for its successor and a new access token.

        Raises:
            NotAuthenticated: it is unknown, expired, revoked, or was used before.
        """
        successor = self._tokens.successor(refresh_token)
        result = await self._rotate(refresh_token, successor)
        match result.outcome.name:
            case "OK" | "RACED":
                return self._answer(result.user_id, result.family_id, successor)
            case "REUSED":
                await self._end(result.family_id)
        raise NotAuthenticated(WRONG_REFRESH)

    async def log_out(self, caller: Caller) -> None:
        """End the sign-in the caller came with; an API key ends by being deleted."""
        if caller.expires is not None:
            await self._end(caller.grant)

    async def log_out_with(self, refresh_token: str) -> None:
        """End the sign-in a refresh token belongs to; an unknown one is ignored."""
        result = await self._rotate(refresh_token, self._tokens.successor(refresh_token))
        if result.family_id:
            await self._end(result.family_id)

    async def account(self, caller: Caller) -> UserRecord:
        """The caller's account.

        Raises:
            NotAuthenticated: it is gone.
        """
        user = await self._accounts.user(caller.user_id)
        if user is None:
            raise NotAuthenticated(REFUSED)
        return user

    async def username(self, caller: Caller) -> str:
        """The caller's name. It never changes, so it is looked up once: thousands may come back at a time.

        Raises:
            NotAuthenticated: the account is gone.
        """
        known = self._names.get(caller.user_id)
        if known is not None:
            return known
        name = self._names[caller.user_id] = (await self.account(caller)).username
        while len(self._names) > _MOST_NAMES:
            self._names.popitem(last=False)
        return name

    async def add_key(self, caller: Caller, name: str) -> tuple[KeyRecord, str]:
        """Make an API key; the secret is known here and now only.

        Raises:
            Conflict: the user has as many as allowed.
        """
        if len(await self._accounts.list_keys(caller.user_id)) >= self._config.max_keys:
            raise Conflict(f"expected at most {self._config.max_keys} API keys: delete one first")
        secret = KEY_PREFIX + new_secret()
        record = await self._accounts.add_key(
            self._new_id(), caller.user_id, name, digest(secret), self._clock.now()
        )
        return record, secret

    async def keys(self, caller: Caller) -> Sequence[KeyRecord]:
        """The caller's keys that count."""
        return await self._accounts.list_keys(caller.user_id)

    async def delete_key(self, caller: Caller, key_id: str) -> bool:
        """End one of the caller's keys; whether there was one."""
        ended = await self._accounts.revoke_key(caller.user_id, key_id)
        if ended:
            self._access.revoke(key_id)
        return ended

    async def _begin(self, user_id: str) -> AccessToken:
        secret, family, now = new_secret(), self._new_id(), self._clock.now()
        expires = Nanos(now + int(self._config.refresh_lifetime.total_seconds()) * SECOND)
        await self._accounts.add_refresh(digest(secret), family, user_id, expires, now)
        return self._answer(user_id, family, secret)

    async def _rotate(self, refresh_token: str, successor: str) -> RotationResult:
        now = self._clock.now()
        try:
            return await self._accounts.rotate_refresh(digest(refresh_token), digest(successor), now)
        except StoreConflict:
            return await self._accounts.rotate_refresh(digest(refresh_token), digest(successor), now)

    def _answer(self, user_id: str, family_id: str, refresh_token: str) -> AccessToken:
        return AccessToken(
            access_token=self._tokens.issue(user_id, family_id),
            expires_in=self._tokens.lifetime,
            refresh_token=refresh_token,
        )

    async def _end(self, family_id: str) -> None:
        await self._accounts.revoke_family(family_id)
        self._access.revoke(family_id)
