"""Choose delays between attempts, ever longer: of one thing that is tried, or by name of what keeps failing.

What is kept by name is kept for an exchange, not for a connection: a new connection does not make a failing
instrument any better.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from twap_server.domain.clock import SECOND, Clock, Nanos

_FORGET: Final = 60 * SECOND
"""Without a failure for so long after its wait, or for as long as that wait was, it starts anew."""
_MOST_DOUBLINGS: Final = 30


@dataclass(frozen=True, slots=True)
class _Failing:
    count: int
    wait: Nanos
    until: Nanos


class KeyedBackoff:
    """Waits by name, usually an instrument's symbol."""

    def __init__(self, clock: Clock, rng: Random, *, initial_ms: int, cap_s: int) -> None:
        """Args: initial_ms: about the first wait; cap_s: the longest."""
        self._clock, self._rng = clock, rng
        self._initial_s, self._cap_s = initial_ms / 1000, cap_s
        self._failing: dict[str, _Failing] = {}

    def failed(self, name: str, *, free: int = 0, at_least_s: int = 0) -> float:
        """Note a failure and return how many seconds to wait, chance included.

        Args:
            name: of what failed.
            free: so many failures in a row cost no wait.
            at_least_s: the shortest wait.
        """
        count, now = self.failures(name) + 1, self._clock.monotonic()
        doublings = min(count - free - 1, _MOST_DOUBLINGS)
        grown = self._initial_s * 2**doublings if doublings >= 0 else 0
        seconds = min(self._cap_s, max(at_least_s, grown)) * (1 + self._rng.random()) / 2
        seconds = max(seconds, min(at_least_s, self._cap_s))
        wait = Nanos(round(seconds * SECOND))
        self._failing[name] = _Failing(count, wait, Nanos(now + wait))
        return seconds

    def failures(self, name: str) -> int:
        """Count the failures in a row."""
        known = self._failing.get(name)
        if known is None:
            return 0
        if self._clock.monotonic() - known.until > max(_FORGET, known.wait):
            del self._failing[name]
            return 0
        return known.count

    def forget(self, name: str) -> None:
        """Start anew with the next failure: what made it fail has changed."""
        self._failing.pop(name, None)


def backoff_delays(rng: Random, *, initial_ms: int, cap_s: int) -> Iterator[float]:
    """Yield seconds to wait, for ever: a random share of a limit that doubles up to the cap (full jitter)."""
    limit_ms = initial_ms
    while True:
        yield rng.random() * limit_ms / 1000
        limit_ms = min(limit_ms * 2, cap_s * 1000)
