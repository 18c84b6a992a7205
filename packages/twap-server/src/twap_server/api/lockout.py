"""Counts wrong passwords per user name and address; after too many, that pair has to wait."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeAlias

from twap_server.api.config import PasswordConfig
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import TooManyAttempts

_MOST_PAIRS = 50_000
Pair: TypeAlias = tuple[str, str]


@dataclass(slots=True)
class _Failures:
    count: int
    since: Nanos


class Lockout:
    """In memory, bounded: the oldest pairs are forgotten first."""

    def __init__(self, config: PasswordConfig, clock: Clock) -> None:
        """Start with nobody locked out."""
        self._max = config.max_failures
        self._span = int(config.lockout.total_seconds()) * SECOND
        self._clock = clock
        self._failures: OrderedDict[Pair, _Failures] = OrderedDict()

    def check(self, pair: Pair) -> None:
        """Let an attempt pass or not.

        Raises:
            TooManyAttempts: with the seconds to wait.
        """
        failures = self._current(pair)
        if failures is not None and failures.count >= self._max:
            wait = failures.since + self._span - self._clock.monotonic()
            raise TooManyAttempts(
                "too many wrong passwords: wait before trying again", retry_after=max(1, -(-wait // SECOND))
            )

    def failed(self, pair: Pair) -> None:
        """Count a wrong password; the wait starts over with the one that reaches the limit."""
        failures = self._current(pair) or _Failures(0, self._clock.monotonic())
        failures.count += 1
        if failures.count >= self._max:
            failures.since = self._clock.monotonic()
        self._failures[pair] = failures
        while len(self._failures) > _MOST_PAIRS:
            self._failures.popitem(last=False)

    def succeeded(self, pair: Pair) -> None:
        """Forget the pair's failures."""
        self._failures.pop(pair, None)

    def _current(self, pair: Pair) -> _Failures | None:
        failures = self._failures.get(pair)
        if failures is not None and self._clock.monotonic() - failures.since >= self._span:
            del self._failures[pair]
            return None
        return failures
