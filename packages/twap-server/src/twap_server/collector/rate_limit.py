"""Limit how often something is done: a sliding window, with a share kept free for urgent work."""

import asyncio
from collections import deque
from enum import IntEnum

from twap_server.domain.clock import MILLISECOND, SECOND, Clock, Nanos

_GIVE_WAY = 10 * MILLISECOND


class RequestPurpose(IntEnum):
    """What something is done for, the most urgent first. Each comes before all that follow."""

    URGENT = 0
    """Books that orders are filled from, lists of instruments: all of the budget."""
    BOOKS = 1
    """Other books: three quarters, together with what follows."""
    USERS = 2
    """What users ask for and nothing else depends on, as candles: half."""


_QUARTERS = {RequestPurpose.URGENT: 4, RequestPurpose.BOOKS: 3, RequestPurpose.USERS: 2}


class RateLimiter:
    """At most ``amount`` of weight within any ``window_s`` seconds. An amount of zero means no limit.

    Within a purpose the first to come is served first. What is heavier than its share waits until nothing of
    that share is in use.
    """

    def __init__(self, clock: Clock, *, amount: int, window_s: int) -> None:
        self._clock = clock
        self._shares = [max(1, amount * _QUARTERS[one] // 4) if amount else 0 for one in RequestPurpose]
        self._window = window_s * SECOND
        self._spent: deque[tuple[Nanos, int, RequestPurpose]] = deque()
        self._sums = [0] * len(RequestPurpose)
        self._waiting = [0] * len(RequestPurpose)
        self._turns = [asyncio.Lock() for _ in RequestPurpose]

    async def spend(self, weight: int = 1, purpose: RequestPurpose = RequestPurpose.URGENT) -> None:
        """Wait until ``weight`` fits and take it; cancelling takes nothing."""
        self._waiting[purpose] += 1
        try:
            async with self._turns[purpose]:
                while (wait := self._wait_for(weight, purpose)) > 0:
                    await self._clock.sleep(wait / SECOND)
                self._spent.append((self._clock.monotonic(), weight, purpose))
                self._sums[purpose] += weight
        finally:
            self._waiting[purpose] -= 1

    def _wait_for(self, weight: int, purpose: RequestPurpose) -> int:
        now = self._clock.monotonic()
        while self._spent and self._spent[0][0] + self._window <= now:
            _, over, whose = self._spent.popleft()
            self._sums[whose] -= over
        if not any(self._waiting[:purpose]) and self._fits(weight, purpose):
            return 0
        return self._spent[0][0] + self._window - now if self._spent else _GIVE_WAY

    def _fits(self, weight: int, purpose: RequestPurpose) -> bool:
        """Tell whether the share of this purpose, and of each above it, has room."""
        return all(
            not share or sum(self._sums[one:]) + min(weight, share) <= share
            for one, share in enumerate(self._shares[: purpose + 1])
        )
