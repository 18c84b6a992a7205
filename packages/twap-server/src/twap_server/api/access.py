"""Who is calling: access tokens and API keys, and what was revoked since they were issued."""

import sys
from collections import OrderedDict
from dataclasses import dataclass

from twap_server.api.accounts_port import Accounts
from twap_server.api.tokens import KEY_PREFIX, REFUSED, Tokens, digest
from twap_server.api.turns import Turns
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import NotAuthenticated

_MOST_REMEMBERED = 100_000
_TRUST_NS = 5 * SECOND
"""How long who was found active is not looked up again; revocations in this process count at once."""
_MOST_CALLERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody signed in."""

    user_id: str
    grant: str
    """The sign-in or the API key they came with; it can be revoked."""
    expires: Nanos | None
    """None for an API key."""

    @property
    def has_signed_in(self) -> bool:
        """Whether a password stands behind the credential; it does not behind an API key."""
        return self.expires is not None


class Access:
    """Checks credentials."""

    def __init__(self, accounts: Accounts, tokens: Tokens, clock: Clock) -> None:
        """Know no revocation yet: the store remembers the earlier ones."""
        self._accounts = accounts
        self._tokens = tokens
        self._clock = clock
        self._revoked: OrderedDict[str, None] = OrderedDict()
        self._trusted_until: OrderedDict[str, Nanos] = OrderedDict()
        self._callers: OrderedDict[str, Caller] = OrderedDict()
        """By access token or API key; each counts while its grant is trusted."""
        self._asking = Turns(sys.maxsize)

    async def identify(self, credential: str) -> Caller:
        """Say who holds this access token or API key.

        Who was found a moment ago is not looked up again: revocations and expiry count at once all the same.

        Raises:
            NotAuthenticated: always in the same words.
        """
        caller = self._callers.get(credential)
        if caller is None or not self._is_trusted(caller.grant):
            is_key = credential.startswith(KEY_PREFIX)
            caller = await (self._by_key(credential) if is_key else self._by_token(credential))
            self._remember(credential, caller)
        if not self.is_current(caller):
            raise NotAuthenticated(REFUSED)
        return caller

    def is_current(self, caller: Caller) -> bool:
        """Whether the credential still counts, as far as this process knows."""
        expired = caller.expires is not None and caller.expires <= self._clock.now()
        return not expired and caller.grant not in self._revoked

    def revoke(self, grant: str) -> None:
        """Let a sign-in or an API key count no more."""
        self._revoked[grant] = None
        self._trusted_until.pop(grant, None)
        while len(self._revoked) > _MOST_REMEMBERED:
            self._revoked.popitem(last=False)

    async def _by_token(self, token: str) -> Caller:
        claims = self._tokens.read(token)
        family = claims.family_id
        if not self._is_trusted(family):
            await self._ask_once(family)
        return Caller(user_id=claims.user_id, grant=family, expires=claims.expires)

    def _remember(self, credential: str, caller: Caller) -> None:
        self._callers[credential] = caller
        while len(self._callers) > _MOST_CALLERS:
            self._callers.popitem(last=False)

    def _is_trusted(self, grant: str) -> bool:
        return self._trusted_until.get(grant, 0) > self._clock.monotonic()

    async def _ask_once(self, family: str) -> None:
        """One question, however many calls with the same sign-in come at a time."""
        async with self._asking.take(family):
            if not self._is_trusted(family):
                if not await self._accounts.is_family_active(family):
                    raise NotAuthenticated(REFUSED)
                self._trust(family)

    def _trust(self, grant: str) -> None:
        self._trusted_until[grant] = Nanos(self._clock.monotonic() + _TRUST_NS)
        while len(self._trusted_until) > _MOST_REMEMBERED:
            self._trusted_until.popitem(last=False)

    async def _by_key(self, key: str) -> Caller:
        found = await self._accounts.find_key(digest(key))
        if found is None:
            raise NotAuthenticated(REFUSED)
        self._trust(found.key_id)
        return Caller(user_id=found.user_id, grant=found.key_id, expires=None)
