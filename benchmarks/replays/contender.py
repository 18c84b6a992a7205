"""What is replayed, and what a contender is: it prepares its data once and runs all of it when asked."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

ORDERS = 30


@dataclass(frozen=True, slots=True)
class Job:
    """A recording and how the orders lie in it."""

    name: str
    recording: Path
    length_s: int
    """Of each order."""
    interval_s: int
    """Between its slices."""
    starts_ms: tuple[int, ...]
    """When each order begins: exchange time, milliseconds since the epoch."""

    @property
    def slices(self) -> int:
        """Of all orders together."""
        return len(self.starts_ms) * self.length_s // self.interval_s


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run."""

    messages: int
    seconds: float
    """CPU time."""
    fills: int


class Contender(Protocol):
    """One engine, ready to run."""

    label: ClassVar[str]

    def __init__(self, job: Job) -> None:
        """Prepare what the engine takes as input; raises ImportError where it is not installed."""
        ...

    def run(self) -> Outcome:
        """Replay all of it with the orders."""
        ...


def spread(first_ms: int, last_ms: int, orders: int = ORDERS) -> tuple[int, ...]:
    """Begin ``orders`` orders, one after another, evenly over a time."""
    step = (last_ms - first_ms) // (orders + 1)
    return tuple(first_ms + step * number for number in range(1, orders + 1))


def is_buy(number: int) -> bool:
    """Every other order buys."""
    return number % 2 == 1


def depth_rows(job: Job, lines: Sequence[bytes]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Read the snapshot and the depth changes, for engines that take prepared data."""
    raw = [json.loads(json.loads(line)["raw"]) for line in lines]
    snapshot = next(one for one in raw if "lastUpdateId" in one)
    data = (one["data"] for one in raw if "data" in one)
    return snapshot, [one for one in data if one.get("e") == "depthUpdate"]
