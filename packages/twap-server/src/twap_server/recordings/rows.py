"""The format of recordings, and its one reader.

In: gzip JSON lines with ``t`` (receive time since the epoch; its digits tell the unit; or null), ``dir``,
``conn`` and ``raw``. Out: rows with the lines they stand on. What cannot be read ends it, with what to do.
"""

import base64
import gzip
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from twap_server.domain.errors import InvalidRequest

_READ_AHEAD = 1 << 18
_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 31
"""Lets zlib read what gzip wrote."""


_MOST_DIGITS: Final = 18
BASE64: Final = "base64"
OPENED: Final = "open"
"""``dir`` of a row that says: from here on the connection is a new one."""
ENDED: Final = "end"
"""``dir`` of a row that says that the connection ended here; ``raw`` says why."""
LOST: Final = "lost"
"""``dir`` of a row that says that messages of the connection are missing here; ``raw`` says how many."""


class Row(msgspec.Struct, gc=False, omit_defaults=True):
    """One message that was sent or received."""

    dir: str
    """``in``: it was received; ``out``: it was sent; or ``OPENED``, ``ENDED``, ``LOST``."""
    conn: str
    """Which connection it came over, by its address."""
    raw: str
    """The message as text."""
    t: int | float | None = None
    """When it was received; see ``of_receipt``."""
    enc: str = ""
    """How a message that is no text is written as one: ``base64``."""

    @property
    def content(self) -> bytes:
        """The message as it was sent.

        Raises:
            ValueError: it is not written as ``enc`` says.
        """
        return base64.b64decode(self.raw, validate=True) if self.enc == BASE64 else self.raw.encode()


def count_in(raw: bytes | str) -> int:
    """How many messages are missing, by the ``raw`` of a row that says so: one, where that is no number."""
    told = raw[:_MOST_DIGITS]
    return int(told) if told.isdigit() else 1


_decode_lines = msgspec.json.Decoder(Row).decode_lines


def rows(path: Path, *, is_open: bool = False) -> Iterator[tuple[int, Row]]:
    """Give all rows with their lines, counted from 1; seconds as float are exact to the microsecond.

    Args:
        path: of one file.
        is_open: it is still being written, or whoever wrote it was killed: what is there of it counts.

    Raises:
        InvalidRequest: there is no such file, it breaks off, or a line is no row; the message says which.
    """
    done = 0
    try:
        for lines in _written_lines(path) if is_open else _whole_lines(path):
            found = _decode_lines(lines)
            yield from zip(_numbers(lines, len(found), after=done), found, strict=True)
            done += lines.count(b"\n")
    except EOFError:
        raise unreadable(path, _broken_off(path)) from None
    except (OSError, zlib.error) as error:
        raise unreadable(path, _reason(path, error)) from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise unreadable(
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
            raise unreadable(path, "it is empty")
        yield rest


def _written_lines(path: Path) -> Iterator[bytes]:
    """Give the lines up to where the file breaks off."""
    rest = b""
    with gzip.open(path, "rb") as packed, suppress(EOFError):
        while read := packed.read1(_READ_AHEAD):
            whole, end, rest = (rest + read).rpartition(b"\n")
            yield whole + end


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


def _reason(path: Path, error: OSError | zlib.error) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    with path.open("rb") as content:
        if content.read(len(_MAGIC)) != _MAGIC:
            return "it is not packed: run gzip on it first"
    return f"it is damaged; what can be unpacked of it ends with line {_unpackable(path)} ({error})"


def _unpackable(path: Path) -> int:
    """How many lines come before the damage: the piece that has it is unpacked byte by byte up to there."""
    whole, unpacker = 0, zlib.decompressobj(_GZIP)
    with path.open("rb") as packed, suppress(zlib.error):
        while piece := packed.read(_READ_AHEAD):
            before = unpacker.copy()
            try:
                unpacker, lines = _lines_in(piece, unpacker)
                whole += lines
            except zlib.error:
                for at in range(len(piece)):
                    before, lines = _lines_in(piece[at : at + 1], before)
                    whole += lines
    return whole


def _lines_in(piece: bytes, unpacker: "zlib._Decompress") -> "tuple[zlib._Decompress, int]":
    """Unpack a piece, over the ends of what was packed by itself; gives what unpacks the next one."""
    lines = 0
    while piece:
        if unpacker.eof:
            unpacker, piece = zlib.decompressobj(_GZIP), piece.lstrip(b"\0")
        lines += unpacker.decompress(piece).count(b"\n")
        piece = unpacker.unused_data
    return unpacker, lines


def unreadable(path: Path, reason: str) -> InvalidRequest:
    """Say why a recording cannot be read."""
    return InvalidRequest(f"cannot read the recording {path}: {reason}", field="recording")
