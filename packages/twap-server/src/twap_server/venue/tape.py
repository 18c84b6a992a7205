"""Reads recordings: gzip JSON lines of what a venue sent, in recorded order.

Each line has ``t`` (receive time in seconds or null), ``dir``, ``conn`` and ``raw``. A row keeps the
message text as recorded; only the event times inside it are ever replaced.
"""

import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from twap_server.venue import instruments, text

_BINANCE_TIME = re.compile(r'"([ET])":(\d{13})(?=[,}])')
_KRAKEN_TIME = re.compile(r'"timestamp":"([^"]+)"')
_DATA = '"data":'


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One received message; ``at`` is when, in nanoseconds, for pacing."""

    venue: str
    conn: str
    raw: str
    at: int
    message: dict[str, Any]


def rows(path: Path) -> Iterator[Row]:
    """Read the received messages of a recording, one by one."""
    at = 0
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = msgspec.json.decode(line)
            message = msgspec.json.decode(record["raw"]) if record["dir"] == "in" else None
            if not isinstance(message, dict):
                continue
            at = round(record["t"] * 1e6) * 1_000 if record["t"] is not None else at
            yield Row(
                venue=instruments.BINANCE if "binance" in record["conn"] else instruments.KRAKEN,
                conn=record["conn"],
                raw=record["raw"],
                at=at,
                message=message,
            )


def event_time(row: Row) -> int | None:
    """Give the event time of a message in nanoseconds, None where it carries none."""
    if row.venue == instruments.BINANCE:
        stamp = row.message.get("data", {}).get("E")
        return int(stamp) * 1_000_000 if stamp is not None else None
    found = _KRAKEN_TIME.search(row.raw)
    return text.iso_nanos(found[1]) if found else None


def shifted(raw: str, venue: str, *, shift: Callable[[int], int]) -> str:
    """Replace the event times of a message, in nanoseconds, and nothing else."""
    if venue == instruments.BINANCE:
        return _BINANCE_TIME.sub(
            lambda match: f'"{match[1]}":{shift(int(match[2]) * 1_000_000) // 1_000_000}', raw
        )
    return _KRAKEN_TIME.sub(
        lambda match: f'"timestamp":"{text.iso_micros(shift(text.iso_nanos(match[1])))}"', raw
    )


def payload(raw: str) -> str:
    """Cut the payload out of a combined stream frame of Binance."""
    return raw[raw.index(_DATA) + len(_DATA) : -1]


def is_snapshot(row: Row) -> bool:
    """Whether a row is a whole book: Binance's REST answer, Kraken's first book message."""
    if row.venue == instruments.BINANCE:
        return "lastUpdateId" in row.message and "symbol=" in row.conn
    return row.message.get("channel") == "book" and row.message.get("type") == "snapshot"


def symbol_of(row: Row) -> str | None:
    """Name the instrument of a row, None where it is of none."""
    if row.venue == instruments.BINANCE and is_snapshot(row):
        return row.conn.partition("symbol=")[2].partition("&")[0]
    data = row.message.get("data")
    if row.venue == instruments.BINANCE:
        return str(data["s"]) if isinstance(data, dict) and "s" in data else None
    if row.message.get("channel") in ("book", "trade") and isinstance(data, list):
        return str(data[0]["symbol"])
    return None
