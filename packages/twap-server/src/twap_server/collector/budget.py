"""How often something may be done: a sliding window."""

from collections import deque

from twap_server.domain.clock import SECOND, Clock, Nanos


class Budget:
    """At most ``amount`` of weight within any ``window_s`` seconds. An amount of zero means no limit."""

    def __init__(self, clock: Clock, *, amount: int, window_s: int) -> None:
        self._clock = clock
        self._amount = amount
        self._window = window_s * SECOND
        self._spent: deque[tuple[Nanos, int]] = deque()
        self._sum = 0

    async def spend(self, weight: int = 1) -> None:
        """Wait until ``weight`` fits and take it; cancelling takes nothing."""
        while (wait := self._wait_for(weight)) > 0:
            await self._clock.sleep(wait / SECOND)
        self._spent.append((self._clock.monotonic(), weight))
        self._sum += weight

    def _wait_for(self, weight: int) -> int:
        now = self._clock.monotonic()
        while self._spent and self._spent[0][0] + self._window <= now:
            self._sum -= self._spent.popleft()[1]
        if not self._amount or not self._spent or self._sum + weight <= self._amount:
            return 0
        return self._spent[0][0] + self._window - now
