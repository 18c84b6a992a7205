"""A clock in a hurry: twenty times faster than the machine's, so that seconds of a venue pass quickly."""

import asyncio
import time

import pytest

from twap_server.domain.clock import Nanos

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


@pytest.fixture
def clock() -> HurriedClock:
    return HurriedClock()
