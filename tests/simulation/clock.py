"""The server's clock in virtual time. The wall clock can be moved; the monotonic one cannot."""

import asyncio

from simulation.loop import VirtualLoop
from twap_server.domain.clock import SECOND, Nanos

EPOCH = 1_750_000_000 * SECOND


class SimClock:
    """Implements the domain's ``Clock``."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.offset = 0
        """Nanoseconds by which the wall clock is off."""

    def now(self) -> Nanos:
        return Nanos(EPOCH + self.offset + round(self._loop._now * 1_000_000) * 1_000)

    def monotonic(self) -> Nanos:
        return Nanos(round(self._loop._now * 1_000_000) * 1_000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
