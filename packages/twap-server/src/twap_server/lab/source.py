"""Look at a recording before anything runs over it: which one it is, and from when to when it goes."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from twap_server.domain.clock import Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.folders import played_parts
from twap_server.recordings.losses import in_words, read_whole
from twap_server.recordings.manifest import Manifest, files_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFacts:
    """A recording that orders run over."""

    path: Path
    name: str
    sha256: str
    first: Nanos
    """When its first message was received."""
    last: Nanos
    missing: tuple[str, ...] = ()
    """Which messages it lost, in words; empty where it lost none."""


def look_at(path: Path, name: str = "") -> RecordingFacts:
    """Read which recording this is.

    Raises:
        InvalidRequest: there is none, it cannot be read, or it has no message.
    """
    with _readable(path):
        places = played_parts(path)
        digest = _digest(places)
    parts = [_look_into(place) for place in places]
    return RecordingFacts(
        path=path,
        name=name or path.name,
        sha256=digest,
        first=max(one.first for one in parts),
        last=min(one.last for one in parts),
        missing=tuple(line for one in parts for line in one.missing),
    )


def digest_of(path: Path) -> str:
    """SHA-256 over the digests of a file or of a recording's files, in order: their names do not count.

    Raises:
        InvalidRequest: there is none, or it cannot be read.
    """
    with _readable(path):
        return _digest(played_parts(path))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidRequest(
            f"cannot read {path}: {error.strerror}: name a file, or a folder that twap-server start --record "
            "wrote",
            field="recordings",
        ) from None


def _digest(parts: Sequence[Path]) -> str:
    whole = hashlib.sha256()
    for file in (file for part in parts for file in (files_of(part) if part.is_dir() else [part])):
        with file.open("rb") as content:
            whole.update(hashlib.file_digest(content, "sha256").digest())
    return whole.hexdigest()


class _PlayedPart(NamedTuple):
    """What is played of one exchange."""

    first: Nanos
    last: Nanos
    missing: tuple[str, ...]


def _look_into(part: Path) -> _PlayedPart:
    """A folder's manifest knows, where all of its files are whole and nothing is missing in them.

    Raises:
        InvalidRequest: it cannot be read or has no message.
    """
    if part.is_dir():
        files, known = list(files_of(part)), {one.file: one for one in Manifest.of(part).segments}
        if all(file.name in known and not known[file.name].dropped for file in files):
            last = max(known[file.name].last for file in files)
            return _PlayedPart(known[files[0].name].first, last, ())
    read = read_whole(part)
    if not read.received:
        raise InvalidRequest(f"the recording {part} has no message", field="recordings")
    return _PlayedPart(read.first, read.last, tuple(in_words(read.losses, [part])))
