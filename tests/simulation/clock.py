"""The server's clock in virtual time. The wall clock can be moved; the monotonic one cannot."""

import asyncio
from typing import Protocol

from twap_server.domain.clock import SECOND, Nanos

EPOCH = 1_750_000_000 * SECOND
_MICROSECOND = 1e-6


class Loop(Protocol):
    """What has virtual time."""

    @property
    def _now(self) -> float: ...


class SimClock:
    """Implements the domain's ``Clock``."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._offsets = [(0.0, 0)]
        """Since when (loop seconds) the wall clock is off by so many nanoseconds, oldest first."""

    def now(self) -> Nanos:
        return Nanos(EPOCH + self._offsets[-1][1] + round(self._loop._now * 1_000_000) * 1_000)

    def step(self, nanos: int) -> None:
        """Set the wall clock forward, or back."""
        self._offsets.append((self._loop._now, self._offsets[-1][1] + nanos))

    def shown_at(self, wall: Nanos) -> list[float]:
        """When (loop seconds) the wall clock showed this, to the microsecond.

        Not at all when it was set past it; more than once when it was set back.
        """
        ends = [*(since for since, _ in self._offsets[1:]), self._loop._now]
        moments = ((wall - EPOCH - offset) / SECOND for _, offset in self._offsets)
        stretches = zip(self._offsets, ends, moments, strict=True)
        return [at for (since, _), end, at in stretches if since - _MICROSECOND <= at <= end + _MICROSECOND]

    def monotonic(self) -> Nanos:
        return Nanos(round(self._loop._now * 1_000_000) * 1_000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
