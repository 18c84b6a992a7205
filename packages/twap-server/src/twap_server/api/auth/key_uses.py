"""Note in memory when API keys were last used, and store it once a minute: no request waits for it."""

import asyncio
import logging
from contextlib import suppress

from twap_server.api.auth.accounts_port import Keys
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import TwapError

log = logging.getLogger(__name__)

RECORD_EVERY_S = 60.0
_MOST_KEYS = 10_000
_LAST_WITHIN_S = 5.0
"""Of the last record: a server that stops waits no longer for a database that is away."""


class KeyUses:
    """What is to be recorded; at most so many keys a minute, of others the use is not noted."""

    def __init__(self) -> None:
        """Start with none."""
        self._latest: dict[str, Nanos] = {}

    def note(self, key_id: str, now: Nanos) -> None:
        """A key that counts was used."""
        if key_id in self._latest or len(self._latest) < _MOST_KEYS:
            self._latest[key_id] = now

    async def keep(self, keys: Keys, clock: Clock) -> None:
        """Record each minute, and once more at the end, until cancelled."""
        try:
            while True:
                await clock.sleep(RECORD_EVERY_S)
                await self.record(keys)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WITHIN_S):
                    await self.record(keys)

    async def record(self, keys: Keys) -> None:
        """Record what was noted; what cannot be recorded now is tried again, unless it was used since."""
        noted, self._latest = self._latest, {}
        if not noted:
            return
        try:
            await keys.note_uses(noted)
        except TwapError as error:
            log.warning("the last use of API keys could not be stored, trying again: %s", error)
            self._latest = {**noted, **self._latest}
