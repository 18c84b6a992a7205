"""Choose how long to wait before another attempt: exponential, capped, full jitter."""

import random
from collections.abc import Callable
from datetime import timedelta


class Backoff:
    """Delays that grow with each call and start small again after ``reset``.

    Full jitter: each delay is drawn evenly between nothing and the bound, so that many clients that lost the
    same server do not return in one moment.
    """

    def __init__(
        self, first: timedelta, cap: timedelta, *, draw: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._first = first.total_seconds()
        self._cap = cap.total_seconds()
        self._draw = draw
        self.attempts = 0

    def next_delay(self) -> float:
        """Count one attempt and give the seconds to wait before it."""
        bound = min(self._cap, self._first * 2 ** min(self.attempts, 30))
        self.attempts += 1
        return self._draw(0, bound)

    def reset(self) -> None:
        """Start small again."""
        self.attempts = 0
