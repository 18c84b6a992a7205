"""Clocks for tests: virtual time that follows the event loop (looptime), or one set by hand."""

import asyncio
import time

import pytest

from twap_server import clock
from twap_server.domain.clock import SECOND, Nanos, Signal

EPOCH = Nanos(1_700_000_000 * SECOND)
ALONE = pytest.mark.looptime(noop_cycles=1)
"""Virtual time for what waits for nothing outside of its loop: looptime need not look 42 times for it."""


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

    async def wait(self, event: Signal, seconds: float) -> None:
        await clock.wait(event, seconds)


FASTER = 20


class HurriedClock:
    def __init__(self) -> None:
        self._wall, self._start = time.time_ns(), time.monotonic_ns()

    def now(self) -> Nanos:
        return Nanos(self._wall + self.monotonic())

    def monotonic(self) -> Nanos:
        return Nanos((time.monotonic_ns() - self._start) * FASTER)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds / FASTER))

    async def wait(self, event: Signal, seconds: float) -> None:
        await clock.wait(event, seconds / FASTER)


START = Nanos(1_790_000_000 * SECOND)


class HandClock:
    """Moved by the test; whoever sleeps wakes when it has moved far enough."""

    def __init__(self, start: Nanos = START) -> None:
        self.time = start
        self._moved = asyncio.Condition()
        self._alarms: list[tuple[int, Signal]] = []

    def now(self) -> Nanos:
        return self.time

    def monotonic(self) -> Nanos:
        return self.time

    async def sleep(self, seconds: float) -> None:
        due = self.time + round(seconds * SECOND)
        async with self._moved:
            await self._moved.wait_for(lambda: self.time >= due)

    async def wait(self, event: Signal, seconds: float) -> None:
        alarm = (self.time + round(seconds * SECOND), event)
        self._alarms.append(alarm)
        try:
            self._ring()
            await event.wait()
        finally:
            self._alarms.remove(alarm)

    def after(self, seconds: float) -> None:
        """So much time has passed; nobody sleeps."""
        self.time = Nanos(self.time + round(seconds * SECOND))

    async def advance(self, seconds: float) -> None:
        async with self._moved:
            self.time = Nanos(self.time + round(seconds * SECOND))
            self._moved.notify_all()
        self._ring()

    def _ring(self) -> None:
        for due, event in self._alarms:
            if due <= self.time:
                event.set()
