"""Find which exchange a recording is of, and let nothing else through.

In: the messages of a recording, and the addresses of the exchanges. Out: the same messages. A message of
another exchange, or of a market that its connection does not name, ends the reading.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from twap_server.domain.clock import Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.frames import RecordedFrame, is_answer
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

NoteAnswer: TypeAlias = Callable[[Nanos, bytes, int, str], None]
"""Takes in what answered a request over REST: moment, body, line, address."""


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
        if not is_answer(conn):
            return _of(path, line, conn, origins)
    raise InvalidRequest(
        "the recording holds no message of a WebSocket: expected rows whose dir is in and whose conn "
        "begins with ws",
        field="recording",
    )


def of_one(
    path: Path, frames: Iterator[RecordedFrame], origins: Origins, note_answer: NoteAnswer
) -> Iterator[RecordedFrame]:
    """Pass on what came over WebSockets, as long as all is of one exchange.

    Args:
        path: of the recording, for words.
        frames: its messages.
        origins: the exchanges.
        note_answer: is given what answered requests over REST, as it comes by.

    Raises:
        InvalidRequest: a message is of another exchange; it is named by its line.
    """
    exchange = passed = ""
    for frame in frames:
        _, raw, line, conn = frame
        if conn is not passed:
            if is_answer(conn):
                note_answer(*frame)
                continue
            exchange = _same(exchange, path, frame, origins)
            passed = conn
        if exchange == _BINANCE and _OF_FUTURES in raw[:_HEAD]:
            raise unreadable(
                path,
                f"line {line}: a message of Binance's futures (it has pu): expected a recording of "
                "Binance spot, for its books and their update ids are others",
            )
        yield frame


def _same(exchange: str, path: Path, frame: RecordedFrame, origins: Origins) -> str:
    _, _, line, conn = frame
    name = _of(path, line, conn, origins)
    if exchange and name != exchange:
        words = f"a message of {name} among those of {exchange}: replay one exchange at a time"
        raise unreadable(path, f"line {line}: {words}")
    return name


def _of(path: Path, line: int, conn: str, origins: Origins) -> str:
    try:
        return origins.of(conn)
    except ValueError as error:
        raise unreadable(path, f"line {line}: {error}") from None
