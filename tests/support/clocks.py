"""Clocks for tests: virtual time that follows the event loop (looptime), or one set by hand."""

import asyncio

from twap_server import clock
from twap_server.domain.clock import SECOND, Nanos

EPOCH = Nanos(1_700_000_000 * SECOND)


class LoopClock:
    """Wall and monotonic time from the loop's time: under looptime nobody ever waits."""

    def __init__(self) -> None:
        self.jump = 0
        """Nanoseconds by which the wall clock is off."""

    def now(self) -> Nanos:
        return Nanos(EPOCH + self.monotonic() + self.jump)

    def monotonic(self) -> Nanos:
        return Nanos(round(asyncio.get_running_loop().time() * 1_000_000) * 1_000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        await clock.wait(event, seconds)
