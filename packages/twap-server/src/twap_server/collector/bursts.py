"""The library's WebSocket, read in bursts: what came with one read of the socket is taken without waiting.

``websockets`` puts every frame through an assembler of fragments, three coroutines deep, which costs a third
of receiving. Exchanges send whole messages, so those wait in a plain queue here. Fragments still go through
the library's assembler, with its limits; their place in the queue is marked, so the order stays.
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
_FRAGMENTED: Final = None


class BurstConnection(ClientConnection):
    """Use ``next`` in place of ``recv``. One reader only."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start with nothing waiting."""
        super().connection_made(transport)
        self._inbox: deque[bytes | None] = deque()
        self._woken: asyncio.Future[None] | None = None
        self._is_over = False

    def process_event(self, event: Event) -> None:
        """Keep a whole message; leave everything else to the library."""
        if type(event) is not Frame or event.opcode not in _DATA:
            super().process_event(event)
        elif event.fin:
            self._put(bytes(event.data))
        else:
            super().process_event(event)
            self._put(_FRAGMENTED)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the reader find out."""
        super().connection_lost(exc)
        self._is_over = True
        self._wake()

    async def next(self) -> bytes:
        """Wait for the next message, text or binary.

        Raises:
            ConnectionClosed: all that came before has been taken.
        """
        while not self._inbox:
            if self._is_over:
                return await self.recv(decode=False)  # raises what the library says of the end
            self.transport.resume_reading()
            self._woken = self.loop.create_future()
            await self._woken
        message = self._inbox.popleft()
        return message if message is not None else await self.recv(decode=False)

    def _put(self, message: bytes | None) -> None:
        self._inbox.append(message)
        if len(self._inbox) > _ROOM:
            self.transport.pause_reading()
        self._wake()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
