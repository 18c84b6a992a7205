"""WebSocket messages framed once for many clients, and the server side that writes them as they are.

The frames of a server carry no mask, so a message is the same bytes for every client that agreed on no
compression. The usual way to each client (a task is woken, an ASGI message goes through every layer, the
frame is made anew) takes longer than the kernel's part. So uvicorn's protocol class is extended: the scope
offers ``EXTENSION``, a function that writes a framed message straight to the transport. Where it is absent,
on another server, messages go the usual way.
"""

import contextlib
import socket
from asyncio.transports import BaseTransport, Transport
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode

from twap_models.base import WireModel
from twap_server.feed.bus import Frame

EXTENSION = "twap.write_framed"
WriteFramed: TypeAlias = Callable[[bytes], bool]
"""Writes one framed message; false when the client takes nothing now, or is leaving: nothing was written."""

_MOST_UNSENT = 16_384
"""Bytes that the kernel may hold unsent for one client: a slow one must not get a queue of old books."""


def encode(message: WireModel) -> Frame:
    """Encode and frame a message."""
    body = message.to_json()
    return Frame(body.decode(), WireFrame(Opcode.TEXT, body).serialize(mask=False))


def writer_in(scope: Mapping[str, Any]) -> WriteFramed | None:
    """Give the scope's writer of framed messages, if its server offers one."""
    write: WriteFramed | None = scope.get("extensions", {}).get(EXTENSION)
    return write


class FramedProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, with the extension; give it to ``uvicorn.Config(ws=...)``.

    A client counts as busy as soon as one byte waits for it: what comes then is kept, and conflated, by the
    session, not by the transport.
    """

    def connection_made(self, transport: BaseTransport) -> None:
        """Keep the buffers below us short."""
        super().connection_made(transport)
        cast(Transport, transport).set_write_buffer_limits(high=0)
        _limit_unsent(transport.get_extra_info("socket"))

    async def run_asgi(self) -> None:
        """Offer the extension, unless frames of this connection are compressed."""
        if not self.conn.extensions:
            cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = self.write_framed
        await super().run_asgi()

    def write_framed(self, message: bytes) -> bool:
        """Write a framed message, if the client takes everything that was written before."""
        if self.close_sent or self.disconnected or not self.writable.is_set() or self.transport.is_closing():
            return False
        self.transport.write(message)
        return True


def _limit_unsent(connection: socket.socket | None) -> None:
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT)
