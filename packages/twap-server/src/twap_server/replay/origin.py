"""Find which exchange a recording is of, and let nothing else through.

In: the messages of recordings, and the addresses of the exchanges. Out: the same messages with the
connections they came over, several recordings merged by time. A message of another exchange, or of a market
that its connection does not name, ends the reading.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Final, TypeAlias

from twap_server.domain.clock import SECOND, Nanos, to_text
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.frames import RecordedFrame, boundary_of, is_answer, is_loss, is_over_rest
from twap_server.recordings.rows import unreadable

_NOT_REPLAYED: Final = (
    ("dstream.", "Binance's inverse futures"),
    ("futures.kraken", "Kraken's futures"),
    ("ws.kraken.com#", "Kraken's old protocol, version 1"),
)
_BINANCE: Final = "binance"
_OF_FUTURES: Final = b'"pu":'
_HEAD: Final = 300
"""Bytes that hold the fields before a change's prices."""
_FARTHEST: Final = 24 * 3600 * SECOND
"""Recordings that are played together are of one time: between two messages is less than a day."""

NoteAnswer: TypeAlias = Callable[[Nanos, bytes, int, str], None]
"""Takes in what answered a request over REST: moment, body, line, address."""
SaysNothing: TypeAlias = Callable[[bytes], bool]
"""Whether a message says only that its connection lives, whatever came before it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlayedConnection:
    """One connection of a recording; the same object for all its messages."""

    exchange: str
    path: Path
    """Of the recording."""
    conn: str
    """How the recording names it."""
    is_boundary: bool = False
    """It was opened or ended here, or messages of it are missing: no message."""
    is_loss: bool = False
    """Messages of it are missing here; the frame says how many."""
    is_answer: bool = False
    """No connection: a message answered a request over REST."""

    def is_of(self, other: "PlayedConnection") -> bool:
        """Whether both are the same connection, boundary or not."""
        return self.path == other.path and self.conn == other.conn


PlayedFrame: TypeAlias = tuple[Nanos, bytes, int, PlayedConnection, Nanos]
"""As ``RecordedFrame``, of a known connection; and when that says it again: ``NEVER`` where it is not known.

Only what says that the connection lives is said again: who hears it then need not have heard it now.
"""
NEVER: Final = Nanos(2**63)
"""Later than anything that happens."""
_TaggedFrame: TypeAlias = tuple[Nanos, bytes, int, PlayedConnection, bool]
"""As ``RecordedFrame``, of a known connection; and whether it says only that this connection lives."""
_LOOKED_AHEAD: Final = 256
"""Frames among which the next is looked for that says as little."""
NOWHERE: Final = PlayedConnection(exchange="", path=Path(), conn="")


class Origins:
    """The exchanges by the addresses of their WebSockets."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        """Args: addresses: to the exchange's name. Where several fit, the longest counts."""
        self._addresses = {
            _bare(address): name for address, name in sorted(addresses.items(), key=_longest_first)
        }
        self.names = sorted(set(addresses.values()))

    def of(self, conn: str) -> str:
        """Name the exchange of a connection: by its address, or because it names the exchange.

        Raises:
            ValueError: none that can be replayed; the message says which can.
        """
        other = next((words for host, words in _NOT_REPLAYED if host in conn), "")
        found = next((name for address, name in self._addresses.items() if address in conn), "")
        found = found or max((name for name in self.names if name in conn), key=len, default="")
        if other or not found:
            raise ValueError(
                f"a message of {other or conn}: expected a recording whose connections name one of "
                f"{', '.join(self.names)}"
            )
        return found


def _longest_first(item: tuple[str, str]) -> int:
    return -len(item[0])


def _bare(address: str) -> str:
    return address.partition("://")[2].rstrip("/")


def exchange_of(path: Path, frames: Iterator[RecordedFrame], origins: Origins) -> str:
    """Name the exchange of a recording by its first message over a WebSocket.

    Raises:
        InvalidRequest: there is none, or it is of none that can be replayed.
    """
    for _, _, line, conn in frames:
        if not is_over_rest(conn):
            return _of(path, line, conn, origins)
    raise InvalidRequest(
        f"{path} holds no message of a WebSocket: expected rows whose dir is in and whose conn "
        "begins with ws",
        field="recording",
    )


def of_one(
    path: Path, frames: Iterator[RecordedFrame], origins: Origins, says_nothing: SaysNothing
) -> Iterator[PlayedFrame]:
    """Tell of each message over which connection it came, as long as all is of one exchange.

    Args:
        path: of the recording, for words.
        frames: its messages.
        origins: the exchanges.
        says_nothing: of this exchange.

    Raises:
        InvalidRequest: a message is of another exchange; it is named by its line.
    """
    return _with_repeats(_tagged(path, frames, origins, says_nothing))


