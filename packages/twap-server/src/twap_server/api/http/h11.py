"""Run uvicorn's HTTP protocol on h11, with our limits. For machines without httptools.

h11 itself refuses a head, a chunk's frame or trailers that stay incomplete beyond 64 KiB.
"""

import sys

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from twap_server.api.http.bounded_protocol import Bounded, pieces


class BoundedH11(Bounded, H11Protocol):
    """Give it to ``uvicorn.Config(http=...)``."""

    def data_received(self, data: bytes) -> None:
        """Take bytes in a piece at a time, so that h11 sees a head grow beyond its bound."""
        if self.is_turned_away(data):
            return
        for piece in pieces(data):
            if self.is_over:
                break
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
        self.look(is_whole=self.conn.their_state is not h11.SEND_BODY)

    def _watch_head(self) -> None:
        if self.conn.their_state is not h11.SEND_BODY:
            self._remainder.over()
        if self.conn.their_state is not h11.IDLE:
            self._head.stop()
        elif self.conn.trailing_data[0]:
            self.expect_head()
