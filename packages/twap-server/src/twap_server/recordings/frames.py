"""Gives what came over a recording's WebSockets, with the moment each message was received.

In: the rows of a recording. Out: moments in nanoseconds that never go back, cut to the microsecond, messages
byte for byte, and their lines. What cannot be played ends the reading, with its line and what to do about it.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from twap_server.domain.clock import SECOND, Nanos, of_receipt, to_iso
from twap_server.recordings.origin import origin, see_that_it_is_spot
from twap_server.recordings.rows import rows, unreadable

RecordedFrame: TypeAlias = tuple[Nanos, bytes, int]
"""When a message was received, the message, and the line it stands on, counted from 1."""

_LATEST = 2**63 - 1
_SWAPPED = SECOND
"""Two connections of a recorder may write their rows so much out of order; more is a clock that was set."""


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
    for line, row in rows(path):
        if row.dir != "in" or not row.conn.startswith("ws"):
            continue
        try:
            exchange = _same(exchange, row.conn)
            see_that_it_is_spot(exchange, row.raw)
            at = _moment(row.t, after=at)
        except ValueError as error:
            raise unreadable(path, f"line {line}: {error}") from None
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
