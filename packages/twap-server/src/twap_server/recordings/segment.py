"""One file of a recording while it is written, and what it is called."""

import hashlib
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from twap_server.domain.clock import Nanos, to_datetime
from twap_server.recordings.lines import Burst, Message
from twap_server.recordings.manifest import ENDING, Segment
from twap_server.recordings.native import LineWriter
from twap_server.recordings.packing import new_packer


class OpenSegment:
    """A file that is being written: a gzip stream, readable up to its last ``flush``."""

    def __init__(self, folder: Path, first: Nanos) -> None:
        """Make the file, named by the moment of its first message."""
        self.path = path = folder / file_name(first)
        self.facts = Segment(file=path.name, first=first, last=first)
        self._file = path.open("wb")
        self._writer, self._packer = LineWriter(), new_packer()
        self._safe = 0
        """Bytes up to the last flush."""

    def write(self, bursts: Sequence[Burst]) -> None:
        """Write messages, at least one: many at once are cheaper."""
        self._file.write(self._packer.compress(self._writer.lines_of(bursts)))
        self.facts.rows += sum(len(burst[3]) for burst in bursts)
        self.facts.last = bursts[-1][0]

    def flush(self) -> None:
        """Let a reader read all that was written, should nothing be written any more."""
        self._file.write(self._packer.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()
        self._safe = self._file.tell()

    def abandon(self) -> None:
        """Leave of the file what was flushed, and nothing where nothing was."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            if self._safe:
                os.truncate(self.path, self._safe)
            else:
                self.path.unlink()

    def close(self) -> Segment:
        """End the file, and say what it holds."""
        self._file.write(self._packer.flush())
        self._file.close()
        self.facts.bytes = self.path.stat().st_size
        self.facts.sha256 = sha256_of(self.path)
        return self.facts


def of_one(message: Message) -> Burst:
    """Give a burst of one message."""
    at, direction, conn, raw = message
    return at, direction, conn, (raw,)


def file_name(at: Nanos) -> str:
    """Name a segment by the moment of its first message."""
    return f"{to_datetime(at):%Y%m%dT%H%M%S.%fZ}{ENDING}"


def sha256_of(path: Path) -> str:
    """The file's digest."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
