"""Check a recording: whether its files are those that were written, and what they hold."""

from collections.abc import Iterator
from pathlib import Path

from twap_server.domain.clock import Nanos, to_text
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.losses import in_words, read_whole
from twap_server.recordings.manifest import NAME, UNNAMED, Manifest, Segment, files_of, lost_messages
from twap_server.recordings.segment import sha256_of


def listed(folder: Path) -> Iterator[str]:
    """Say which segments one exchange's folder has, and which it lacks, a line or two each."""
    known = _known(folder)
    for file in files_of(folder):
        segment, size = known.pop(file.name, None), file.stat().st_size
        if segment is None:
            yield f"{folder.name}/{file.name}: {size:,} bytes; {UNNAMED}"
        else:
            yield from (f"{folder.name}/{file.name}:", f"  {_facts(segment, size)}")
    yield from (_missing(folder, name) for name in sorted(known))


def verified(folder: Path) -> Iterator[tuple[bool, str]]:
    """Check one exchange's folder: each file by its digest, and that all of it can be read.

    Gives whether each thing is right, and what to say of it. That one file is not proven is right, for the
    newest of a server at work is not; that none is, is not.
    """
    known, proven = _known(folder), 0
    files = list(files_of(folder))
    for name in sorted(known.keys() - {one.name for one in files}):
        yield False, f"WRONG: {_missing(folder, name)}"
    for file in files:
        segment = known.get(file.name)
        if segment is None:
            yield True, f"NOT PROVEN: {folder.name}/{file.name}: {UNNAMED}"
        elif sha256_of(file) != segment.sha256:
            yield (
                False,
                f"WRONG: {folder.name}/{file.name}: it is not what was written: its SHA-256 is another",
            )
        else:
            proven += 1
            yield True, f"{folder.name}/{file.name}: as written"
    try:
        read = read_whole(folder)
        yield True, f"{folder.name}: {read.received:,} received messages can be read"
        yield from ((True, line) for line in in_words(read.losses, [folder]))
    except InvalidRequest as error:
        yield False, f"WRONG: {folder.name}: {error}"
    if not known:
        yield (
            False,
            f"NOT PROVEN: {folder.name}: nothing proves that any of it is as written: {_no_name(folder)}",
        )
    else:
        yield True, f"{folder.name}: {proven} of {len(files)} files are as written"


def _known(folder: Path) -> dict[str, Segment]:
    return {one.file: one for one in Manifest.of(folder).segments}


def _missing(folder: Path, name: str) -> str:
    return f"{folder.name}/{name}: it is in {NAME} and not in the folder"


def _no_name(folder: Path) -> str:
    return f"{NAME} names no file" if (folder / NAME).is_file() else f"there is no {NAME}"


def _facts(segment: Segment, size: int) -> str:
    other = f", where {segment.bytes:,} were written" if size != segment.bytes else ""
    lost = lost_messages(segment.dropped)
    return f"{segment.rows:,} rows, {_span(segment.first, segment.last)}, {size:,} bytes{other}{lost}"


def _span(first: Nanos, last: Nanos) -> str:
    return f"{to_text(first)} to {to_text(last)}"
