"""Count failures for each key and say how long its next attempt must wait: ever longer, never for good.

So many failures are free. Each one more doubles the wait, from one second up to the longest. What waits for
its outcome counts as a failure meanwhile, so that many at once are no more than many in a row.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from twap_server.domain.clock import SECOND, Clock, to_span

_MOST_KEYS = 50_000
_MOST_DOUBLINGS = 40


@dataclass(slots=True)
class _Failures:
    count: int = 0
    pending: int = 0
    last: int = 0
    """When the newest was known, by the monotonic clock."""


class FailureDelays:
    """In memory, bounded: the keys not asked for longest are forgotten first."""

    def __init__(
        self,
        clock: Clock,
        *,
        free: int,
        longest: timedelta,
        forget: timedelta,
        most_keys: int = _MOST_KEYS,
    ) -> None:
        """Args: free, failures without a wait; forget, how long after a wait none may come to start anew."""
        self._clock = clock
        self._free = free
        self._longest = to_span(longest)
        self._forget = to_span(forget)
        self._most = most_keys
        self._of: OrderedDict[str, _Failures] = OrderedDict()

    def __len__(self) -> int:
        """Keys remembered."""
        return len(self._of)

    def wait(self, key: str) -> int:
        """Nanoseconds until the next attempt; 0 when it may come now."""
        found = self._current(key)
        if found is None or found.count + found.pending < self._free:
            return 0
        since = self._clock.monotonic() if found.pending else found.last
        return max(0, since + self._delay(found.count + found.pending) - self._clock.monotonic())

    def begin(self, key: str) -> None:
        """Count an attempt before its outcome is known."""
        found = self._current(key) or self._of.setdefault(key, _Failures())
        found.pending += 1
        while len(self._of) > self._most:
            self._of.popitem(last=False)

    def failed(self, key: str) -> None:
        """It failed."""
        found = self._ended(key)
        if found is not None:
            found.count += 1
            found.last = self._clock.monotonic()

    def give_back(self, key: str) -> None:
        """It did not fail: it counts no more."""
        found = self._ended(key)
        if found is not None and not found.count and not found.pending:
            del self._of[key]

    def _ended(self, key: str) -> _Failures | None:
        found = self._of.get(key)
        if found is not None:
            found.pending = max(0, found.pending - 1)
        return found

    def _delay(self, failures: int) -> int:
        return min(self._longest, SECOND << min(failures - self._free, _MOST_DOUBLINGS))

    def _current(self, key: str) -> _Failures | None:
        found = self._of.get(key)
        if found is None:
            return None
        self._of.move_to_end(key)
        wait = self._delay(found.count) if found.count >= self._free else 0
        if not found.pending and found.last + wait + self._forget <= self._clock.monotonic():
            del self._of[key]
            return None
        return found
