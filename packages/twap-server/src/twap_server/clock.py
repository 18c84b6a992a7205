"""The only file that reads the time or sleeps on it."""

import asyncio
import time

from twap_server.domain.clock import Nanos


class SystemClock:
    """The machine's clocks."""

    def now(self) -> Nanos:
        """Wall time in nanoseconds since the epoch."""
        return Nanos(time.time_ns())

    def monotonic(self) -> Nanos:
        """Monotonic nanoseconds."""
        return Nanos(time.monotonic_ns())

    async def sleep(self, seconds: float) -> None:
        """Wait at least ``seconds``."""
        await asyncio.sleep(max(0.0, seconds))
