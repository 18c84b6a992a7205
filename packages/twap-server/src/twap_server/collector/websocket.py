"""Read a WebSocket in bursts: all frames of one read of the socket are taken without waiting.

``websockets`` puts every frame through an assembler of fragments, three coroutines deep, which costs a third
of receiving, and which pauses the socket by a rule of its own. Here whole messages wait in ``inbox.py``.
"""

import asyncio
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import Event

from twap_server.collector.inbox import Inbox

_DATA: Final = (Opcode.TEXT, Opcode.BINARY)
"""What begins a message."""


class BurstConnection(ClientConnection):
    """Use ``next`` in place of ``recv``. One reader only."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start with nothing waiting."""
        super().connection_made(transport)
        self._inbox = Inbox(self.transport, self.loop)

    def process_event(self, event: Event) -> None:
        """Keep a whole message and the parts of one; leave everything else to the library."""
        if type(event) is not Frame:
            super().process_event(event)
        elif event.fin and event.opcode in _DATA:
            self._inbox.put(bytes(event.data))
        elif event.opcode in _DATA or event.opcode is Opcode.CONT:
            self._inbox.put_part(event.data, is_last=event.fin)
        else:
            super().process_event(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the reader find out."""
        super().connection_lost(exc)
        self._inbox.end()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close; what still comes is dropped, so that the other side's goodbye is read."""
        self._inbox.shut()
        await super().close(code, reason)

    async def next(self) -> bytes:
        """Wait for the next message, text or binary. Cancelling it loses none.

        Raises:
            ConnectionClosed: all that came before has been taken.
        """
        message = await self._inbox.one()
        if message is None:
            return await self.recv(decode=False)  # raises what the library says of the end
        return message

    async def burst(self) -> list[bytes]:
        """Wait for the next message and take all that are here. Raises as ``next``."""
        return [await self.next(), *self._inbox.rest()]
