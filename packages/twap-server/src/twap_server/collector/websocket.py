"""Read a WebSocket in bursts: all frames of one read of the socket are taken without waiting.

``websockets`` puts every frame through an assembler of fragments, three coroutines deep, which costs a third
of receiving, and which pauses the socket by a rule of its own. Here whole messages wait in a plain queue, and
fragments are put together before they join it: only whole messages count when reading is paused, so a message
of which half has come can never keep its other half out.
"""

import asyncio
from collections import deque
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import Event

_DATA: Final = (Opcode.TEXT, Opcode.BINARY)
"""What begins a message."""
_ROOM: Final = 64
"""Messages waiting; with more the socket is not read until all are taken. One read may bring some hundred."""


class BurstConnection(ClientConnection):
    """Use ``next`` in place of ``recv``. One reader only."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start with nothing waiting."""
        super().connection_made(transport)
        self._inbox: deque[bytes] = deque()
        self._begun = bytearray()
        """The fragments so far of a message that is not whole; the library bounds its size."""
        self._woken: asyncio.Future[None] | None = None
        self._is_over = False
        self._is_closing = False

    def process_event(self, event: Event) -> None:
        """Keep a whole message and the parts of one; leave everything else to the library."""
        if type(event) is not Frame:
            super().process_event(event)
        elif event.fin and event.opcode in _DATA:
            self._put(bytes(event.data))
        elif event.opcode in _DATA or event.opcode is Opcode.CONT:
            self._continue(event)
        else:
            super().process_event(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the reader find out."""
        super().connection_lost(exc)
        self._is_over = True
        self._wake()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close; what still comes is dropped, so that the other side's goodbye is read."""
        self._is_closing = True
        if not self.transport.is_closing():
            self.transport.resume_reading()
        await super().close(code, reason)

    async def next(self) -> bytes:
        """Wait for the next message, text or binary. Cancelling it loses none.

        Raises:
            ConnectionClosed: all that came before has been taken.
        """
        while not self._inbox:
            if self._is_over:
                return await self.recv(decode=False)  # raises what the library says of the end
            self.transport.resume_reading()
            self._woken = self.loop.create_future()
            await self._woken
        return self._inbox.popleft()

    async def burst(self) -> list[bytes]:
        """Wait for the next message and take all that are here, as ``next`` would one by one."""
        messages = [await self.next(), *self._inbox]
        self._inbox.clear()
        return messages

    def _continue(self, fragment: Frame) -> None:
        self._begun += fragment.data
        if fragment.fin:
            message = bytes(self._begun)
            self._begun.clear()
            self._put(message)

    def _put(self, message: bytes) -> None:
        if self._is_closing:
            return
        self._inbox.append(message)
        if len(self._inbox) > _ROOM:
            self.transport.pause_reading()
        self._wake()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
