"""Count failures for each key and say how long its next attempt must wait: ever longer, never for good.

So many failures are free. Each one more doubles the wait, from one second up to the longest. What waits for
its outcome counts as a failure meanwhile, so that many at once are no more than many in a row.
"""

from collections import OrderedDict
from dataclasses import dataclass

from twap_server.domain.accounts import FailureCount
from twap_server.domain.clock import SECOND, Clock

_MOST_KEYS = 50_000
_MOST_DOUBLINGS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRule:
    """How waits grow and end, in nanoseconds."""

    free: int
    """Failures without a wait."""
    longest: int
    forget: int
    """How long after a wait no failure may come to start anew."""

    def wait(self, found: FailureCount, now: int) -> int:
        """How long the next attempt waits; 0 when it may come now."""
        failures = found.count + found.pending
        if failures < self.free:
            return 0
        delay = self._delay(failures)
        since = now if found.pending else found.last
        return max(0, min(delay, since + delay - now))

    def over(self, found: FailureCount) -> int:
        """When its failures are forgotten, unless one comes."""
        wait = self._delay(found.count) if found.count >= self.free else 0
        return found.last + wait + self.forget

    def _delay(self, failures: int) -> int:
        return min(self.longest, SECOND << min(failures - self.free, _MOST_DOUBLINGS))


class FailureDelays:
    """In memory, bounded: the keys not asked for longest are forgotten first."""

    def __init__(self, clock: Clock, rule: FailureRule, *, most_keys: int = _MOST_KEYS) -> None:
        """Start with no failure."""
        self._clock = clock
        self._rule = rule
        self._most = most_keys
        self._of: OrderedDict[str, FailureCount] = OrderedDict()

    def __len__(self) -> int:
        """Keys remembered."""
        return len(self._of)

    def wait(self, key: str) -> int:
        """Nanoseconds until the next attempt; 0 when it may come now."""
        found = self._current(key)
        return 0 if found is None else self._rule.wait(found, self._clock.monotonic())

    def begin(self, key: str) -> None:
        """Count an attempt before its outcome is known."""
        found = self._current(key) or self._of.setdefault(key, FailureCount())
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

    def _ended(self, key: str) -> FailureCount | None:
        found = self._of.get(key)
        if found is not None:
            found.pending = max(0, found.pending - 1)
        return found

    def _current(self, key: str) -> FailureCount | None:
        found = self._of.get(key)
        if found is None:
            return None
        self._of.move_to_end(key)
        if not found.pending and self._rule.over(found) <= self._clock.monotonic():
            del self._of[key]
            return None
        return found
