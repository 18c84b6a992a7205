"""What a contender is: it runs a stream once in some mode and says how long that took."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from benchmarks.books.stream import Stream

Book = tuple[list[Any], list[Any]]
"""Bids and asks, best first, each level beginning with price and quantity, in the contender's own types."""


class Mode(StrEnum):
    """What is done with the messages."""

    UPDATING = "updating"
    EVERY = "top 10 every message"
    SECOND = "top 10 of every book each second"
    DECIMALS = "top 10 every message, as Decimals"
    DECODING = "decoding alone, the ceiling"


COMPARED = (Mode.UPDATING, Mode.EVERY, Mode.SECOND)
"""What every peer does too."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run. ``tops`` and ``exact`` go by the exchange's own symbol."""

    seconds: float
    """CPU time of the process, the messages only."""
    tops: dict[str, Book] | None = None
    """The ten best levels a side at the end."""
    exact: dict[str, Book] | None = None
    """All levels as text, from a contender that claims to keep every digit."""


class Contender(Protocol):
    """One program, ready to run."""

    label: ClassVar[str]
    """Its name with the version installed."""
    modes: ClassVar[Collection[Mode]]

    def __init__(self, stream: Stream) -> None:
        """Raises: ImportError: it is not installed."""
        ...

    def run(self, mode: Mode) -> Outcome:
        """Begin with fresh books from the snapshots and take every message."""
        ...
