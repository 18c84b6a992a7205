"""The only file that reads the time or sleeps on it."""

import asyncio
import time

from twap_server.domain.clock import Nanos


class SystemClock:
    """The machine's clocks."""

    def now(self) -> Nanos:
        """Wall time in nanoseconds since the epoch."""
        return time.time_ns()  # type: ignore[return-value]  # Nanos() costs as much again, per message

    def monotonic(self) -> Nanos:
        """Monotonic nanoseconds."""
        return Nanos(time.monotonic_ns())

    async def sleep(self, seconds: float) -> None:
        """Wait at least ``seconds``."""
        await asyncio.sleep(max(0.0, seconds))


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
