"""Choose delays between attempts: exponential, capped, full jitter."""

from collections.abc import Iterator
from random import Random


def backoff_delays(rng: Random, *, initial_ms: int, cap_s: int) -> Iterator[float]:
    """Yield seconds to wait, for ever: a random share of a limit that doubles up to the cap (full jitter)."""
    limit_ms = initial_ms
    while True:
        yield rng.random() * limit_ms / 1000
        limit_ms = min(limit_ms * 2, cap_s * 1000)
