"""Reads a recording for replay: what came over its WebSockets, with the moment each message was received.

In: gzip JSON lines with ``t`` (receive time in seconds, or null), ``dir``, ``conn`` and ``raw``. Out: moments
in nanoseconds that never go back, cut to the microsecond, and messages byte for byte.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from twap_server.domain.clock import Nanos
from twap_server.domain.errors import InvalidRequest

Frame = tuple[Nanos, bytes]
"""When a message was received, and the message."""

_MICROS, _MICROSECOND = 1e6, 1_000
_READ_AHEAD = 1 << 18


class _Row(msgspec.Struct, gc=False):
    dir: str
    conn: str
    raw: str
    t: float | None = None


_decode_lines = msgspec.json.Decoder(_Row).decode_lines


class Recording:
    """A recording to be played; ``keep`` holds its messages in memory, for playing it often."""

    def __init__(self, path: Path, *, keep: bool = False) -> None:
        """Raises: InvalidRequest: with ``keep``, as ``frames``."""
        self.path = path
        self._kept = list(frames(path)) if keep else None

    def frames(self) -> Iterator[Frame]:
        """All messages from the first one on; see ``frames``."""
        return frames(self.path) if self._kept is None else iter(self._kept)


def frames(path: Path) -> Iterator[Frame]:
    """Read the WebSocket messages one by one; a row without a time has that of the row before.

    Raises:
        InvalidRequest: there is no such file, or it is no recording; the message names the line.
    """
    at = Nanos(0)
    for row in _rows(path):
        if row.dir == "in" and row.conn.startswith("ws"):
            if row.t is not None:
                at = max(at, Nanos(round(row.t * _MICROS) * _MICROSECOND))
            yield at, row.raw.encode()


def _rows(path: Path) -> Iterator[_Row]:
    """All rows, decoded many at once; a float of today's seconds is exact to the microsecond."""
    done = 0
    try:
        for lines in _whole_lines(path):
            rows = _decode_lines(lines)
            yield from rows
            done += len(rows)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidRequest(f"cannot read the recording {path}: {error}", field="recording") from None
    except msgspec.MsgspecError as error:
        raise InvalidRequest(
            f"line {done + _first_bad(lines)} of {path} is no row of a recording ({error}): "
            "expected JSON with dir, conn, raw and t",
            field="recording",
        ) from None


def _whole_lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as packed:
        rest = b""
        while read := packed.read(_READ_AHEAD):
            whole, _, rest = (rest + read).rpartition(b"\n")
            yield whole
        yield rest


def _first_bad(lines: bytes) -> int:
    """Which of these lines, counted from 1, is no row."""
    for number, line in enumerate(lines.splitlines(), 1):
        try:
            _decode_lines(line)
        except msgspec.MsgspecError:
            return number
    return 0
