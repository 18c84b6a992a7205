"""Notice that this node reaches nobody: it has PostgreSQL, and no NATS.

It could keep its leases, and would do nothing with them: nobody hears of the books that it collects, and its
engines have no book to fill from. So it says so, and others count it no more among those who share.
"""

from typing import Final

from twap_server.cluster.messenger import Messenger
from twap_server.cluster.sign_of_life import SignOfLife
from twap_server.domain.clock import MILLISECOND, Clock, Nanos

_LOOK_EVERY_S: Final = 0.25
_TOLD_AFTER: Final = 2_500 * MILLISECOND
"""NATS that is started anew is back before."""
_WORDS: Final = "without NATS this node owns nothing as long as others of its role have it"


class Reach:
    """Of one node. Run ``run()`` beside its sign of life."""

    def __init__(self, messenger: Messenger, life: SignOfLife, clock: Clock) -> None:
        self._messenger, self._life, self._clock = messenger, life, clock
        self._lost_at: Nanos | None = None

    @property
    def lost_for(self) -> int:
        """Nanoseconds since this node lost its way to the others; 0: it has one."""
        return 0 if self._lost_at is None else self._clock.monotonic() - self._lost_at

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            self._look()
            await self._clock.sleep(_LOOK_EVERY_S)

    def _look(self) -> None:
        if self._messenger.is_connected:
            self._lost_at = None
        elif self._lost_at is None:
            self._lost_at = self._clock.monotonic()
        self._life.note_trouble("NATS", _WORDS if self.lost_for >= _TOLD_AFTER else "")
