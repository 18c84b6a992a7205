"""Send no faster than a server takes: some at once, then so many a second."""

import asyncio


class Pace:
    """A bucket that fills up evenly. Who finds it empty waits, first come first served."""

    def __init__(self, *, at_once: int, a_second: float) -> None:
        self._most = self._left = float(at_once)
        self._rate = a_second
        self._loop = asyncio.get_running_loop()
        self._looked = self._loop.time()
        self._turn = asyncio.Lock()

    async def take(self) -> None:
        """Wait until one more may be sent."""
        async with self._turn:
            self._fill()
            if self._left < 1:
                await asyncio.sleep((1 - self._left) / self._rate)
                self._fill()
            self._left -= 1

    def _fill(self) -> None:
        now = self._loop.time()
        self._left = min(self._most, self._left + (now - self._looked) * self._rate)
        self._looked = now
