"""Hash and check passwords in threads of their own, few at a time, at the same cost for every user name."""

import unicodedata
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import partial
from typing import TypeVar

from twap_models.accounts import normal_password
from twap_server.api.auth.password_hash import password_hash
from twap_server.api.config import PasswordConfig
from twap_server.api.fair_queue import FairQueue, Rank
from twap_server.runtime.threads import Threads

_MAX_LENGTH = 256
_REFUSAL = "too many people are signing in: try again"
T = TypeVar("T")


class PasswordUse(IntEnum):
    """What a password is looked at for, the most urgent first. Each comes before all that follow."""

    SIGN_IN = 0
    CHANGE = 1
    REGISTRATION = 2
    """Anybody can have as many as they like: of several threads one is never theirs."""


class Passwords:
    """Hashes and checks passwords without starving the rest of the process.

    As many at once as there are threads, each with ``memory_kib`` of memory; they take turns by address.
    """

    def __init__(
        self, config: PasswordConfig, threads: Threads, *, registering: Threads | None = None
    ) -> None:
        """Take the cost from ``config``.

        Args:
            config: the settings.
            threads: for sign-ins and changes.
            registering: for registrations; None: the same.
        """
        self._hash = password_hash(passes=config.passes, memory_kib=config.memory_kib, lanes=config.lanes)
        self._threads = threads
        self._registering = registering or threads
        self._queue = FairQueue(config.concurrent, _ranks(config), refusal=_REFUSAL)
        self._decoy: str | None = None

    async def hash(
        self, password: str, *, purpose: PasswordUse = PasswordUse.REGISTRATION, address: str = ""
    ) -> str:
        """Hash a new password, in its normal form: however it is typed later, it is the same.

        Raises:
            EngineBusy: too many checks wait already, or there is no memory for one.
        """
        work = partial(self._hash.hash, normal_password(password))
        return await self._in_thread(work, purpose, address)

    async def check(
        self,
        password: str,
        password_hash: str | None,
        *,
        purpose: PasswordUse = PasswordUse.SIGN_IN,
        address: str = "",
    ) -> bool:
        """Compare; without a hash (no such user) the same work is done and the answer is no.

        Hashes from before passwords were brought to their normal form still count: the password is tried as
        it came, and with its accents apart, too. One of plain letters has one form and costs one check.

        Raises:
            EngineBusy: too many checks wait already, or there is no memory for one.
        """
        fits = len(normal_password(password)) <= _MAX_LENGTH
        forms = _forms(password if fits else password[:_MAX_LENGTH])
        matches = await self._in_thread(partial(self._matches, forms, password_hash), purpose, address)
        return matches and password_hash is not None and fits

    def _matches(self, forms: Sequence[str], password_hash: str | None) -> bool:
        if password_hash is None and self._decoy is None:
            self._decoy = self._hash.hash("nobody")
            return False
        return any(self._hash.verify(form, password_hash or self._decoy or "") for form in forms)

    async def _in_thread(self, work: Callable[[], T], purpose: PasswordUse, address: str) -> T:
        async with self._queue.take(address, purpose):
            is_new = purpose is PasswordUse.REGISTRATION
            return await (self._registering if is_new else self._threads).run(work)


def _ranks(config: PasswordConfig) -> Sequence[Rank]:
    own = Rank(at_once=config.concurrent, waiting=config.max_waiting)
    registration = Rank(at_once=max(1, config.concurrent - 1), waiting=config.max_waiting_registrations)
    return (own, own, registration)


def _forms(password: str) -> list[str]:
    return list(dict.fromkeys((normal_password(password), password, unicodedata.normalize("NFD", password))))
