"""Say why a slice was lost: the server was not running, the store was slow, or there was too much to do.

The engine says whenever it is at work. Where the wall clock then shows a time that did not pass for it (it
was set forward, the machine slept), or it had no turn at all for longer than any work takes (it was stopped),
it was away: that is the same to an order as a server that was down.
"""

from collections import deque

from twap_models.enums import SliceReason
from twap_server.domain.clock import MILLISECOND, SECOND, Clock, Nanos
from twap_server.engine.work.store_waits import StoreWaits

_SKIPPED = 500 * MILLISECOND
"""So much more on the wall clock than on the monotonic one is a step, no inexactness."""
_NO_TURN = 3 * SECOND
"""The engine wakes every second, and no piece of work takes half as long."""
_KEPT = 256


class Presence:
    """Whether the engine was at work at a moment."""

    def __init__(self, *, clock: Clock, waits: StoreWaits) -> None:
        """Args: waits: of the engine for its store."""
        self._clock, self._waits = clock, waits
        self._since: Nanos | None = None
        self._wall, self._mono = clock.now(), clock.monotonic()
        self._away: deque[tuple[Nanos, Nanos]] = deque(maxlen=_KEPT)

    def begin(self) -> None:
        """From now on the engine is at work."""
        self._wall, self._mono = self._clock.now(), self._clock.monotonic()
        self._since = self._wall

    def note(self) -> None:
        """The engine is at work now; said again and again."""
        wall, mono = self._clock.now(), self._clock.monotonic()
        passed, here = wall - self._wall, mono - self._mono
        if passed - here > _SKIPPED or (here > _NO_TURN and not self._waits.has_waited(self._wall, wall)):
            self._away.append((self._wall, wall))
        self._wall, self._mono = wall, mono

    def reason(self, moment: Nanos) -> SliceReason:
        """Why a slice whose window ended at that wall time was lost."""
        if self._waits.is_to_blame(moment):
            return SliceReason.STORAGE
        if self._since is None or moment <= self._since:
            return SliceReason.ENGINE_DOWN
        if any(begin <= moment <= end for begin, end in self._away):
            return SliceReason.ENGINE_DOWN
        return SliceReason.OVERLOADED
