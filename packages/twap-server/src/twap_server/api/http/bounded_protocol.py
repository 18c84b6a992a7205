"""Bounds on what one HTTP connection may send, for both of uvicorn's parsers: they have too few of their own.

In: bytes of one connection, taken to the parser a piece at a time, so that a bound holds within one read too.
What is sent after the answer (the rest of a body nobody reads) is dropped within bounds, then the connection
is closed.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

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
