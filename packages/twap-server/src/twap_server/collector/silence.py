"""Measure how often a connection normally speaks, and derive how long it may be silent.

Where a heartbeat or canary came lately: a few times its beat, at most three seconds. Elsewhere by the pace of
this connection itself: a few times the longest pause of the last minutes, within bounds. A pause counts once
it is over: silence that goes on proves nothing about what is normal.
"""

from collections import deque
from typing import Final

from twap_server.books.pulse import LEAST
from twap_server.domain.clock import SECOND, Nanos

MOST: Final = 10 * SECOND
"""No connection is given more."""
_FEW: Final = 3
_MINUTE: Final = 60 * SECOND
_MINUTES: Final = 5


class SilenceLimit:
    """One connection's."""

    def __init__(self, *, beat_s: int, fixed_ms: int = 0) -> None:
        """Begin to measure.

        Args:
            beat_s: how often a heartbeat or canary comes; 0 where there is none.
            fixed_ms: what is borne whatever the pace; 0 goes by the pace.
        """
        self._beat, self._fixed = beat_s * SECOND, fixed_ms * SECOND // 1000
        self._beat_at: Nanos | None = None
        self._heard_at = Nanos(0)
        self._pause = 0
        self._longest: deque[tuple[int, int]] = deque(maxlen=_MINUTES)
        """Minute, and its longest pause."""

    def beat(self, now: Nanos) -> None:
        """Note that a heartbeat or the canary came."""
        self._beat_at = now

    def borne(self, now: Nanos, heard_at: Nanos) -> int:
        """Return how many nanoseconds of silence are borne; ask often, for pauses are measured by it."""
        if heard_at != self._heard_at:
            self._note(now // _MINUTE)
            self._heard_at = heard_at
        self._pause = now - heard_at
        if self._fixed:
            return self._fixed
        if self._beat and self._beat_at is not None and now - self._beat_at <= _MINUTE:
            return min(_FEW * self._beat, LEAST)
        oldest = now // _MINUTE - _MINUTES
        pauses = [longest for minute, longest in self._longest if minute > oldest]
        return min(max(_FEW * max(pauses, default=0), LEAST), MOST)

    def _note(self, minute: int) -> None:
        """Keep the pause that has ended."""
        if not self._longest or self._longest[-1][0] != minute:
            self._longest.append((minute, 0))
        self._longest[-1] = (minute, max(self._longest[-1][1], self._pause))
