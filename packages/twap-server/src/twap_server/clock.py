"""Read the time and sleep. No other file of the server does."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from twap_server.domain.clock import SECOND, Clock, Nanos, Signal, to_text

log = logging.getLogger(__name__)

_KEPT_S = 600
"""How long a wall clock that was set back is not believed."""
_TOLD_S = 3_600
"""How long a step is told."""


async def wait(event: Signal, seconds: float) -> None:
    """Wait until the event is set, by the loop's own time; after ``seconds`` the clock sets it.

    A timer that sets it costs a tenth of a timeout that cancels whoever waits.
    """
    alarm = asyncio.get_running_loop().call_later(max(0.0, seconds), event.set)
    try:
        await event.wait()
    finally:
        alarm.cancel()


class SystemClock:
    """The machine's clocks."""

    # no functions of ours around them: they are read for every message of every exchange
    now: Callable[[], Nanos] = staticmethod(time.time_ns)  # type: ignore[assignment]
    monotonic: Callable[[], Nanos] = staticmethod(time.monotonic_ns)  # type: ignore[assignment]

    async def sleep(self, seconds: float) -> None:
        """Wait at least ``seconds``."""
        await asyncio.sleep(max(0.0, seconds))

    wait = staticmethod(wait)


class VirtualClock:
    """Time that stands still until ``moment`` is set; the event loop it is used with must follow it."""

    def __init__(self, start: Nanos) -> None:
        self.moment = start
        """Wall time now; never goes back."""
        self._start = start

    def now(self) -> Nanos:
        """Wall time in nanoseconds since the epoch."""
        return self.moment

    def monotonic(self) -> Nanos:
        """Nanoseconds since the start."""
        return Nanos(self.moment - self._start)

    async def sleep(self, seconds: float) -> None:
        """Wait at least ``seconds``."""
        await asyncio.sleep(max(0.0, seconds))

    wait = staticmethod(wait)


class SteadyClock:
    """The wall clock as the server counts by it: it never goes back, however the machine's is set.

    1. While the machine's clock runs on, this is it.
    2. Set forward, or behind after the machine slept: follow at once, for nothing may fill after an end.
    3. Set back: go on by the monotonic clock, so that what is under way keeps its pace. Most such steps are
       taken back soon; then nothing was lost.
    4. Still set back after ``_KEPT_S``: the step is believed, and time passes at half the pace until the
       machine's clock has caught up. Steps of a second or less are returned to in this way at once.
    """

    def __init__(self, clock: Clock) -> None:
        """Args: clock: the machine's."""
        self._clock = clock
        self._read, self._monotonic = clock.now, clock.monotonic
        self._wall = self._shown = self._last = clock.now()
        self._mono = clock.monotonic()
        self._fast_until = self._last
        self._slow_from = Nanos(0)
        self._steps: deque[_Step] = deque(maxlen=1)

    def now(self) -> Nanos:
        """Wall time in nanoseconds since the epoch; never less than before."""
        wall = self._read()
        if self._last <= wall < self._fast_until:
            self._last = wall
            return wall
        return self._look()

    def monotonic(self) -> Nanos:
        """Monotonic nanoseconds."""
        return self._monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait at least ``seconds``."""
        await self._clock.sleep(seconds)

    async def wait(self, event: Signal, seconds: float) -> None:
        """Wait until the event is set; after ``seconds`` the clock sets it."""
        await self._clock.wait(event, seconds)

    def remarks(self) -> list[str]:
        """What to know of the clock's last step, for as long as it has effects and an hour more; in words."""
        now, wall = self.now(), self._read()
        return [
            f"{step.words}; {_ahead(now - wall)}"
            for step in self._steps
            if now - wall > SECOND or self._monotonic() - step.mono < _TOLD_S * SECOND
        ]

    def _look(self) -> Nanos:
        """Compare both clocks, and work out what to show."""
        mono, wall = self._monotonic(), self._read()
        passed = mono - self._mono
        moved = wall - self._wall - passed
        if abs(moved) > SECOND:
            self._note_step(moved, mono, is_undone=moved > 0 and wall <= self._shown + passed + SECOND)
        elif self._shown <= self._wall:
            self._slow_from = mono
        shown = self._shown + passed - min(passed, max(0, mono - self._slow_from)) // 2
        follows = wall >= shown or (wall >= self._last and shown - wall <= SECOND)
        self._last = wall if follows else Nanos(max(shown, self._last))
        self._wall, self._mono, self._shown = wall, mono, self._last
        self._fast_until = Nanos(wall + SECOND) if follows else Nanos(0)
        return self._last

    def _note_step(self, moved: int, mono: Nanos, *, is_undone: bool) -> None:
        """Say it, and wait with a step back whether it is taken back."""
        way = "back" if moved < 0 else "forward, or the machine slept,"
        words = f"the wall clock was set {way} by {abs(moved) / SECOND:,.1f} s at {to_text(self._wall)}"
        effect = "orders at work keep their pace" if moved < 0 else "slices due in between are missed"
        log.warning("%s: %s", words, "a step back is undone, nothing is missed" if is_undone else effect)
        self._steps.append(_Step(words=words, mono=mono))
        if moved < 0:
            self._slow_from = Nanos(mono + _KEPT_S * SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    words: str
    mono: Nanos
    """When it was noticed."""


def _ahead(nanos: int) -> str:
    if nanos <= SECOND:
        return "the server's time is the wall clock's again"
    return f"the server's time is {nanos / SECOND:,.1f} s ahead of it and returns to it slowly"
