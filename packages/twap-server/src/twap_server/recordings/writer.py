"""Write what goes over an exchange's connections into segments, from a thread of its own.

In: messages with their moments, from the event loop; ``keep`` never waits. Out: files of the one format
(``rows``), each readable up to its last flush, and a manifest of those that are whole.

What comes faster than the disk takes it is dropped, and so is what comes while it takes nothing. Before the
next message a row (``LOST``) says of each connection how many are missing, with the moment of the first.
The manifest has the sum.
"""

import itertools
import re
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.frames import is_answer
from twap_server.recordings.lines import Burst, Message
from twap_server.recordings.manifest import Manifest, Retention, Segment
from twap_server.recordings.rows import LOST, count_in
from twap_server.recordings.segment import OpenSegment, of_one

_BATCH: Final = 300
"""Messages that are written at once, and for which the thread wakes early: what is fresh in the processor's
cache is read at half the cost."""
_EVERY_S: Final = 0.25
"""So often the thread wakes for fewer."""
_TURNS_TO_A_FLUSH: Final = 3
"""So at most a second is lost when the process is killed."""
_MOST_WAITING: Final = 200_000
_NO_ROOM: Final = -1
_JOIN_S: Final = 10.0
_FIRST_PAUSE: Final = SECOND
_LONGEST_PAUSE: Final = 60 * SECOND
"""So long, by the messages' moments, nothing is tried after a failure: twice as long each time, to this."""
_QUESTION: Final = re.compile("[?#]")
"""What stands behind it in an address says which answer was asked for."""


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
        self._room = most_waiting
        """So many may wait now: none while messages are being dropped."""
        self._lists: dict[str, Burst] = {}
        self._dropped: Counter[str] = Counter()
        """By connection, what was dropped and is told by no row yet; of the event loop."""
        self._dropped_from = Nanos(0)
        self._losses_told = self._losses_noted = 0
        """Rows that say so; the event loop counts the first, the thread the second."""
        self._wake, self._stopping = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name=f"recording {folder.name}", daemon=True)
        self._segment: OpenSegment | None = None
        self._manifest = Manifest.of(folder)
        self._unproven: defaultdict[str, int] = defaultdict(int)
        """By connection, what was written since the last flush; of the thread, as all below."""
        self._unproven_from = self._refused_from = Nanos(0)
        """Moments of the first of these and of those."""
        self._refused: Counter[str] = Counter()
        """By connection, what the disk did not take, until a row that says so is on it."""
        self._failing = False
        self._last_at = self._again_at = Nanos(0)
        """Moment of the message looked at last; no file is tried before the other."""
        self._pause = _FIRST_PAUSE
        self._kept = WrittenFiles()

    @property
    def kept(self) -> WrittenFiles:
        """What is in files that are whole: all of it after ``end``."""
        return self._kept._replace(dropped=self._kept.dropped + self._refused.total())

    def begin(self) -> None:
        """Start writing."""
        self._thread.start()

    def keep(self, burst: Burst) -> None:
        """Take messages, at least one, that nobody changes any more; never waits."""
        if self._taken - self._written >= self._room:
            self._keep_late(burst)
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
        if self._dropped:
            self._tell_dropped(self._dropped_from)
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _keep_late(self, burst: Burst) -> None:
        """Drop messages until half of those that wait is written: else few would be kept between losses."""
        at, _, conn, messages = burst
        if self._taken - self._written > self._most // 2:
            if not self._dropped:
                self._dropped_from = at
            self._room = _NO_ROOM
            self._dropped[_place_of(conn)] += len(messages)
        else:
            self._tell_dropped(at)
            self.keep(burst)

    def _tell_dropped(self, at: Nanos) -> None:
        """Say what is missing, and what the lists of instruments are that are missing, too."""
        self._room, since = self._most, self._dropped_from
        told = list(_losses(since, self._dropped))
        lists = [(at, *one[1:]) for one in self._lists.values() if one[0] >= since]
        self._dropped.clear()
        self._losses_told += len(told)
        for burst in (*told, *lists):
            self._taken += len(burst[3])
            self._waiting.append(burst)

    def _run(self) -> None:
        for turn in itertools.count(1):
            self._wake.wait(_EVERY_S)
            self._wake.clear()
            stopping = self._stopping
            self._turn(turn, stopping=stopping)
            if stopping:
                return

    def _turn(self, number: int, *, stopping: bool) -> None:
        try:
            if stopping or not self._is_pausing:
                self._write_waiting()
                self._secure(number, stopping=stopping)
            else:
                self._refuse_waiting()
        except OSError as error:
            self._fail(error)

    @property
    def _is_pausing(self) -> bool:
        """Whether it is too early to try again after a failure."""
        return self._failing and (not self._waiting or self._waiting[-1][0] < self._again_at)

    def _secure(self, turn: int, *, stopping: bool) -> None:
        """Let what was written be read whatever comes; after a failure at once, to see whether it is over."""
        if stopping:
            self._close()
        elif self._segment is not None and (self._failing or not turn % _TURNS_TO_A_FLUSH):
            self._segment.flush()
            self._proved()

    def _write_waiting(self) -> None:
        waiting, length, unproven = self._waiting, self._segment_s * SECOND, self._unproven
        while waiting:
            if not unproven:
                self._unproven_from = waiting[0][0]
            segment = self._segment or self._open(waiting[0][0])
            until = segment.facts.first + length
            batch, count, conn, before = list[Burst](), 0, waiting[0][2], 0
            while waiting and count < _BATCH and waiting[0][0] < until:
                burst = waiting.popleft()
                batch.append(burst)
                if burst[2] is not conn:
                    unproven[conn] += count - before
                    conn, before = burst[2], count
                count += len(burst[3])
            if batch:
                unproven[conn] += count - before
                self._last_at = batch[-1][0]
                self._written += count
                if self._losses_noted != self._losses_told:
                    self._note_losses(batch, segment)
                segment.write(batch)
            else:
                self._close()

    def _note_losses(self, batch: Sequence[Burst], segment: OpenSegment) -> None:
        for burst in batch:
            if burst[1] == LOST:
                count = count_in(burst[3][0])
                self._losses_noted += 1
                self._unproven[burst[2]] += count - 1
                segment.facts.dropped += count

    def _open(self, at: Nanos) -> OpenSegment:
        self._folder.mkdir(parents=True, exist_ok=True)
        first = self._refused_from if self._refused else at
        segment = self._segment = OpenSegment(self._folder, first)
        lists = [(at, *one[1:]) for one in list(self._lists.values()) if one[0] < at]
        begin = [*_losses(first, self._refused), *lists]
        segment.facts.dropped = self._refused.total()
        if begin:
            segment.write(begin)
        return segment

    def _close(self) -> None:
        segment = self._segment
        if segment is not None:
            facts = segment.close()
            self._segment = None
            self._kept = self._kept.and_one(facts)
            self._proved()
            self._manifest.add(facts)
            self._manifest.prune(self._retention, now=facts.last)

    def _proved(self) -> None:
        """What was written is on the disk."""
        if self._failing:
            self._on_trouble(
                f"{self._folder}: it is recorded again; {self._refused.total():,} messages are missing"
            )
        self._failing, self._pause = False, _FIRST_PAUSE
        self._unproven.clear()
        self._refused.clear()

    def _fail(self, error: OSError) -> None:
        """Drop what waits, say so once, and try again with a new file, later each time."""
        if self._segment is not None:
            self._segment.abandon()
            self._segment = None
        if self._unproven and not self._refused:
            self._refused_from = self._unproven_from
        for conn, count in self._unproven.items():
            self._refused[_place_of(conn)] += count
        self._unproven.clear()
        self._refuse_waiting()
        if not self._failing:
            self._on_trouble(f"{self._folder}: nothing is recorded: {error.strerror or error}")
        self._failing = True
        self._again_at = Nanos(self._last_at + self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _refuse_waiting(self) -> None:
        while self._waiting:
            at, direction, conn, messages = self._waiting.popleft()
            self._last_at = at
            self._written += len(messages)
            if not self._refused:
                self._refused_from = at
            if direction == LOST:
                self._losses_noted += 1
                self._refused[conn] += count_in(messages[0])
            else:
                self._refused[_place_of(conn)] += len(messages)


def _losses(at: Nanos, missing: Mapping[str, int]) -> Iterator[Burst]:
    """Say of each connection how many messages are missing."""
    return ((at, LOST, conn, (str(count),)) for conn, count in missing.items())


def _place_of(conn: str) -> str:
    """Name a connection; all answers of one place over REST are one, or there might be very many."""
    return _QUESTION.split(conn, maxsplit=1)[0] if is_answer(conn) else conn


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
        segment = OpenSegment(folder, first[0])
        batch = [of_one(first)]
        while batch:
            segment.write(batch)
            segment.facts.dropped += sum(count_in(raw) for _, kind, _, (raw,) in batch if kind == LOST)
            batch = list(map(of_one, itertools.islice(waiting, _BATCH)))
        facts = segment.close()
        Manifest.of(folder).add(facts)
    except OSError as error:
        raise InvalidRequest(f"cannot write into {folder}: {error.strerror}", field="--output") from None
    return facts.rows, facts.last
