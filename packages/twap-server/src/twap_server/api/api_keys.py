"""API keys: made, listed and ended by who signed in with a password; only their digests are stored."""

from collections.abc import Callable, Sequence

from twap_server.api.access import Access, Caller
from twap_server.api.accounts_port import Accounts, KeyRecord
from twap_server.api.tokens import KEY_PREFIX, digest, new_secret
from twap_server.domain.clock import Clock
from twap_server.domain.errors import Conflict


class ApiKeys:
    """A user's API keys."""

    def __init__(
        self, *, accounts: Accounts, access: Access, clock: Clock, new_id: Callable[[], str], most: int
    ) -> None:
        """Args: new_id names keys, each once for ever; most, keys of one user."""
        self._accounts = accounts
        self._access = access
        self._clock = clock
        self._new_id = new_id
        self._most = most

    async def add(self, caller: Caller, name: str) -> tuple[KeyRecord, str]:
        """Make an API key; the secret is known here and now only.

        Raises:
            Conflict: the user has as many as allowed.
        """
        if len(await self._accounts.list_keys(caller.user_id)) >= self._most:
            raise Conflict(f"expected at most {self._most} API keys: delete one first")
        secret = KEY_PREFIX + new_secret()
        record = await self._accounts.add_key(
            self._new_id(), caller.user_id, name, digest(secret), self._clock.now()
        )
        return record, secret

    async def list(self, caller: Caller) -> Sequence[KeyRecord]:
        """The caller's keys that count, oldest first."""
        return await self._accounts.list_keys(caller.user_id)

    async def end(self, caller: Caller, key_id: str) -> bool:
        """End one of the caller's keys; whether there was one."""
        ended = await self._accounts.revoke_key(caller.user_id, key_id)
        if ended:
            self._access.revoke(key_id)
        return ended

    async def end_all(self, caller: Caller) -> None:
        """End all of the caller's keys."""
        for key_id in await self._accounts.revoke_keys(caller.user_id):
            self._access.revoke(key_id)
