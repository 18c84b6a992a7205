"""Gives what an exchange sent, with the moment each message was received.

In: the rows of a recording. Out: moments in nanoseconds that never go back, cut to the microsecond, messages
byte for byte, and their lines. What cannot be played ends the reading, with its line and what to do about it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias, TypeVar, cast

from twap_server.domain.clock import SECOND, Nanos, of_receipt, to_iso
from twap_server.recordings.manifest import Manifest, files_of
from twap_server.recordings.rows import ENDED, LOST, OPENED, Row, rows, unreadable

_LATEST = 2**63 - 1
_SWAPPED = SECOND
"""Two connections of a recorder may write their rows so much out of order; more is a clock that was set."""


RecordedFrame: TypeAlias = tuple[Nanos, bytes, int, str]
"""When a message was received, the message, the line it stands on (counted from 1), and the address it came
from; of a boundary (``boundary_of``) when it was, why (or how many messages are missing), and the line."""
_Found = TypeVar("_Found")
_BOUNDARIES: Final = {one: f"{one} " for one in (OPENED, ENDED, LOST)}
"""What stands before a connection's address in the place of a boundary's."""


class Recording:
    """A recording to be played; ``keep`` holds its messages in memory, for playing it often."""

    def __init__(self, path: Path, *, keep: bool = False) -> None:
        """Raises: InvalidRequest: with ``keep``, as ``frames``."""
        self.path = path
        self._kept = list(frames(path, boundaries=True)) if keep else None
        self._found: dict[str, object] = {}

    def frames(self) -> Iterator[RecordedFrame]:
        """All messages from the first one on, and the boundaries of connections; see ``frames``."""
        return frames(self.path, boundaries=True) if self._kept is None else iter(self._kept)

    @property
    def is_kept(self) -> bool:
        """Whether its messages are in memory."""
        return self._kept is not None

    def found(self, what: str, find: Callable[[], _Found]) -> _Found:
        """What is found in it: looked for once, where its messages are kept.

        Args:
            what: names it; always with the same ``find``.
            find: finds what no replay changes.

        Raises:
            InvalidRequest: as ``find``.
        """
        if self._kept is None:
            return find()
        if what not in self._found:
            self._found[what] = find()
        return cast(_Found, self._found[what])  # the same ``find`` found it


def frames(path: Path, *, boundaries: bool = False) -> Iterator[RecordedFrame]:
    """Read what was received one by one; a row without a time has that of the row before.

    Args:
        path: a file, or the folder of one exchange that ``RecordingWriter`` wrote.
        boundaries: give where a connection was opened, where it ended and where messages of it are missing,
            too, as far as that was recorded.

    Raises:
        InvalidRequest: there is no such file, it is no recording, or it breaks off.
    """
    at = Nanos(0)
    known: dict[str, str] = {}
    for line, row in rows_of(path):
        before = "" if row.dir == "in" else _BOUNDARIES.get(row.dir) if boundaries else None
        if before is None:
            continue
        try:
            at = moment_of(row, after=at)
            content = row.raw.encode() if not row.enc else row.content
        except ValueError as error:
            raise unreadable(path, f"line {line}: {error}") from None
        conn = before + row.conn if before else row.conn
        yield at, content, line, known.setdefault(conn, conn)


def rows_of(path: Path) -> Iterator[tuple[int, Row]]:
    """Read the rows of a file, or of a folder's files one after the other; the last may be unfinished.

    Raises:
        InvalidRequest: as ``frames``.
    """
    if not path.is_dir():
        yield from rows(path)
        return
    whole = {one.file for one in Manifest.of(path).segments}
    before = line = 0
    for file in files_of(path):
        for line, row in rows(file, is_open=file.name not in whole):
            yield before + line, row
        before, line = before + line, 0


def boundary_of(conn: str) -> str:
    """The address of the connection that was opened, ended or has lost messages here; empty where that of a
    message is given."""
    return next((conn.removeprefix(one) for one in _BOUNDARIES.values() if conn.startswith(one)), "")


def with_losses(path: Path) -> Iterator[RecordedFrame]:
    """Read what was received as ``frames``, and where messages of a connection are missing.

    Raises:
        InvalidRequest: as ``frames``.
    """
    for frame in frames(path, boundaries=True):
        if not boundary_of(frame[3]) or (is_loss(frame[3]) and not is_over_rest(frame[3])):
            yield frame


def is_over_rest(conn: str) -> bool:
    """Whether a message, or a boundary, is of a place that is asked over REST."""
    return is_answer(boundary_of(conn) or conn)


def is_loss(conn: str) -> bool:
    """Whether a boundary says that messages are missing."""
    return conn.startswith(_BOUNDARIES[LOST])


def is_answer(conn: str) -> bool:
    """Whether a message answers a request over REST; else it came over a WebSocket."""
    return conn.startswith("http")


def moment_of(row: Row, *, after: Nanos) -> Nanos:
    """Tell when a row was received: never before the row before. An answer at the start may have no time.

    Raises:
        ValueError: it has no time that can be.
    """
    t = row.t
    if t is None and not after and not is_answer(row.conn):
        raise ValueError('the first message has no time of receipt "t"')
    if t is None:
        return after
    at = of_receipt(t)
    if not 0 < at <= _LATEST:
        raise ValueError(f'the time of receipt "t" is {t:g}: expected one between 1970 and 2262')
    if at < after - _SWAPPED:
        raise ValueError(
            f"the time of receipt goes back by {(after - at) / SECOND:,.1f} s, from {to_iso(after)} to "
            f"{to_iso(at)}: split the recording there and replay each part"
        )
    return max(at, after)
