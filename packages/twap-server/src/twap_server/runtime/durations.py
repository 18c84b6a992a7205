"""Count durations by size, as a Prometheus histogram needs them.

Plain numbers and no lock: the garbage collector's callback counts here, in the middle of anything, so
nothing here may wait for anybody.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from twap_server.domain.clock import MILLISECOND

BOUNDS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 250, 500, 1_000, 5_000)
_BOUNDS: Final = tuple(bound * MILLISECOND for bound in BOUNDS_MS)


class Durations:
    """Counts and a sum, since the start."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        """Of each bound, those up to it and above the one before; the last: above all."""
        self.total = 0
        """Nanoseconds."""

    def add(self, took: int) -> None:
        """Count one of ``took`` nanoseconds."""
        self.counts[bisect_left(_BOUNDS, took)] += 1
        self.total += took


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What is told about durations under one name."""

    name: str
    text: str
    label: str = ""
    members: Mapping[str, Durations]
    """By the label's value; one under the empty name where there is no label."""
