"""Let one task at a time do something for each key; the others wait in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from twap_server.domain.errors import EngineBusy


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


class KeyedLock:
    """Forgets a key with the last who wants it."""

    def __init__(self, most: int) -> None:
        """Args: most, who may wait for or have the turn of one key."""
        self._most = most
        self._locks: dict[str, _Turn] = {}

    @asynccontextmanager
    async def take(self, key: str) -> AsyncIterator[None]:
        """Have the turn of this key until the block ends.

        Raises:
            EngineBusy: as many as allowed want it already.
        """
        turn = self._locks.setdefault(key, _Turn())
        if turn.wanted >= self._most:
            raise EngineBusy("too many calls do the same at once: try again", retry_after=2)
        turn.wanted += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                del self._locks[key]
