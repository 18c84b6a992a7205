"""Password checks: argon2id in a thread, few at a time, at one cost whether the user exists or not."""

import asyncio
import unicodedata
from collections.abc import Sequence
from functools import partial

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from twap_models.accounts import normal_password
from twap_server.api.config import PasswordConfig
from twap_server.domain.errors import EngineBusy

_MAX_LENGTH = 256


class Passwords:
    """Hashes and checks passwords without starving the rest of the process."""

    def __init__(self, config: PasswordConfig) -> None:
        """Take the cost from ``config``."""
        hasher = Argon2Hasher(
            time_cost=config.passes, memory_cost=config.memory_kib, parallelism=config.lanes
        )
        self._hash = PasswordHash([hasher])
        self._slots = asyncio.Semaphore(config.concurrent)
        self._most_waiting = config.max_waiting
        self._waiting = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """Hash a new password, in its normal form: however it is typed later, it is the same.

        Raises:
            EngineBusy: too many checks wait already.
        """
        return str(await self._in_thread(partial(self._hash.hash, normal_password(password))))

    async def check(self, password: str, password_hash: str | None) -> bool:
        """Compare; without a hash (no such user) the same work is done and the answer is no.

        Hashes from before passwords were brought to their normal form still count: the password is tried as
        it came, and with its accents apart, too. One of plain letters has one form and costs one check.

        Raises:
            EngineBusy: too many checks wait already.
        """
        fits = len(normal_password(password)) <= _MAX_LENGTH
        forms = _forms(password if fits else password[:_MAX_LENGTH])
        matches = await self._in_thread(partial(self._matches, forms, password_hash))
        return bool(matches) and password_hash is not None and fits

    def _matches(self, forms: Sequence[str], password_hash: str | None) -> bool:
        if password_hash is None and self._decoy is None:
            self._decoy = self._hash.hash("nobody")
            return False
        return any(self._hash.verify(form, password_hash or self._decoy or "") for form in forms)

    async def _in_thread(self, work: "partial[str] | partial[bool]") -> str | bool:
        if self._waiting >= self._most_waiting:
            raise EngineBusy("too many people are signing in: try again", retry_after=2)
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def _forms(password: str) -> list[str]:
    return list(dict.fromkeys((normal_password(password), password, unicodedata.normalize("NFD", password))))
