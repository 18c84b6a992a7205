"""Find out who calls, by access token or API key, and whether that is enough for the request."""

import sys
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from twap_models.enums import Scope
from twap_server.api.auth.accounts_port import Keys, SignIns
from twap_server.api.auth.key_uses import KeyUses
from twap_server.api.auth.keyed_lock import KeyedLock
from twap_server.api.auth.tokens import KEY_PREFIX, REFUSED, Tokens, digest
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import NotAuthenticated, NotPermitted

_MOST_REMEMBERED = 100_000
_TRUST_NS = 5 * SECOND
"""How long who was found active is not looked up again; revocations in this process count at once."""
_MOST_CALLERS = 10_000
ACCOUNT: Final = "account"
"""The scope of what manages credentials: every sign-in has it, and no API key."""
_OF_SIGN_INS = frozenset((*Scope, ACCOUNT))
_NOT_BY_KEY = (
    "an API key cannot manage API keys, sign-ins or the password: sign in with POST /auth/token and "
    "send its access token as Authorization: Bearer"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody signed in."""

    user_id: str
    grant: str
    """The sign-in or the API key they came with; it can be revoked."""
    expires: Nanos | None
    """None for an API key without an end."""
    scopes: frozenset[str] = _OF_SIGN_INS
    """What they may do."""
    is_key: bool = False
    """Whether they came with an API key: then no password stands behind it."""


def permit(caller: Caller, scope: str) -> None:
    """Let a caller pass who may do this.

    Raises:
        NotPermitted: names the scope that is missing, and what to do.
    """
    if scope in caller.scopes:
        return
    if scope == ACCOUNT:
        raise NotPermitted(_NOT_BY_KEY)
    raise NotPermitted(
        f"this API key lacks the scope {scope} (it has {' and '.join(sorted(caller.scopes))}): "
        "use one that has it, or sign in"
    )


class Access:
    """Checks credentials."""

    def __init__(self, sign_ins: SignIns, keys: Keys, tokens: Tokens, clock: Clock, uses: KeyUses) -> None:
        """Know no revocation yet: the store remembers the earlier ones. ``uses`` is told of API keys."""
        self._sign_ins = sign_ins
        self._stored_keys = keys
        self._uses = uses
        self._tokens = tokens
        self._clock = clock
        self._revoked: OrderedDict[str, None] = OrderedDict()
        self._trusted_until: OrderedDict[str, Nanos] = OrderedDict()
        self._callers: OrderedDict[str, Caller] = OrderedDict()
        """By access token or API key; each counts while its grant is trusted."""
        self._asking = KeyedLock(sys.maxsize)

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
        self.note_use(caller)
        return caller

    def is_current(self, caller: Caller) -> bool:
        """Whether the credential still counts, as far as this process knows."""
        expired = caller.expires is not None and caller.expires <= self._clock.now()
        return not expired and caller.grant not in self._revoked

    def note_use(self, caller: Caller) -> None:
        """A caller did something: of an API key it is recorded, later."""
        if caller.is_key:
            self._uses.note(caller.grant, self._clock.now())

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
                if not await self._sign_ins.is_family_active(family):
                    raise NotAuthenticated(REFUSED)
                self._trust(family)

    def _trust(self, grant: str) -> None:
        self._trusted_until[grant] = Nanos(self._clock.monotonic() + _TRUST_NS)
        while len(self._trusted_until) > _MOST_REMEMBERED:
            self._trusted_until.popitem(last=False)

    async def _by_key(self, key: str) -> Caller:
        found = await self._stored_keys.find_key(digest(key))
        if found is None:
            raise NotAuthenticated(REFUSED)
        self._trust(found.key_id)
        return Caller(
            user_id=found.user_id,
            grant=found.key_id,
            expires=found.expires,
            scopes=frozenset(found.scopes),
            is_key=True,
        )
