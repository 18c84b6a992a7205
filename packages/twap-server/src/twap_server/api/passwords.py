"""Password checks: argon2id in a thread, few at a time, at one cost whether the user exists or not."""

import asyncio
from functools import partial

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

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
        """Hash a new password.

        Raises:
            EngineBusy: too many checks wait already.
        """
        return str(await self._in_thread(partial(self._hash.hash, password)))

    async def check(self, password: str, password_hash: str | None) -> bool:
        """Compare; without a hash (no such user) the same work is done and the answer is no.

        Raises:
            EngineBusy: too many checks wait already.
        """
        matches = await self._in_thread(partial(self._matches, password[:_MAX_LENGTH], password_hash))
        return bool(matches) and password_hash is not None and len(password) <= _MAX_LENGTH

    def _matches(self, password: str, password_hash: str | None) -> bool:
        if password_hash is None and self._decoy is None:
            self._decoy = self._hash.hash("nobody")
            return False
        return self._hash.verify(password, password_hash or self._decoy or "")

    async def _in_thread(self, work: "partial[str] | partial[bool]") -> str | bool:
        if self._waiting >= self._most_waiting:
            raise EngineBusy("too many people are signing in: try again", retry_after=2)
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
