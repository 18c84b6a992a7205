"""uvicorn's HTTP protocol on h11, with bounds: see ``http_bounds``. For machines without httptools.

h11 itself refuses a head, a chunk's frame or trailers that stay incomplete beyond 64 KiB.
"""

import asyncio
import sys

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from twap_server.api.http import bounded_protocol
from twap_server.api.http.attended import Attended
from twap_server.api.http.bounded_protocol import Deadline, Remainder, pieces


class BoundedH11(Attended, H11Protocol):
    """Give it to ``uvicorn.Config(http=...)``."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a head."""
        super().connection_made(transport)
        self._head = Deadline(transport, self.loop)
        self._remainder = Remainder(transport, self.loop)
        self._head.start(bounded_protocol.HEAD_WITHIN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._head.stop()
        self._remainder.over()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in a piece at a time, so that h11 sees a head grow beyond its bound."""
        if self.is_turned_away(data):
            return
        for piece in pieces(data):
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                break  # refused, or a WebSocket by now
            self._remainder.take(len(piece))
            super().data_received(piece)
        self._watch_head()
        self._look()

    def on_response_complete(self) -> None:
        """Let what is left of an answered request come, within bounds."""
        super().on_response_complete()
        if not self.transport.is_closing():
            if self.conn.their_state is h11.SEND_BODY:
                self._remainder.expect()
            self._watch_head()
        self._look()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Let a stream in, if there is room."""
        if self.has_room_for_stream():
            super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong, in a problem document."""
        error = sys.exc_info()[1]
        self.refuse(msg if error is None else f"expected an HTTP request: {error}")

    def _look(self) -> None:
        """Tell the doors whether the client is waited for; a stranger is until its request is whole."""
        if self.visit is not None and self.transport.get_protocol() is self:
            is_answering = self.cycle is not None and not self.cycle.response_complete
            is_ready = self.conn.their_state is not h11.SEND_BODY or self.visit.is_known
            self.visit.look(is_working=is_answering and is_ready)

    def _watch_head(self) -> None:
        if self.conn.their_state is not h11.SEND_BODY:
            self._remainder.over()
        if self.conn.their_state is not h11.IDLE:
            self._head.stop()
        elif self.conn.trailing_data[0]:
            self._head.start(bounded_protocol.HEAD_WITHIN_S)
