"""What a benchmark found: figures with their spread, targets met or missed, words to read them by."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity of one contender, once per repeat."""

    job: str
    """What was done, e.g. ``synthetic Binance depth, updating``."""
    who: str
    """Who did it, with its version: ``twap-server``, ``hummingbot 2.8.0``."""
    unit: str
    """``messages/s``, ``ms``, ``KiB``."""
    values: Sequence[float]
    """One per repeat, in the order measured."""

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Target:
    """What was wanted, beside what was measured in the same run."""

    wanted: str
    """In words: ``at least 3 times the fastest peer``."""
    measured: str
    """In words: ``3.4 times hummingbot``."""
    met: bool


@dataclass(slots=True)
class Part:
    """The outcome of one benchmark."""

    name: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """How to read it: what was left out, which peer is missing and why."""

    def to_json(self) -> dict[str, Any]:
        """Return the part as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Part":
        """Read what ``to_json`` wrote."""
        return cls(
            name=found["name"],
            title=found["title"],
            figures=[Figure(**one) for one in found["figures"]],
            targets=[Target(**one) for one in found["targets"]],
            notes=found["notes"],
        )


def at_least(wanted: str, value: float, bound: float, words: str = "{:,.2f}") -> Target:
    """Return a target met by values from ``bound`` up."""
    return Target(wanted=wanted, measured=words.format(value), met=value >= bound)


def at_most(wanted: str, value: float, bound: float, words: str = "{:,.2f}") -> Target:
    """Return a target met by values up to ``bound``."""
    return Target(wanted=wanted, measured=words.format(value), met=value <= bound)
