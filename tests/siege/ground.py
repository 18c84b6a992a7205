"""What an attack is given: whom to attack, for how long, with which accounts, within which bounds."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from siege import wire
from siege.tally import MIB, Tally
from siege.target import Target, address
from siege.wire import Line


class Spent(Exception):
    """The attack has used up a bound of its own."""


@dataclass(slots=True, kw_only=True)
class Ground:
    """One attack's means."""

    target: Target
    seconds: float
    keys: tuple[str, ...] = ()
    """API keys of the attackers' own accounts."""
    victim: str = ""
    """The name of somebody who shall be locked out."""
    scale: float = 1.0
    """Below 1: less of everything, for a soak."""
    most_bytes: int = 128 * MIB
    most_connections: int = 6_000
    paced: bool = True
    """Whether floods make their bytes last as long as the attack."""
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    tally: Tally = field(default_factory=Tally)
    _until: float = 0.0

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        """Seconds until the attack is over."""
        return self._until - time.monotonic()

    @property
    def goes_on(self) -> bool:
        """Whether there is time and an allowance left."""
        return self.left > 0 and self.tally.sent < self.most_bytes * self.scale

    def _ahead(self) -> float:
        """Seconds to wait, so that the bytes last as long as the attack."""
        due = self.seconds * self.tally.sent / (self.most_bytes * self.scale)
        return max(0.0, min(1.0, due - (self.seconds - self.left))) if self.paced else 0.0

    def scaled(self, count: int) -> int:
        """So many, or less of a soak; at least one."""
        return max(1, round(count * self.scale))

    def key(self, number: int = 0) -> str:
        """The header that signs an attacker in."""
        return f"X-API-Key: {self.keys[number % len(self.keys)]}"

    @asynccontextmanager
    async def line(self, number: int = 0) -> AsyncIterator[Line]:
        """A connection from the attackers' address of that number."""
        if self.tally.connections >= self.most_connections:
            raise Spent
        async with wire.connected(self.target, self.tally, source=address(number)) as line:
            yield line

    async def flood(self, line: Line, piece: bytes, *, hole_at: int, frames: int = 0) -> None:
        """Send the same until the server closes; to take so many bytes of one connection is a hole."""
        while self.goes_on:
            if line.sent > hole_at:
                self.tally.hole(f"one connection took {line.sent / MIB:.0f} MiB")
                return
            try:
                async with asyncio.timeout(max(0.1, self.left)):
                    await line.say(piece)
            except TimeoutError:
                self.tally.answers["not read any more"] += 1
                return
            except OSError:
                self.tally.answers["closed"] += 1
                return
            self.tally.frames += frames
            await asyncio.sleep(self._ahead())

    async def repeat(self, work: Callable[[int], Awaitable[None]], *, at_once: int = 1) -> None:
        """Do something again and again, by so many at once, each in turn, until the time or a bound is over.

        A connection that the server closes or refuses is counted, and the next one tried.
        """
        async with asyncio.TaskGroup() as group:
            for number in range(at_once):
                group.create_task(self._repeat(work, number))

    async def _repeat(self, work: Callable[[int], Awaitable[None]], number: int) -> None:
        with suppress(Spent):
            while self.goes_on:
                try:
                    async with asyncio.timeout(max(0.1, self.left)):
                        await work(number)
                except TimeoutError:
                    if self.left > 0:
                        self.tally.answers["no answer"] += 1
                except OSError:
                    self.tally.answers["closed"] += 1
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.002 / self.scale)
