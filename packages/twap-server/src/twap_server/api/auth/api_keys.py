"""Create, list and revoke API keys; only their digests are stored."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime

from twap_models.accounts import ApiKeyRequest
from twap_server.api.auth.access import Access, Caller
from twap_server.api.auth.accounts_port import Keys
from twap_server.api.auth.keyed_lock import KeyedLock
from twap_server.api.auth.tokens import KEY_PREFIX, REFUSED, digest, new_secret
from twap_server.api.config import TokenConfig
from twap_server.api.wire.requests import resolve
from twap_server.domain.accounts import Adding, ApiKey
from twap_server.domain.clock import Clock, Nanos, span_text, to_span, to_text
from twap_server.domain.errors import Conflict, InvalidRequest, NotAuthenticated


class ApiKeys:
    """A user's API keys."""

    def __init__(
        self,
        *,
        keys: Keys,
        access: Access,
        clock: Clock,
        new_id: Callable[[], str],
        config: TokenConfig,
    ) -> None:
        """Args: new_id names keys, each once for ever."""
        self._keys = keys
        self._access = access
        self._clock = clock
        self._new_id = new_id
        self._most = config.max_keys
        self._changing = KeyedLock(sys.maxsize)
        """By user: whoever makes and ends many keys at once waits behind themselves."""
        self._longest = None if config.max_key_lifetime is None else to_span(config.max_key_lifetime)

    async def add(self, caller: Caller, wanted: ApiKeyRequest) -> tuple[ApiKey, str]:
        """Make an API key; the secret is known here and now only.

        Raises:
            InvalidRequest: it would have ended already, or live longer than allowed.
            Conflict: the user has as many as allowed.
            NotAuthenticated: the sign-in has ended meanwhile.
        """
        now, secret = self._clock.now(), KEY_PREFIX + new_secret()
        key = ApiKey(
            key_id=self._new_id(),
            user_id=caller.user_id,
            name=wanted.name,
            created=now,
            scopes=wanted.scopes,
            expires=self._end(wanted.expires, now),
        )
        async with self._changing.take(caller.user_id):
            adding = await self._keys.add_key(key, digest(secret), family_id=caller.grant, most=self._most)
        match adding:
            case Adding.FULL:
                raise Conflict(f"expected at most {self._most} API keys: delete one first")
            case Adding.SIGNED_OUT:
                raise NotAuthenticated(REFUSED)
        return key, secret

    async def list(self, caller: Caller) -> Sequence[ApiKey]:
        """The caller's keys, oldest first; one that has expired until another is made."""
        return await self._keys.list_keys(caller.user_id)

    async def end(self, caller: Caller, key_id: str) -> bool:
        """End one of the caller's keys; whether there was one."""
        async with self._changing.take(caller.user_id):
            ended = await self._keys.revoke_key(caller.user_id, key_id)
        if ended:
            self._access.revoke(key_id)
        return ended

    async def end_all(self, caller: Caller) -> None:
        """End all of the caller's keys."""
        async with self._changing.take(caller.user_id):
            ended = await self._keys.revoke_keys(caller.user_id)
        for key_id in ended:
            self._access.revoke(key_id)

    def _end(self, wanted: datetime | str | None, now: Nanos) -> Nanos | None:
        """When the key ends; where lives are bounded, one without an end gets the longest."""
        longest = None if self._longest is None else Nanos(now + self._longest)
        if wanted is None:
            return longest
        end = resolve(wanted, now=now, field="expires")
        if end <= now:
            raise InvalidRequest(f"expected a time to come, got {to_text(end)}", field="expires")
        if longest is not None and end > longest:
            raise InvalidRequest(
                f"expected at most {span_text(longest - now)} from now, got {to_text(end)}", field="expires"
            )
        return end
