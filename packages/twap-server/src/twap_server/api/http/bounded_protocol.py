"""Limit what one HTTP connection may send, for both of uvicorn's parsers, which limit too little.

In: bytes of one connection, taken to the parser a piece at a time, so that a bound holds within one read too.
What is sent after the answer (the rest of a body nobody reads) is dropped within bounds, then the connection
is closed.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

from twap_server.api.http.attended import Attended

LARGEST_HEAD: Final = 65_536
"""Bytes of request line and headers; as many again of what frames a body, trailers included."""
HEAD_WITHIN_S: Final = 10
"""From the first byte, or from the connection, to the last of the head."""
MOST_AFTER_ANSWER: Final = 8 * 1_048_576
"""Bytes of a request that are dropped once it is answered; a client that sent a large body reads its 413."""
AFTER_ANSWER_WITHIN_S: Final = 5
MOST_PIPELINED: Final = 32
"""Requests sent ahead of their answers on one connection."""
_PIECE: Final = 4_096


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut one read of a socket."""
    if len(data) <= _PIECE:
        yield data
        return
    for begin in range(0, len(data), _PIECE):
        yield data[begin : begin + _PIECE]


class Deadline:
    """Closes the connection unless it is stopped in time. Starting it again changes nothing."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._timer: asyncio.TimerHandle | None = None

    @property
    def runs(self) -> bool:
        """Whether something is waited for."""
        return self._timer is not None

    def start(self, seconds: float) -> None:
        """Wait so long for what has to come."""
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._transport.close)

    def stop(self) -> None:
        """It has come, or the connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Remainder:
    """What still comes of a request that is answered already: counted, and given a deadline."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._deadline = Deadline(transport, loop)
        self._left = 0

    def expect(self) -> None:
        """Begin: the answer is out, the request is not whole."""
        if not self._deadline.runs:
            self._left = MOST_AFTER_ANSWER
            self._deadline.start(AFTER_ANSWER_WITHIN_S)

    def take(self, count: int) -> None:
        """Count bytes; too many close the connection."""
        if self._deadline.runs:
            self._left -= count
            if self._left < 0:
                self._transport.close()

    def over(self) -> None:
        """The request is whole, or the connection is gone."""
        self._deadline.stop()


class Bounded(Attended):
    """What both parsers bound alike. Comes before uvicorn's protocol class in the order of bases."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a head."""
        super().connection_made(transport)
        self._head = Deadline(transport, self.loop)
        self._remainder = Remainder(transport, self.loop)
        self._head.start(HEAD_WITHIN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._head.stop()
        self._remainder.over()
        super().connection_lost(exc)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be read as HTTP: refused, or a WebSocket by now."""
        return self.transport.is_closing() or self.transport.get_protocol() is not self

    def expect_head(self) -> None:
        """Wait for a head, if none is waited for."""
        self._head.start(HEAD_WITHIN_S)

    def look(self, *, is_whole: bool, is_ahead: bool = False) -> None:
        """Tell the gate whether the client is waited for; a stranger is until its request is whole.

        Args:
            is_whole: whether the request that began last has come to its end.
            is_ahead: whether requests after it wait for their answers.
        """
        if self.http_connection is not None and self.transport.get_protocol() is self:
            is_answering = self.cycle is not None and not self.cycle.response_complete
            is_ready = is_whole or self.http_connection.is_known
            self.http_connection.look(is_working=is_ahead or (is_answering and is_ready))
