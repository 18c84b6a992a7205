"""What a venue sent, of a recording, in recorded order: times, instruments and whole books in it.

A row keeps the message text as recorded; only the event times inside it are ever replaced.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from twap_server.domain.clock import from_epoch, of_receipt, unit_of
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings import rows as recorded
from twap_server.venue import instruments, text

_BINANCE_TIME = re.compile(r'"([ET])":(\d{10,19})(?=[,}])')
_KRAKEN_TIME = re.compile(r'"timestamp":"([^"]+)"')
_DATA = '"data":'


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeRow:
    """One received message; ``at`` is when, in nanoseconds, for pacing; ``line`` counts from 1."""

    venue: str
    conn: str
    raw: str
    at: int
    line: int
    message: dict[str, Any]


def rows(path: Path) -> Iterator[TapeRow]:
    """Give the received messages of a recording, one by one; what is no JSON object is left out.

    Raises:
        InvalidRequest: the file cannot be read, or a line is no row; the message names it.
    """
    at = 0
    for line, record in recorded.rows(path):
        message = _object(record.raw) if record.dir == "in" else None
        if message is None:
            continue
        if record.t is not None:
            at = of_receipt(record.t)
        venue = instruments.BINANCE if "binance" in record.conn else instruments.KRAKEN
        yield TapeRow(venue=venue, conn=record.conn, raw=record.raw, at=at, message=message, line=line)


def unreadable(path: Path, row: TapeRow, error: Exception) -> InvalidRequest:
    """What to say of a message that is not what its exchange's manual says."""
    return recorded.unreadable(
        path, f"the message in line {row.line} is not what {row.venue} sends ({error})"
    )


def _object(raw: str) -> dict[str, Any] | None:
    try:
        message = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def event_time(row: TapeRow) -> int | None:
    """Give the event time of a message in nanoseconds, None where it carries none."""
    if row.venue == instruments.BINANCE:
        data = row.message.get("data")
        stamp = data.get("E") if isinstance(data, dict) else None
        return from_epoch(int(stamp)) if stamp is not None else None
    found = _KRAKEN_TIME.search(row.raw)
    return text.iso_nanos(found[1]) if found else None


def shifted(raw: str, venue: str, *, shift: Callable[[int], int]) -> str:
    """Replace the event times of a message, in nanoseconds, and nothing else."""
    if venue == instruments.BINANCE:
        return _BINANCE_TIME.sub(lambda match: f'"{match[1]}":{_moved(int(match[2]), shift)}', raw)
    return _KRAKEN_TIME.sub(
        lambda match: f'"timestamp":"{text.iso_micros(shift(text.iso_nanos(match[1])))}"', raw
    )


def _moved(stamp: int, shift: Callable[[int], int]) -> int:
    """The new time, in the unit of the old one."""
    return shift(from_epoch(stamp)) // unit_of(stamp)


def payload(raw: str) -> str:
    """Cut the payload out of a combined stream frame of Binance."""
    return raw[raw.index(_DATA) + len(_DATA) : -1]


def is_snapshot(row: TapeRow) -> bool:
    """Whether a row is a whole book: Binance's REST answer, Kraken's first book message."""
    if row.venue == instruments.BINANCE:
        return "lastUpdateId" in row.message and "symbol=" in row.conn
    return row.message.get("channel") == "book" and row.message.get("type") == "snapshot"


def symbol_of(row: TapeRow) -> str | None:
    """Name the instrument of a row, None where it is of none."""
    if row.venue == instruments.BINANCE and is_snapshot(row):
        return row.conn.partition("symbol=")[2].partition("&")[0]
    data = row.message.get("data")
    if row.venue == instruments.BINANCE:
        return str(data["s"]) if isinstance(data, dict) and "s" in data else None
    if row.message.get("channel") in ("book", "trade") and isinstance(data, list):
        return str(data[0]["symbol"])
    return None
