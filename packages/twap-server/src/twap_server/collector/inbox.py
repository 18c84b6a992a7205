"""Whole messages of one WebSocket that wait for their one reader, who takes all that are there at once.

Fragments are put together before they join the queue: only whole messages count when reading is paused, so a
message of which half has come can never keep its other half out.
"""

import asyncio
from collections import deque
from typing import Final

_ROOM: Final = 64
"""Messages waiting; with more the socket is not read until all are taken. One read may bring some hundred."""


class Inbox:
    """Between a connection and its reader."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Args: transport: whose reading to pause."""
        self._transport, self._loop = transport, loop
        self._messages: deque[bytes] = deque()
        self._begun = bytearray()
        self._woken: asyncio.Future[None] | None = None
        self._is_over = False
        self._is_shut = False

    def __len__(self) -> int:
        """Count the messages that wait."""
        return len(self._messages)

    @property
    def begun(self) -> int:
        """Bytes of a message that is not whole yet."""
        return len(self._begun)

    def put(self, message: bytes) -> None:
        """Keep a whole message."""
        if self._is_shut:
            return
        self._messages.append(message)
        if len(self._messages) > _ROOM:
            self._transport.pause_reading()
        self._wake()

    def put_part(self, part: bytes | bytearray | memoryview, *, is_last: bool) -> None:
        """Keep a fragment; whoever reads the socket bounds the size of all."""
        self._begun += part
        if is_last:
            message = bytes(self._begun)
            self._begun.clear()
            self.put(message)

    def shut(self) -> None:
        """Drop what still comes, so that the other side's goodbye is read."""
        self._is_shut = True
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def end(self) -> None:
        """Let the reader find out that nothing comes any more."""
        self._is_over = True
        self._wake()

    async def one(self) -> bytes | None:
        """Wait for the next message; None: it is over, and all was taken. Cancelling it loses none."""
        while not self._messages:
            if self._is_over:
                return None
            self._transport.resume_reading()
            self._woken = self._loop.create_future()
            await self._woken
        return self._messages.popleft()

    def rest(self) -> list[bytes]:
        """Take all that are there."""
        messages = list(self._messages)
        self._messages.clear()
        return messages

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
