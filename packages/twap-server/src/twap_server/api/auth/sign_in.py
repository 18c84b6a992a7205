"""Register users, sign them in, and rotate their refresh tokens.

Refresh: each token is used once. Its successor is derived from it, so two calls of one client at once get the
same answer; a token that comes back later was stolen, and the whole sign-in ends.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import assert_never

from twap_models.accounts import AccessToken
from twap_server.api.auth.access import Access, Caller
from twap_server.api.auth.accounts_port import SignIns, Users
from twap_server.api.auth.lockout import PasswordAttempts, WrongPassword
from twap_server.api.auth.passwords import Passwords, PasswordUse
from twap_server.api.auth.tokens import REFUSED, Tokens, digest, new_secret
from twap_server.api.config import TokenConfig
from twap_server.api.http.rate_limits import site_of
from twap_server.domain.accounts import Rotation, RotationResult, UserRecord
from twap_server.domain.clock import Clock, Nanos, to_span
from twap_server.domain.errors import InvalidRequest, NotAuthenticated, StoreConflict

WRONG_PASSWORD = "wrong user name or password"
WRONG_REFRESH = "the sign-in has expired or was ended: sign in again"
_MOST_NAMES = 100_000
_USERNAME = re.compile(r"[A-Za-z0-9._@-]{1,64}", re.ASCII)


class SignIn:
    """Everything that makes or ends a credential."""

    def __init__(
        self,
        *,
        users: Users,
        sign_ins: SignIns,
        passwords: Passwords,
        lockout: PasswordAttempts,
        tokens: Tokens,
        access: Access,
        config: TokenConfig,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        """Args: new_id names users and sign-ins, each once for ever."""
        self._users = users
        self._sign_ins = sign_ins
        self._passwords = passwords
        self._lockout = lockout
        self._tokens = tokens
        self._access = access
        self._config = config
        self._clock = clock
        self._new_id = new_id
        self._names: OrderedDict[str, str] = OrderedDict()

    async def with_password(self, username: str, password: str, *, address: str) -> AccessToken:
        """Sign in. An unknown name and a wrong password cost and say the same.

        Raises:
            NotAuthenticated: one of the two.
            TooManyAttempts: there were too many wrong ones for this name or from this address.
        """
        user = await self._prove(username, password, address)
        return await self._begin(user)

    async def begin_for(self, user_id: str) -> AccessToken:
        """Sign somebody in whom another one vouches for.

        Raises:
            NotAuthenticated: the account is gone.
        """
        user = await self._users.user(user_id)
        if user is None:
            raise NotAuthenticated(REFUSED)
        return await self._begin(user)

    async def change_password(
        self, caller: Caller, current: str, new: str, *, keys: bool, address: str
    ) -> None:
        """Replace the caller's password and end all of their sign-ins, this one too; ``keys``: keys too.

        Raises:
            InvalidRequest: ``current`` is not the password.
            TooManyAttempts: as for a sign-in.
        """
        try:
            name = await self.username(caller)
            await self._prove(name, current, address, purpose=PasswordUse.CHANGE)
        except WrongPassword:
            raise InvalidRequest("is not your password", field="current_password") from None
        hashed = await self._passwords.hash(new, purpose=PasswordUse.CHANGE, address=site_of(address))
        for grant in await self._users.change_password(caller.user_id, hashed, keys=keys):
            self._access.revoke(grant)

    async def refresh(self, refresh_token: str) -> AccessToken:
        """Trade a refresh token for its successor and a new access token.

        Raises:
            NotAuthenticated: it is unknown, expired, revoked, or was used before.
        """
        successor = self._tokens.successor(refresh_token)
        result = await self._rotate(refresh_token, successor)
        match result.outcome:
            case Rotation.OK | Rotation.RACED:
                return self._answer(result.user_id, result.family_id, successor)
            case Rotation.REUSED:
                await self._end(result.family_id)
            case Rotation.UNKNOWN | Rotation.EXPIRED | Rotation.REVOKED:
                pass
            case _:
                assert_never(result.outcome)
        raise NotAuthenticated(WRONG_REFRESH)

    async def log_out(self, caller: Caller) -> None:
        """End the sign-in the caller came with; an API key ends by being deleted."""
        if not caller.is_key:
            await self._end(caller.grant)

    async def log_out_with(self, refresh_token: str) -> None:
        """End the sign-in a refresh token belongs to; an unknown one is ignored."""
        result = await self._rotate(refresh_token, self._tokens.successor(refresh_token))
        if result.family_id:
            await self._end(result.family_id)

    async def log_out_everywhere(self, caller: Caller, *, keys: bool) -> None:
        """End all of the caller's sign-ins, this one too; ``keys``: API keys too."""
        for grant in await self._users.revoke_user(caller.user_id, keys=keys):
            self._access.revoke(grant)

    async def account(self, caller: Caller) -> UserRecord:
        """The caller's account.

        Raises:
            NotAuthenticated: it is gone.
        """
        user = await self._users.user(caller.user_id)
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

    async def _prove(
        self, username: str, password: str, address: str, *, purpose: PasswordUse = PasswordUse.SIGN_IN
    ) -> UserRecord:
        async with self._lockout.attempt(username, address):
            user = await self._users.find_user(username) if _USERNAME.fullmatch(username) else None
            known = (user.password_hash if user else None) or None
            check = self._passwords.check(password, known, purpose=purpose, address=site_of(address))
            if not await check or user is None:
                raise WrongPassword(WRONG_PASSWORD)
            return user

    async def _begin(self, user: UserRecord) -> AccessToken:
        secret, family, now = new_secret(), self._new_id(), self._clock.now()
        expires = Nanos(now + to_span(self._config.refresh_lifetime))
        await self._sign_ins.add_refresh(digest(secret), family, user.user_id, expires, now)
        await self._refuse_replaced(user, family)
        return self._answer(user.user_id, family, secret)

    async def _refuse_replaced(self, user: UserRecord, family_id: str) -> None:
        """End this sign-in if the password was changed meanwhile: that ended only those there were."""
        current = await self._users.user(user.user_id)
        if current is None or current.password_hash != user.password_hash:
            await self._end(family_id)
            raise NotAuthenticated(WRONG_PASSWORD)

    async def _rotate(self, refresh_token: str, successor: str) -> RotationResult:
        rotate = partial(
            self._sign_ins.rotate_refresh,
            digest(refresh_token),
            digest(successor),
            self._clock.now(),
            race_window=Nanos(to_span(self._config.race_window)),
        )
        try:
            return await rotate()
        except StoreConflict:
            return await rotate()

    def _answer(self, user_id: str, family_id: str, refresh_token: str) -> AccessToken:
        return AccessToken(
            access_token=self._tokens.issue(user_id, family_id),
            expires_in=self._tokens.lifetime,
            refresh_token=refresh_token,
        )

    async def _end(self, family_id: str) -> None:
        await self._sign_ins.revoke_family(family_id)
        self._access.revoke(family_id)
