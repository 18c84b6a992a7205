"""Look at a recording before anything runs over it: which one it is, and from when to when it goes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twap_server.domain.clock import Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.check import folders_of
from twap_server.recordings.frames import frames
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


def look_at(path: Path, name: str = "") -> RecordingFacts:
    """Read which recording this is.

    Raises:
        InvalidRequest: there is none, it cannot be read, or it has no message.
    """
    digest = digest_of(path)
    first, last = _span(path)
    return RecordingFacts(path=path, name=name or path.name, sha256=digest, first=first, last=last)


def digest_of(path: Path) -> str:
    """SHA-256 over the digests of a file or of a recording's files, in order: their names do not count.

    Raises:
        InvalidRequest: there is none, or it cannot be read.
    """
    whole = hashlib.sha256()
    try:
        for file in _files(path):
            with file.open("rb") as content:
                whole.update(hashlib.file_digest(content, "sha256").digest())
    except OSError as error:
        raise InvalidRequest(
            f"cannot read {path}: {error.strerror}: name a file, or a folder that twap-server start --record "
            "wrote",
            field="recordings",
        ) from None
    return whole.hexdigest()


def _parts(path: Path) -> Sequence[Path]:
    """A file, a folder of one exchange, or those that ``--record`` made side by side."""
    return folders_of(path) if path.is_dir() else [path]


def _files(path: Path) -> Sequence[Path]:
    return [file for part in _parts(path) for file in (files_of(part) if part.is_dir() else [part])]


def _span(path: Path) -> tuple[Nanos, Nanos]:
    """From when all parts have begun to when the first of them ends.

    Raises:
        InvalidRequest: one cannot be read or has no message.
    """
    spans = [_span_of(part) for part in _parts(path)]
    return max(first for first, _ in spans), min(last for _, last in spans)


def _span_of(part: Path) -> tuple[Nanos, Nanos]:
    """A folder's manifest knows, where all of its files are whole."""
    if part.is_dir():
        files, known = list(files_of(part)), {one.file: one for one in Manifest.of(part).segments}
        if all(file.name in known for file in files):
            return known[files[0].name].first, max(known[file.name].last for file in files)
    first = last = Nanos(0)
    for at, _, _, _ in frames(part):
        first, last = first or at, at
    if not first:
        raise InvalidRequest(f"the recording {part} has no message", field="recordings")
    return first, last
