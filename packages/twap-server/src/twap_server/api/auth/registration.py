"""Decide who may create an account (anybody, the invited, nobody), and how many a day per address.

An account counts before its password is hashed, so that many at once are no more than many in a row; one that
was not made is given back. What a look at the database can refuse is refused before the hash, which is dear.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from twap_models.enums import RegistrationMode
from twap_server.api.auth.accounts_port import Invites, Users
from twap_server.api.auth.passwords import Passwords
from twap_server.api.auth.tokens import digest, new_secret
from twap_server.api.config import ApiConfig
from twap_server.api.http.rate_limits import RateLimit, site_of
from twap_server.domain.accounts import InviteRecord, UserRecord
from twap_server.domain.clock import SECOND, Clock, Nanos, span_text, to_span
from twap_server.domain.errors import (
    Conflict,
    InviteRefused,
    NotPermitted,
    StoreConflict,
    TooManyAttempts,
    UsernameTaken,
)

CLOSED = "registration is closed: ask whoever runs this server for an account"
INVITES_CLOSED = (
    'registration is closed, so nobody could use an invite: set api.registration to "invite" first'
)
INVITE_MISSING = "registration needs an invite: ask whoever runs this server, and send its code as invite"
TAKEN = "that user name is taken: choose another"
_TOO_MANY = "expected at most {} accounts a day from one address: try again in {}"
DAY = timedelta(days=1)
_MOST_INVITES = 1_000
INVITE_PREFIX = "twapinvite_"


class Registration:
    """Makes accounts, and the invites that let others make theirs."""

    def __init__(
        self,
        *,
        users: Users,
        invites: Invites,
        passwords: Passwords,
        config: ApiConfig,
        clock: Clock,
        new_id: Callable[[], str],
        of_address: RateLimit | None = None,
    ) -> None:
        """Build it.

        Args:
            users: accounts.
            invites: who may make one.
            passwords: hashes them.
            config: the settings.
            clock: time.
            new_id: names users and invites, each once for ever.
            of_address: counts the accounts that an address makes in a day; None: a limit of its own.
        """
        self.mode = config.registration
        self._users = users
        self._invites = invites
        self._passwords = passwords
        self._most = config.accounts_per_address_per_day
        self._of_address = RateLimit(self._most, DAY, clock) if of_address is None else of_address
        self._clock = clock
        self._new_id = new_id

    async def register(
        self, username: str, password: str, *, address: str, invite: str | None = None
    ) -> UserRecord:
        """Make an account for a caller.

        Raises:
            NotPermitted: registration is closed, or needs an invite that counts.
            TooManyAttempts: this address made as many accounts as it may, with the seconds to wait.
            UsernameTaken: in whatever case.
        """
        invite_hash = self._admitted(invite)
        async with self.counted(address):
            if invite_hash and not await self._invites.is_invite_usable(invite_hash, self._clock.now()):
                raise InviteRefused
            return await self.create(username, password, invite_hash=invite_hash, address=address)

    async def create(
        self,
        username: str,
        password: str,
        *,
        is_admin: bool = False,
        invite_hash: str | None = None,
        address: str = "",
    ) -> UserRecord:
        """Make an account, whoever may register.

        Raises:
            UsernameTaken: in whatever case.
            InviteRefused: the invite was used meanwhile.
        """
        if await self._users.find_user(username) is not None:
            raise UsernameTaken(TAKEN)
        hashed = await self._passwords.hash(password, address=site_of(address))
        try:
            return await self._users.create_user(
                self._new_id(),
                username,
                hashed,
                self._clock.now(),
                is_admin=is_admin,
                invite_hash=invite_hash,
            )
        except StoreConflict:
            raise UsernameTaken(TAKEN) from None

    @asynccontextmanager
    async def counted(self, address: str) -> AsyncIterator[None]:
        """Count one account of an address; it is given back if the block fails.

        Raises:
            TooManyAttempts: before the block begins.
        """
        site = site_of(address)
        if not await self._of_address.hit(site):
            wait = self._of_address.wait(site)
            raise TooManyAttempts(_TOO_MANY.format(self._most, span_text(wait * SECOND)), retry_after=wait)
        try:
            yield
        except BaseException:
            self._of_address.give_back(site)
            raise

    async def invite(self, *, days: int, note: str) -> tuple[InviteRecord, str]:
        """Make an invite; its code is known here and now only.

        Raises:
            Conflict: there are as many as allowed, or nobody could use one.
        """
        if self.mode == RegistrationMode.CLOSED:
            raise Conflict(INVITES_CLOSED)
        code, now = INVITE_PREFIX + new_secret(), self._clock.now()
        expires = Nanos(now + to_span(timedelta(days=days)))
        made = await self._invites.add_invite(
            self._new_id(), digest(code), note=note, created=now, expires=expires, most=_MOST_INVITES
        )
        return made, code

    async def invites(self) -> Sequence[InviteRecord]:
        """Those that can be used now, oldest first."""
        return await self._invites.list_invites(self._clock.now())

    async def withdraw(self, invite_id: str) -> bool:
        """Let an invite count no more; whether there was one that nobody had used."""
        return await self._invites.withdraw_invite(invite_id)

    def _admitted(self, invite: str | None) -> str | None:
        """The digest of the invite that must count; None where none is needed."""
        match self.mode:
            case RegistrationMode.OPEN:
                return None
            case RegistrationMode.INVITE if invite:
                return digest(invite.strip())
            case RegistrationMode.INVITE:
                raise NotPermitted(INVITE_MISSING)
            case _:
                raise NotPermitted(CLOSED)
