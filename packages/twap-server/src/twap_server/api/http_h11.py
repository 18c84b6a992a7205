"""uvicorn's HTTP protocol on h11, with bounds: see ``http_bounds``. For machines without httptools.

h11 itself refuses a head, a chunk's frame or trailers that stay incomplete beyond 64 KiB.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from twap_server.api import http_bounds
from twap_server.api.http_bounds import Deadline, Remainder, pieces


class BoundedH11(H11Protocol):
    """Give it to ``uvicorn.Config(http=...)``."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a head."""
        super().connection_made(transport)
        self._head = Deadline(transport, self.loop)
        self._remainder = Remainder(transport, self.loop)
        self._head.start(http_bounds.HEAD_WITHIN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._head.stop()
        self._remainder.over()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in a piece at a time, so that h11 sees a head grow beyond its bound."""
        for piece in pieces(data):
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                break  # refused, or a WebSocket by now
            self._remainder.take(len(piece))
            super().data_received(piece)
        self._watch_head()

    def on_response_complete(self) -> None:
        """Let what is left of an answered request come, within bounds."""
        super().on_response_complete()
        if not self.transport.is_closing():
            if self.conn.their_state is h11.SEND_BODY:
                self._remainder.expect()
            self._watch_head()

    def _watch_head(self) -> None:
        if self.conn.their_state is not h11.SEND_BODY:
            self._remainder.over()
        if self.conn.their_state is not h11.IDLE:
            self._head.stop()
        elif self.conn.trailing_data[0]:
            self._head.start(http_bounds.HEAD_WITHIN_S)
