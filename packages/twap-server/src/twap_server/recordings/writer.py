"""Write what goes over an exchange's connections into segments, from a thread of its own.

In: messages with their moments, from the event loop; ``keep`` never waits. Out: files of the one format
(``rows``), each readable up to its last flush, and a manifest of those that are whole. What comes faster than
the disk takes it is dropped, and the manifest says how much.
"""

import hashlib
import itertools
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, Self

from twap_server.domain.clock import SECOND, Nanos, to_datetime
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.lines import Burst, Message
from twap_server.recordings.manifest import ENDING, Manifest, Retention, Segment
from twap_server.recordings.native import LineWriter
from twap_server.recordings.packing import new_packer

_BATCH: Final = 300
"""Messages that are written at once, and for which the thread wakes early: what is fresh in the processor's
cache is read at half the cost."""
_EVERY_S: Final = 0.25
"""So often the thread wakes for fewer."""
_TURNS_TO_A_FLUSH: Final = 3
"""So at most a second is lost when the process is killed."""
_MOST_WAITING: Final = 200_000
_JOIN_S: Final = 10.0


class OpenSegment:
    """A file that is being written: a gzip stream, readable up to its last ``flush``."""

    def __init__(self, path: Path, first: Nanos) -> None:
        """Make the file."""
        self.path = path
        self.facts = Segment(file=path.name, first=first, last=first)
        self._file = path.open("wb")
        self._writer, self._packer = LineWriter(), new_packer()

    def write(self, bursts: Sequence[Burst]) -> None:
        """Write messages, at least one: many at once are cheaper."""
        self._file.write(self._packer.compress(self._writer.lines_of(bursts)))
        self.facts.rows += sum(len(burst[3]) for burst in bursts)
        self.facts.last = bursts[-1][0]

    def flush(self) -> None:
        """Let a reader read all that was written, should nothing be written any more."""
        self._file.write(self._packer.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def abandon(self) -> None:
        """Leave the file as it is."""
        with suppress(OSError):
            self._file.close()

    def close(self) -> Segment:
        """End the file, and say what it holds."""
        self._file.write(self._packer.flush())
        self._file.close()
        self.facts.bytes = self.path.stat().st_size
        self.facts.sha256 = sha256_of(self.path)
        return self.facts


class WrittenFiles(NamedTuple):
    """What was written."""

    files: int = 0
    rows: int = 0
    dropped: int = 0

    def and_one(self, segment: Segment) -> Self:
        """Add a file."""
        return self._replace(
            files=self.files + 1, rows=self.rows + segment.rows, dropped=self.dropped + segment.dropped
        )


class RecordingWriter:
    """The recording of one exchange: ``begin``, ``keep`` for each message, ``end``."""

    def __init__(
        self,
        folder: Path,
        *,
        segment_s: int,
        retention: Retention,
        on_trouble: Callable[[str], None],
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        """Args:
        folder: of this exchange; made where it is not there.
        segment_s: after so long a new file begins.
        retention: which segments are deleted.
        on_trouble: is told why nothing is written, from the thread.
        most_waiting: messages that may wait for the disk.
        """
        self._folder, self._segment_s, self._retention = folder, segment_s, retention
        self._on_trouble, self._most = on_trouble, most_waiting
        self._waiting: deque[Burst] = deque()
        self._taken = self._written = 0
        """Messages; the event loop counts the first, the thread the second."""
        self._lists: dict[str, Burst] = {}
        self._dropped = 0
        self._wake, self._stopping = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name=f"recording {folder.name}", daemon=True)
        self._segment: OpenSegment | None = None
        self._manifest = Manifest.of(folder)
        self._failing = False
        self._kept = WrittenFiles()

    @property
    def kept(self) -> WrittenFiles:
        """What is in files that are whole: all of it after ``end``."""
        return self._kept

    def begin(self) -> None:
        """Start writing."""
        self._thread.start()

    def keep(self, burst: Burst) -> None:
        """Take messages, at least one, that nobody changes any more; never waits."""
        if self._taken - self._written >= self._most:
            self._dropped += len(burst[3])
        else:
            self._taken += len(burst[3])
            self._waiting.append(burst)
            if self._taken - self._written >= _BATCH and not self._wake.is_set():
                self._wake.set()

    def keep_list(self, message: Message) -> None:
        """Take what says how the exchange writes its numbers: every later segment begins with it."""
        self._lists[message[2]] = burst = of_one(message)
        self.keep(burst)

    def end(self) -> None:
        """Write what is left and close; waits for the disk, some seconds at most."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        for turn in itertools.count(1):
            self._wake.wait(_EVERY_S)
            self._wake.clear()
            stopping = self._stopping
            try:
                self._write_waiting()
                if stopping:
                    self._close()
                elif self._segment is not None and not turn % _TURNS_TO_A_FLUSH:
                    self._segment.flush()
                self._failing = False
            except OSError as error:
                self._fail(error)
            if stopping:
                return

    def _write_waiting(self) -> None:
        waiting, length = self._waiting, self._segment_s * SECOND
        while waiting:
            segment = self._segment or self._open(waiting[0][0])
            until = segment.facts.first + length
            batch, count = list[Burst](), 0
            while waiting and count < _BATCH and waiting[0][0] < until:
                batch.append(waiting.popleft())
                count += len(batch[-1][3])
            if batch:
                segment.write(batch)
                self._written += count
                segment.facts.dropped, self._dropped = segment.facts.dropped + self._dropped, 0
            else:
                self._close()

    def _open(self, at: Nanos) -> OpenSegment:
        self._folder.mkdir(parents=True, exist_ok=True)
        segment = self._segment = OpenSegment(self._folder / file_name(at), at)
        lists = [(at, *one[1:]) for one in list(self._lists.values()) if one[0] < at]
        if lists:
            segment.write(lists)
        return segment

    def _close(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            self._manifest.add(facts := segment.close())
            self._kept = self._kept.and_one(facts)
            self._manifest.prune(self._retention, now=segment.facts.last)

    def _fail(self, error: OSError) -> None:
        """Drop what waits, say so once, and try again with a new file."""
        self._dropped += self._taken - self._written
        self._written = self._taken
        self._waiting.clear()
        if self._segment is not None:
            self._segment.abandon()
            self._segment = None
        if not self._failing:
            self._on_trouble(f"{self._folder}: nothing is recorded: {error.strerror or error}")
        self._failing = True


def write_recording(folder: Path, messages: Iterable[Message]) -> tuple[int, Nanos]:
    """Write a recording at once: one segment, and its manifest.

    Gives how many rows, and the moment of the last one; 0 and nothing is written where there are none.

    Raises:
        InvalidRequest: the folder cannot be written.
    """
    waiting = iter(messages)
    first = next(waiting, None)
    if first is None:
        return 0, Nanos(0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        segment = OpenSegment(folder / file_name(first[0]), first[0])
        segment.write([of_one(first)])
        while batch := list(map(of_one, itertools.islice(waiting, _BATCH))):
            segment.write(batch)
        facts = segment.close()
        Manifest.of(folder).add(facts)
    except OSError as error:
        raise InvalidRequest(f"cannot write into {folder}: {error.strerror}", field="--output") from None
    return facts.rows, facts.last


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
