"""Tell the memory of own impact the time: the very moments of decisions, as they are recorded.

So whoever has the recorded decisions works out the same memory. Cut to the microsecond, as moments are told.
A wall clock that was set does not count: its steps of more than a second are left out, so no size comes back
by them.
"""

from typing import Final

from twap_server.domain.clock import MICROSECOND, SECOND, Clock, Nanos

_STEP: Final = SECOND
"""What wall and monotonic clock may part by between two looks: more is a clock that was set."""


class DecisionClock:
    """Call it for the time. ``hold`` lets it stand at a moment while decisions of that moment are made."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._mono = clock.now(), clock.monotonic()
        self._left_out = 0
        self._held: Nanos | None = None

    def __call__(self) -> Nanos:
        """Nanoseconds, whole microseconds; from one decision to the next as much as between their moments."""
        return self._at(self._clock.now()) if self._held is None else self._held

    def hold(self, now: Nanos) -> None:
        """Stand at this wall time until ``release``."""
        self._held = self._at(now)

    def release(self) -> None:
        """Go on."""
        self._held = None

    def _at(self, wall: Nanos) -> Nanos:
        mono = self._clock.monotonic()
        moved = (wall - self._wall) - (mono - self._mono)
        if abs(moved) > _STEP:
            self._left_out += moved
        self._wall, self._mono = wall, mono
        return whole_microseconds(wall - self._left_out)


def whole_microseconds(nanos: int) -> Nanos:
    """The moment, cut."""
    return Nanos(nanos // MICROSECOND * MICROSECOND)
