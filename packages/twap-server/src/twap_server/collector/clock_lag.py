"""Estimate how far an exchange's clock is from ours, from the times in its messages.

A change takes some time to reach us, so the least lag of many is nearest to the difference of the clocks. One
above the limit means that our clock is ahead, or that all of the feed is late: both look the same from here.
One below zero can only be a clock.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from twap_server.domain.clock import SECOND, Nanos, span_text

_WINDOW: Final = 10 * SECOND
_LIMIT: Final = SECOND
_ENDS_BELOW: Final = 8 * SECOND // 10
"""Lower than where it begins, so that it does not come and go."""


class ClockLag:
    """The lags of the last ten seconds, and whether they say that something is wrong."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._least: deque[tuple[Nanos, int]] = deque()
        """Moments with the least lag seen then, each smaller than all that follow."""
        self._is_off = False

    def note(self, lags: Iterable[int], now: Nanos) -> bool:
        """Take lags in; tell whether the warning came or went.

        Args:
            lags: nanoseconds, of changes since the last time.
            now: monotonic.
        """
        while self._least and self._least[0][0] + _WINDOW <= now:
            self._least.popleft()
        lag = min(lags, default=None)
        if lag is not None:
            while self._least and self._least[-1][1] >= lag:
                self._least.pop()
            self._least.append((now, lag))
        before, least = self._is_off, self.least
        if least is not None:
            self._is_off = abs(least) > (_ENDS_BELOW if before else _LIMIT)
        return self._is_off is not before

    @property
    def least(self) -> int | None:
        """The least lag of the last ten seconds, None where nothing came."""
        return self._least[0][1] if self._least else None

    @property
    def warning(self) -> str:
        """What is wrong, in words fit for a user; empty where nothing is, or nothing is known."""
        least = self.least
        if not self._is_off or least is None:
            return ""
        if least < 0:
            return f"this server's clock is {span_text(-least)} or more behind the exchange's"
        return (
            f"changes arrive {span_text(least)} after the exchange's time of them: "
            "this server's clock is ahead, or the feed is late"
        )
