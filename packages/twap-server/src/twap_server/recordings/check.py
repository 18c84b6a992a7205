"""Check a recording: whether its files are those that were written, and what they hold."""

from collections.abc import Iterator
from pathlib import Path

from twap_server.domain.clock import Nanos, to_text
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.frames import frames
from twap_server.recordings.manifest import ENDING, NAME, Manifest, Segment, files_of
from twap_server.recordings.writer import sha256_of


def folders_of(folder: Path) -> list[Path]:
    """The folders of exchanges in a folder, or itself where it is one.

    Raises:
        InvalidRequest: there is no recording.
    """
    if any(folder.glob(f"*{ENDING}")):
        return [folder]
    found = sorted({one.parent for one in folder.glob(f"*/*{ENDING}")})
    if not found:
        raise InvalidRequest(
            f"{folder} holds no recording: no file *{ENDING} in it or one level below", field="RECORDING"
        )
    return found


def listed(folder: Path) -> Iterator[str]:
    """Say which segments one exchange's folder has, a line each."""
    known = {one.file: one for one in Manifest.of(folder).segments}
    for file in files_of(folder):
        segment = known.get(file.name)
        if segment is None:
            yield f"{folder.name}/{file.name}: {file.stat().st_size:,} bytes, not finished"
        else:
            yield from (f"{folder.name}/{file.name}:", f"  {_facts(segment)}")


def verified(folder: Path) -> Iterator[tuple[bool, str]]:
    """Check one exchange's folder: each file by its digest, and that all of it can be read.

    Gives whether each thing is right, and what to say of it.
    """
    known = {one.file: one for one in Manifest.of(folder).segments}
    there = {one.name for one in files_of(folder)}
    for name in sorted(known.keys() - there):
        yield False, f"{folder.name}/{name}: it is in {NAME} and not in the folder"
    for file in files_of(folder):
        segment = known.get(file.name)
        if segment is None:
            yield True, f"{folder.name}/{file.name}: not finished, so nothing proves it"
        elif sha256_of(file) != segment.sha256:
            yield False, f"{folder.name}/{file.name}: it is not what was written: its SHA-256 is another"
        else:
            yield True, f"{folder.name}/{file.name}: as written"
    try:
        read = sum(1 for _ in frames(folder))
        yield True, f"{folder.name}: {read:,} received messages can be read"
    except InvalidRequest as error:
        yield False, f"{folder.name}: {error}"


def _facts(segment: Segment) -> str:
    lost = f", {segment.dropped:,} messages missing: the disk was too slow" if segment.dropped else ""
    return f"{segment.rows:,} messages, {_span(segment.first, segment.last)}, {segment.bytes:,} bytes{lost}"


def _span(first: Nanos, last: Nanos) -> str:
    return f"{to_text(first)} to {to_text(last)}"
