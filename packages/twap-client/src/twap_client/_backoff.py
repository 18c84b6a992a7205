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
        self,
        first: timedelta,
        cap: timedelta,
        *,
        at_once: bool = False,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Begin with a delay of at most ``first``; with ``at_once`` with none."""
        self._at_once = at_once
        self._first = first.total_seconds()
        self._cap = cap.total_seconds()
        self._draw = draw
        self.attempts = 0

    def next_delay(self) -> float:
        """Count one attempt and give the seconds to wait before it."""
        step = self.attempts - 1 if self._at_once else self.attempts
        self.attempts += 1
        if step < 0:
            return 0.0
        return self._draw(0, min(self._cap, self._first * 2 ** min(step, 30)))

    def reset(self, *, at_once: bool = True) -> None:
        """Start small again; without ``at_once`` not with no delay at all."""
        self.attempts = 0 if at_once or not self._at_once else 1
