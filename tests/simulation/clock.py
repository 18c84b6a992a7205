"""The server's clock in virtual time. The wall clock can be moved; the monotonic one cannot."""

import asyncio
from typing import Protocol

from twap_server import clock
from twap_server.clock import SteadyClock
from twap_server.domain.clock import SECOND, Nanos

EPOCH = 1_750_000_000 * SECOND
_KEPT = 200_000


class Loop(Protocol):
    """What has virtual time."""

    @property
    def _now(self) -> float: ...


class SimClock:
    """Implements the domain's ``Clock``."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._offset = 0

    def now(self) -> Nanos:
        return Nanos(EPOCH + self._offset + round(self._loop._now * 1_000_000) * 1_000)

    def step(self, nanos: int) -> None:
        """Set the wall clock forward, or back."""
        self._offset += nanos

    def monotonic(self) -> Nanos:
        return Nanos(round(self._loop._now * 1_000_000) * 1_000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        await clock.wait(event, seconds)


class Shown:
    """When the server's clock showed what: its messages say by that clock when they were made."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._moments: dict[int, float] = {}
        """Microseconds since the epoch to the loop's seconds."""

    def watch(self, clock: SteadyClock) -> None:
        """Note from now on whatever it shows."""
        read = clock.now

        def noted() -> Nanos:
            wall = read()
            self._moments[wall // 1_000] = self._loop._now
            if len(self._moments) > _KEPT:
                del self._moments[next(iter(self._moments))]
            return wall

        clock.now = noted  # type: ignore[method-assign]

    def at(self, wall: int) -> float | None:
        """When (loop seconds) it showed this last; None if it never did."""
        return self._moments.get(wall // 1_000)

    def now(self) -> float:
        """The loop's seconds."""
        return self._loop._now
