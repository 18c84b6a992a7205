"""Say which messages a recording lost: what the disk did not take while it was made.

In: rows that say so (``LOST``), or manifests, which have the sum of each file. Out: how many between which
moments, in words.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from twap_server.domain.clock import Nanos, seconds_text, to_text
from twap_server.recordings.frames import boundary_of, frames, is_loss
from twap_server.recordings.manifest import Manifest
from twap_server.recordings.rows import count_in

_TOLD: Final = 3
"""Stretches of time that are told one by one."""


class Loss(NamedTuple):
    """Messages that are missing."""

    path: Path
    """Of the recording."""
    begin: Nanos
    end: Nanos
    """They came between these two moments."""
    messages: int


class ReadThrough(NamedTuple):
    """What a recording has, from its beginning to its end."""

    received: int
    """Messages."""
    first: Nanos
    last: Nanos
    losses: tuple[Loss, ...]
    last_lines: Mapping[str, int]
    """The last line of each connection."""


def read_whole(path: Path) -> ReadThrough:
    """Read a whole recording.

    Raises:
        InvalidRequest: as ``frames``.
    """
    received, first, last = 0, Nanos(0), Nanos(0)
    watch, last_lines = LossWatch(), dict[str, int]()
    for at, raw, line, conn in frames(path, boundaries=True):
        if is_loss(conn):
            watch.lose(path, at, count_in(raw))
        elif not boundary_of(conn):
            received, first, last = received + 1, first or at, at
            last_lines[conn] = line
            watch.hear(at)
    watch.hear(last)
    return ReadThrough(received, first, last, tuple(watch.found), last_lines)


class LossWatch:
    """The losses of one exchange, as its messages go by: each lasts until the next message."""

    def __init__(self) -> None:
        self.found: list[Loss] = []
        self.since: Nanos | None = None
        """Moment of the first message that is missing; None: none is since the last one that came."""
        self._open: list[tuple[Path, int]] = []

    def lose(self, path: Path, at: Nanos, messages: int) -> None:
        """Messages of a recording are missing, the first of them from then."""
        self.since = at if self.since is None else self.since
        self._open.append((path, messages))

    def hear(self, at: Nanos) -> None:
        """A message came, or the recording ends."""
        if self.since is not None:
            begin, end = self.since, max(self.since, at)
            self.found += [Loss(path, begin, end, messages) for path, messages in self._open]
            self.since = None
            self._open.clear()


def by_manifest(folder: Path) -> Iterator[Loss]:
    """What the manifest of a folder says: of a file, not where in it.

    Raises:
        InvalidRequest: it cannot be read.
    """
    every = Manifest.of(folder).segments if folder.is_dir() else []
    return (Loss(folder, one.first, one.last, one.dropped) for one in every if one.dropped)


def unplaced(folder: Path, losses: Iterable[Loss]) -> int:
    """How many more a manifest counts than rows tell of: servers of before told none."""
    placed = sum(one.messages for one in losses if one.path == folder)
    return max(0, sum(one.messages for one in by_manifest(folder)) - placed)


def in_words(losses: Sequence[Loss], folders: Iterable[Path] = ()) -> Iterator[str]:
    """Say what is missing, a line for each recording that lost something.

    Args:
        losses: what rows tell.
        folders: of recordings, whose manifests may count more.
    """
    yield from _placed_in_words(losses)
    for folder in folders:
        yield from unplaced_in_words(folder, losses)


def _placed_in_words(losses: Iterable[Loss]) -> Iterator[str]:
    for path, lost in groupby(sorted(losses), key=lambda one: one.path):
        times = Counter[tuple[Nanos, Nanos]]()
        for one in lost:
            times[one.begin, one.end] += one.messages
        yield f"{path}: {_many(times.total())}: {_when(times)}"


def unplaced_in_words(folder: Path, losses: Iterable[Loss]) -> Iterator[str]:
    """Say where a manifest counts more than rows tell of."""
    if more := unplaced(folder, losses):
        first = min(one.begin for one in by_manifest(folder))
        yield (
            f"{folder}: {_many(more)}, and no row says where: unless the exchange numbers its messages, "
            f"books may be wrong from {to_text(first)} on; volumes may be too low"
        )


def _many(count: int) -> str:
    is_one = count == 1
    return f"{count:,} message{' is' if is_one else 's are'} missing, which the disk did not take"


def _when(times: Mapping[tuple[Nanos, Nanos], int]) -> str:
    told = [
        f"{count:,} between {to_text(begin)} and {to_text(end)} ({seconds_text(end - begin)} s)"
        for (begin, end), count in list(times.items())[:_TOLD]
    ]
    more = len(times) - _TOLD
    return "; ".join([*told, *([f"and at {more:,} other times"] if more > 0 else [])])
