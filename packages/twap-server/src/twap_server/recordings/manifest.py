"""Say which segments a recording has, and prove that none was changed: ``manifest.json`` beside them."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from twap_server.domain.clock import SECOND, Nanos, to_nanos
from twap_server.domain.errors import InvalidRequest

NAME: Final = "manifest.json"
ENDING: Final = ".jsonl.gz"
_WRITTEN: Final = re.compile(r"(\d{8}T\d{6}\.\d{6})Z" + re.escape(ENDING))
"""What files are called that ``RecordingWriter`` made: by the moment of their first message."""
_MOMENT: Final = "%Y%m%dT%H%M%S.%f"
UNNAMED: Final = (
    f"{NAME} does not name it: it is still being written, its server was killed, or it is from elsewhere"
)
"""What to say of a file that nothing proves."""


class Segment(msgspec.Struct, kw_only=True):
    """One file that is whole."""

    file: str
    first: Nanos
    """Moment of its first message, nanoseconds since the epoch."""
    last: Nanos
    rows: int = 0
    bytes: int = 0
    sha256: str = ""
    dropped: int = 0
    """Messages that came faster than the disk took them, and are missing."""


class Retention(NamedTuple):
    """Which segments stay: the newest ones."""

    max_bytes: int
    """0: as much as there is."""
    max_age: timedelta
    """Zero: for ever."""


class _Contents(msgspec.Struct):
    format: int = 1
    segments: list[Segment] = []


class Manifest:
    """The manifest of one folder."""

    def __init__(self, folder: Path, contents: _Contents) -> None:
        self._folder, self._contents = folder, contents

    @classmethod
    def of(cls, folder: Path) -> "Manifest":
        """Read it; a folder without one has no segments yet.

        Raises:
            InvalidRequest: it cannot be read.
        """
        path = folder / NAME
        try:
            return cls(folder, msgspec.json.decode(path.read_bytes(), type=_Contents))
        except FileNotFoundError:
            return cls(folder, _Contents())
        except OSError as error:
            raise InvalidRequest(f"cannot read {path}: {error.strerror}", field="recording") from None
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise InvalidRequest(
                f"{path} is no manifest of a recording: {error}", field="recording"
            ) from None

    @property
    def segments(self) -> list[Segment]:
        """The whole segments, oldest first."""
        return sorted(self._contents.segments, key=lambda one: one.file)

    def add(self, segment: Segment) -> None:
        """Note a segment that is whole now."""
        self._contents.segments.append(segment)
        self._save()

    def prune(self, retention: Retention, *, now: Nanos) -> None:
        """Delete the oldest segments, as far as the retention asks for; the newest one always stays.

        Files that a kill or a full disk left without a name here count as well, where they are older than the
        newest one.
        """
        if not (retention.max_bytes or retention.max_age) or not self._contents.segments:
            return
        named = {one.file: one for one in self._contents.segments}
        kept = sorted([*named.values(), *self._left(named)], key=lambda one: one.file)
        gone = set[str]()
        while len(kept) > 1 and _is_over(kept, retention, now):
            gone.add(kept.pop(0).file)
        for name in gone:
            with suppress(OSError):  # it is deleted as one without a name, when that goes
                (self._folder / name).unlink(missing_ok=True)
        if gone & named.keys():
            self._contents.segments = [one for name, one in named.items() if name not in gone]
            self._save()

    def _left(self, named: Mapping[str, Segment]) -> Iterator[Segment]:
        """The files of recordings that have no name here, and are older than the newest that has."""
        newest = named[max(named)]
        later = newest.first
        for file in sorted(self._folder.glob(f"*{ENDING}"), reverse=True):
            first = _first_of(file.name)
            if first is None or file.name >= newest.file:
                continue
            if file.name not in named and (left := _left_behind(file, first, later, newest)) is not None:
                yield left
            later = first

    def _save(self) -> None:
        path = self._folder / NAME
        new = path.with_suffix(".new")
        new.write_bytes(msgspec.json.format(msgspec.json.encode(self._contents), indent=1) + b"\n")
        os.replace(new, path)


def _first_of(name: str) -> Nanos | None:
    """When the first message of a file came; None: no ``RecordingWriter`` has named it."""
    found = _WRITTEN.fullmatch(name)
    try:
        moment = None if found is None else datetime.strptime(found[1], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return None if moment is None else to_nanos(moment)


def _left_behind(file: Path, first: Nanos, later: Nanos, newest: Segment) -> Segment | None:
    """What is known of a file without reading it; None where somebody may still be writing it.

    No message of it is younger than the file itself, or than the next file's first.
    """
    try:
        found = file.stat()
    except OSError:  # somebody else deleted it
        return None
    changed = Nanos(found.st_mtime_ns)
    if changed > newest.first:
        return None
    return Segment(file=file.name, first=first, last=min(max(first, changed), later), bytes=found.st_size)


def _is_over(segments: list[Segment], retention: Retention, now: Nanos) -> bool:
    size = sum(one.bytes for one in segments)
    age = (now - segments[0].last) / SECOND
    is_large = bool(retention.max_bytes) and size > retention.max_bytes
    return is_large or (bool(retention.max_age) and age > retention.max_age.total_seconds())


def so_many_files(count: int) -> str:
    """Write how many files."""
    return f"{count} file{'' if count == 1 else 's'}"


def lost_messages(count: int) -> str:
    """Write how many messages are missing, as the end of a sentence; nothing without any."""
    return f", {count:,} messages missing: the disk was too slow" if count else ""


def files_of(folder: Path) -> Iterator[Path]:
    """Give the files of a recording, oldest first, also those that are still being written.

    Raises:
        InvalidRequest: there is none; folders that have some are named.
    """
    files = sorted(folder.glob(f"*{ENDING}"))
    if not files:
        below = sorted({one.parent.name for one in folder.glob(f"*/*{ENDING}")})
        hint = f": name one of {', '.join(str(folder / one) for one in below)}" if below else ""
        raise InvalidRequest(f"{folder} holds no recording{hint}", field="recording")
    return iter(files)