def _tagged(
    path: Path, frames: Iterator[RecordedFrame], origins: Origins, says_nothing: SaysNothing
) -> Iterator[_TaggedFrame]:
    exchange, passed, played = "", "", NOWHERE
    is_spot, tells = False, says_nothing
    known: dict[str, PlayedConnection] = {}
    for frame in frames:
        at, raw, line, conn = frame
        if conn is not passed:
            passed = conn
            if not is_over_rest(conn):
                exchange = _same(exchange, path, frame, origins)
            played = known.get(conn) or known.setdefault(conn, _connection(exchange, path, conn))
            is_spot = exchange == _BINANCE and not played.is_answer
            tells = _never if played.is_boundary or played.is_answer else says_nothing
        if is_spot and raw.find(_OF_FUTURES, 0, _HEAD) >= 0:
            raise unreadable(
                path,
                f"line {line}: a message of Binance's futures (it has pu): expected a recording of "
                "Binance spot, for its books and their update ids are others",
            )
        yield at, raw, line, played, tells(raw)


def _never(raw: bytes) -> bool:
    return False


def _with_repeats(frames: Iterator[_TaggedFrame]) -> Iterator[PlayedFrame]:
    """Tell of each message that says nothing when its connection's next one comes."""
    held: list[_TaggedFrame] = []
    """One that says nothing, and what came after it."""
    try:
        for frame in frames:
            at, raw, line, source, says_nothing = frame
            if held and says_nothing and source is held[0][3]:
                yield from _told(held, again=at)
                held = [frame]
            elif not held and not says_nothing:
                yield at, raw, line, source, NEVER
            else:
                held.append(frame)
                if len(held) > _LOOKED_AHEAD:
                    yield from _told(held)
                    held = []
    except InvalidRequest:  # of what comes after these
        yield from _told(held)
        raise
    yield from _told(held)


def _told(held: Sequence[_TaggedFrame], *, again: Nanos = NEVER) -> Iterator[PlayedFrame]:
    for at, raw, line, source, _ in held:
        yield at, raw, line, source, again
        again = NEVER


def parted(frames: Iterator[PlayedFrame]) -> tuple[Sequence[PlayedFrame], Sequence[PlayedFrame]]:
    """All that came over WebSockets, and all that answered requests over REST."""
    every = list(frames)
    return [one for one in every if not one[3].is_answer], [one for one in every if one[3].is_answer]


def without_answers(frames: Iterator[PlayedFrame], note_answer: NoteAnswer) -> Iterator[PlayedFrame]:
    """Pass on what came over WebSockets; what answered requests over REST is noted as it comes by."""
    for frame in frames:
        if frame[3].is_answer:
            at, raw, line, source, _ = frame
            note_answer(at, raw, line, source.conn)
        else:
            yield frame


def merged(recordings: Sequence[Iterator[PlayedFrame]]) -> Iterator[PlayedFrame]:
    """Merge recordings by time; at the same moment the first of them comes first.

    Raises:
        InvalidRequest: they are not of one time.
    """
    return recordings[0] if len(recordings) == 1 else _merged(recordings)


def _merged(recordings: Sequence[Iterator[PlayedFrame]]) -> Iterator[PlayedFrame]:
    before: Nanos | None = None
    for frame in heapq.merge(*recordings, key=itemgetter(0)):
        at = frame[0]
        if before is not None and at - before > _FARTHEST:
            raise InvalidRequest(
                f"no recording has anything between {to_text(before)} and {to_text(at)}: play recordings "
                "together that are of the same time, others one by one",
                field="recording",
            )
        before = at
        yield frame


def _connection(exchange: str, path: Path, conn: str) -> PlayedConnection:
    bounded = boundary_of(conn)
    return PlayedConnection(
        exchange=exchange,
        path=path,
        conn=bounded or conn,
        is_boundary=bool(bounded),
        is_loss=is_loss(conn),
        is_answer=is_answer(conn),
    )


def _same(exchange: str, path: Path, frame: RecordedFrame, origins: Origins) -> str:
    _, _, line, conn = frame
    name = _of(path, line, conn, origins)
    if exchange and name != exchange:
        words = (
            f"a message of {name} among those of {exchange}: give each exchange a file of its own, "
            "and replay them together"
        )
        raise unreadable(path, f"line {line}: {words}")
    return name


def _of(path: Path, line: int, conn: str, origins: Origins) -> str:
    try:
        return origins.of(conn)
    except ValueError as error:
        raise unreadable(path, f"line {line}: {error}") from None
