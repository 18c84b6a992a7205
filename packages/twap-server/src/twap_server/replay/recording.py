"""Reads a recording for replay: what came over its WebSockets, with the moment each message was received.

In: gzip JSON lines with ``t`` (receive time since the epoch; its digits tell the unit; or null), ``dir``,
``conn`` and ``raw``. Out: moments in nanoseconds that never go back, cut to the microsecond, messages byte
for byte, and their lines. What cannot be read ends the replay, with its line and what to do about it.
"""

import gzip
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import msgspec

from twap_server.domain.clock import SECOND, Nanos, of_receipt, to_iso
from twap_server.domain.errors import InvalidRequest
from twap_server.replay.origin import origin

RecordedFrame: TypeAlias = tuple[Nanos, bytes, int]
"""When a message was received, the message, and the line it stands on, counted from 1."""

_READ_AHEAD = 1 << 18
_LATEST = 2**63 - 1
_SWAPPED = SECOND
"""Two connections of a recorder may write their rows so much out of order; more is a clock that was set."""


class _Row(msgspec.Struct, gc=False):
    dir: str
    conn: str
    raw: str
    t: int | float | None = None


_decode_lines = msgspec.json.Decoder(_Row).decode_lines


class Recording:
    """A recording to be played; ``keep`` holds its messages in memory, for playing it often."""

    def __init__(self, path: Path, *, keep: bool = False) -> None:
        """Raises: InvalidRequest: with ``keep``, as ``frames``."""
        self.path = path
        self._kept = list(frames(path)) if keep else None

    def frames(self) -> Iterator[RecordedFrame]:
        """All messages from the first one on; see ``frames``."""
        return frames(self.path) if self._kept is None else iter(self._kept)


def frames(path: Path) -> Iterator[RecordedFrame]:
    """Read the WebSocket messages one by one; a row without a time has that of the row before.

    Raises:
        InvalidRequest: there is no such file, it is no recording that can be replayed, or it breaks off.
    """
    at, exchange = Nanos(0), ""
    for line, row in _rows(path):
        if row.dir != "in" or not row.conn.startswith("ws"):
            continue
        try:
            exchange = _same(exchange, row.conn)
            at = _moment(row.t, after=at)
        except ValueError as error:
            raise _unreadable(path, f"line {line}: {error}") from None
        yield at, row.raw.encode(), line


@lru_cache(maxsize=1_000)
def _same(exchange: str, conn: str) -> str:
    """The exchange of a connection, which is that of the rows before."""
    found = origin(conn)
    if exchange and found != exchange:
        raise ValueError(f"a message of {found} among those of {exchange}: replay one exchange at a time")
    return found


def _moment(t: float | None, *, after: Nanos) -> Nanos:
    """When a row was received: never before the row before."""
    if t is None and not after:
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


def _rows(path: Path) -> Iterator[tuple[int, _Row]]:
    """All rows with their lines, decoded many at once; seconds as float are exact to the microsecond."""
    done = 0
    try:
        for lines in _whole_lines(path):
            rows = _decode_lines(lines)
            yield from zip(_numbers(lines, len(rows), after=done), rows, strict=True)
            done += lines.count(b"\n")
    except EOFError:
        raise _unreadable(path, _broken_off(path)) from None
    except (OSError, zlib.error) as error:
        raise _unreadable(path, _reason(error, done)) from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _unreadable(
            path,
            f"line {_first_bad(lines, after=done)} is no row of a recording ({error}): "
            "expected JSON with dir, conn, raw and t",
        ) from None


def _whole_lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as packed:
        rest, is_empty = b"", True
        while read := packed.read(_READ_AHEAD):
            is_empty = False
            whole, end, rest = (rest + read).rpartition(b"\n")
            yield whole + end
        if is_empty:
            raise _unreadable(path, "it is empty")
        yield rest


def _numbers(lines: bytes, rows: int, *, after: int) -> Iterator[int]:
    """The numbers of the lines that hold a row: blank ones hold none."""
    if lines.count(b"\n") == rows:
        return iter(range(after + 1, after + 1 + rows))
    return (number for number, line in enumerate(lines.split(b"\n"), after + 1) if line.strip())


def _first_bad(lines: bytes, *, after: int) -> int:
    """Which line is no row, counted from 1."""
    for number, line in enumerate(lines.split(b"\n"), after + 1):
        try:
            _decode_lines(line)
        except (msgspec.MsgspecError, UnicodeError):
            return number
    return after


def _broken_off(path: Path) -> str:
    """What to do with a file that ends in the middle: say how many lines of it are whole."""
    whole = 0
    try:
        with gzip.open(path, "rb") as packed:
            while read := packed.read1(_READ_AHEAD):
                whole += read.count(b"\n")
    except EOFError:
        pass
    return (
        f"it breaks off after line {whole} (was it still being written or copied?); what is whole can be "
        f"replayed: gzip -cdq {path.name} | head -n {whole} | gzip > whole.jsonl.gz"
    )


def _reason(error: OSError | zlib.error, done: int) -> str:
    if isinstance(error, gzip.BadGzipFile) and not done:
        return "it is not packed: run gzip on it first"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"it is damaged after line {done} ({error})"


def _unreadable(path: Path, reason: str) -> InvalidRequest:
    return InvalidRequest(f"cannot read the recording {path}: {reason}", field="recording")
