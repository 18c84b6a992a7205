"""Manage accounts from the command line of the server's machine, whether the server runs or not.

The database is used beside the server. It learns of what was done here by itself: accounts and invites at
once, ended sign-ins within five seconds.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from twap_models.accounts import InviteRequest, Password, UserName
from twap_models.plain_words import plain
from twap_server.api.auth.oidc.admission import LONGEST_SUBJECT, is_subject
from twap_server.api.auth.passwords import Passwords
from twap_server.api.auth.registration import Registration
from twap_server.bootstrap.ids import ordered_ids
from twap_server.clock import SystemClock
from twap_server.domain.accounts import UserRecord
from twap_server.domain.clock import to_text
from twap_server.domain.errors import InvalidRequest, RequestError, StoreConflict
from twap_server.runtime.threads import Threads
from twap_server.settings import Settings
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.config import file_of
from twap_server.store.database import Database
from twap_server.store.sqlite_copy import refuse_absent

_NAME: TypeAdapter[str] = TypeAdapter(UserName)
_PASSWORD = TypeAdapter(Password)


class NoSuchUser(RequestError):
    """There is no account of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no user {name!r}: twap-server user list names them")


class AccountCommands:
    """What the commands do; see ``opened``."""

    def __init__(
        self, settings: Settings, database: Database, threads: Threads, new_file: Path | None
    ) -> None:
        self.new_file = new_file
        """The file of the database, where it was made just now."""
        self._clock = SystemClock()
        self._new_id = ordered_ids(self._clock)
        self._accounts = SqlAccountStore(database)
        self._issuer = settings.api.oidc.issuer
        self._passwords = Passwords(settings.api.passwords, threads)
        self._registration = Registration(
            users=self._accounts.users,
            invites=self._accounts.invites,
            passwords=self._passwords,
            config=settings.api,
            clock=self._clock,
            new_id=self._new_id,
        )

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: Settings, *, making: bool) -> AsyncIterator["AccountCommands"]:
        """Open the database that the settings name; ``making``: one that is not there is made.

        Raises:
            StoreUnavailable: it cannot be used, or is not there.
        """
        file = file_of(settings.database_url)
        new_file = file if file and not file.exists() else None
        if new_file and not making:
            refuse_absent(new_file)
        async with Database.beside(settings.database_url) as database:
            with closing(Threads("password", 1)) as threads:
                yield cls(settings, database, threads, new_file)

    async def add(self, name: str, password: str, *, is_admin: bool) -> str:
        """Make an account; gives a line that says so.

        Raises:
            UsernameTaken: in whatever case.
        """
        user = await self._registration.create(
            checked_name(name), checked_password(password), is_admin=is_admin
        )
        return f"user {user.username} was made" + (", an administrator" if is_admin else "")

    async def list(self) -> list[str]:
        """A line for each account, oldest first."""
        return [_line(user) for user in await self._accounts.users.list_users()]

    async def change_password(self, name: str, password: str, *, keys: bool) -> str:
        """Replace a password, end the user's sign-ins, and keys if asked to; gives a line that says so.

        Raises:
            NoSuchUser: nobody has that name.
        """
        user = await self._user(name)
        hashed = await self._passwords.hash(checked_password(password))
        ended = await self._accounts.users.change_password(user.user_id, hashed, keys=keys)
        what = "sign-ins and API keys ended" if keys else "API keys stay; sign-ins ended"
        return f"user {user.username} has a new password; {what}: {len(ended)}"

    async def link(self, name: str, subject: str) -> str:
        """Let somebody of the OpenID provider use an account; gives a line that says so.

        Raises:
            NoSuchUser: nobody has that name.
            InvalidRequest: no provider is set, that is no subject, or that identity has an account.
        """
        if not self._issuer:
            raise InvalidRequest("no OpenID provider is set: set api.oidc.issuer", field="api.oidc.issuer")
        if not is_subject(subject):
            raise InvalidRequest(
                f"SUBJECT: expected what the provider calls them, 1 to {LONGEST_SUBJECT} ASCII characters",
                field="SUBJECT",
            )
        user = await self._user(name)
        try:
            await self._accounts.identities.link_identity(
                self._issuer, subject, user.user_id, self._clock.now()
            )
        except StoreConflict:
            raise InvalidRequest("that subject has an account already", field="SUBJECT") from None
        return f"user {user.username} belongs to subject {subject} of {self._issuer}"

    async def invite(self, *, days: int, note: str) -> str:
        """Make an invite; gives its code.

        Raises:
            InvalidRequest: the days or the note are out of bounds.
            Conflict: there are as many as allowed.
        """
        try:
            wanted = InviteRequest(days=days, note=note)
        except ValidationError as error:
            raise _refusal(error, f"--{error.errors()[0]['loc'][0]}") from None
        _, code = await self._registration.invite(days=wanted.days, note=wanted.note)
        return code

    async def _user(self, name: str) -> UserRecord:
        user = await self._accounts.users.find_user(name) if name.isascii() else None
        if user is None:
            raise NoSuchUser(name)
        return user


def checked_name(name: str) -> str:
    """Give a name that an account may have.

    Raises:
        InvalidRequest: it may not; the message says why.
    """
    try:
        return _NAME.validate_python(name)
    except ValidationError as error:
        raise _refusal(error, "NAME") from None


def checked_password(password: str) -> str:
    """Give a password that an account may have.

    Raises:
        InvalidRequest: it may not; the message says why, and not what it was.
    """
    try:
        return _PASSWORD.validate_python(password).get_secret_value()
    except ValidationError as error:
        raise _refusal(error, "password") from None


def _refusal(error: ValidationError, field: str) -> InvalidRequest:
    why = plain(error.errors(include_input=False)[0]["msg"])
    return InvalidRequest(f"{field}: {why}", field=field)


def _line(user: UserRecord) -> str:
    remarks = [
        *(["administrator"] if user.is_admin else []),
        *([] if user.password_hash else ["no password"]),
    ]
    return "\t".join([user.username, to_text(user.created), ", ".join(remarks)]).rstrip()
