"""Reads a recording for replay: what came over its WebSockets, with the moment each message was received.

In: gzip JSON lines with ``t`` (receive time in seconds, or null), ``dir``, ``conn`` and ``raw``. Out: moments
in nanoseconds that never go back, cut to the microsecond, and messages byte for byte.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

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


_decode = msgspec.json.Decoder(_Row).decode


def frames(path: Path) -> Iterator[Frame]:
    """Read the WebSocket messages one by one; a row without a time has that of the row before.

    Raises:
        InvalidRequest: there is no such file, or it is no recording; the message names the line.
    """
    at = Nanos(0)
    done = 0
    try:
        with gzip.open(path, "rb") as packed:
            for line in io.BufferedReader(cast("io.RawIOBase", packed), _READ_AHEAD):
                row = _decode(line)
                done += 1
                if row.dir != "in" or not row.conn.startswith("ws"):
                    continue
                if row.t is not None:
                    at = max(at, _nanos(row.t))
                yield at, row.raw.encode()
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidRequest(f"cannot read the recording {path}: {error}", field="recording") from None
    except msgspec.MsgspecError as error:
        raise InvalidRequest(
            f"line {done + 1} of {path} is no row of a recording ({error}): "
            "expected JSON with dir, conn, raw and t",
            field="recording",
        ) from None


def _nanos(seconds: float) -> Nanos:
    """As exact as a float of today's seconds is: to the microsecond."""
    return Nanos(round(seconds * _MICROS) * _MICROSECOND)
