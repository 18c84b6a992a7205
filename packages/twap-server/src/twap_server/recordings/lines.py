"""Write messages as lines of a recording, one by one; ``_lines.pyx`` does the same where it was compiled."""

import base64
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from twap_server.domain.clock import MICROSECOND, Nanos
from twap_server.recordings.rows import BASE64, Row

_encode = msgspec.json.Encoder().encode

Message: TypeAlias = tuple[Nanos, str, str, bytes | str]
"""One message: its moment, ``in``, ``out`` or a boundary, the connection, what was sent or received."""
Burst: TypeAlias = tuple[Nanos, str, str, Sequence[bytes | str]]
"""Messages of one moment and connection."""


def line_of(message: Message) -> bytes:
    """Write a message as a line of a recording, its moment cut to the microsecond."""
    at, direction, conn, raw = message
    text, encoding = (raw, "") if isinstance(raw, str) else _as_text(raw)
    row = Row(t=at // MICROSECOND * MICROSECOND, dir=direction, conn=conn, raw=text, enc=encoding)
    return _encode(row) + b"\n"


def head_of(direction: str, conn: str) -> bytes:
    """Write what stands in a line before the message's own text."""
    return _encode({"dir": direction, "conn": conn, "raw": ""}).removesuffix(b'"}')


class LineWriter:
    """Writes the lines of bursts, one after another."""

    def lines_of(self, bursts: Iterable[Burst]) -> bytes:
        """Write bursts."""
        return b"".join(
            line_of((at, direction, conn, raw)) for at, direction, conn, burst in bursts for raw in burst
        )


def _as_text(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode(), ""
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode(), BASE64
