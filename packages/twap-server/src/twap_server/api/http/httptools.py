"""Run uvicorn's HTTP protocol on httptools, with our limits.

A head or trailers that are too large or come too slowly end the connection, before anything more is kept.
"""

import sys

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from twap_server.api.http.bounded_protocol import LARGEST_HEAD, MOST_PIPELINED, Bounded, pieces


class BoundedHttp(Bounded, HttpToolsProtocol):
    """Give it to ``uvicorn.Config(http=...)``."""

    _framing = 0
    """Bytes of this request that are not body: its head, its chunks' sizes, its trailers."""
    _whole = True
    """Whether the request that began last has come to its end."""
    _in_head = False

    def data_received(self, data: bytes) -> None:
        """Take bytes in a piece at a time, and count what is not body."""
        if self.is_turned_away(data):
            return
        for piece in pieces(data):
            if self.is_over:
                return  # nothing may follow the request of a WebSocket before our answer
            self._framing += len(piece)
            self._remainder.take(len(piece))
            if self._whole:
                self.expect_head()
            super().data_received(piece)
            self._check()
        self._look()

    def on_message_begin(self) -> None:
        """Expect the rest of the head; what came with the end of the request before counts for this one."""
        super().on_message_begin()
        self._whole = False
        self._in_head = True
        self.expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers are dropped, nothing here reads them."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._framing = 0
        self._head.stop()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Do not count the body as framing; chunks of one byte may cost eight to frame."""
        self._framing = max(0, self._framing - 8 * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._whole = True
        self._framing = 0
        self._remainder.over()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Let what is left of an answered request come, within bounds."""
        super().on_response_complete()
        if not self._whole and self.cycle.response_complete and not self.transport.is_closing():
            self._remainder.expect()
        self._look()

    def handle_websocket_upgrade(self) -> None:
        """Let a stream in, if there is room, and let go of the parser, which holds us."""
        if self.has_room_for_stream():
            super().handle_websocket_upgrade()
            self.parser = None  # type: ignore[assignment]

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong, in a problem document."""
        error = sys.exc_info()[1]
        words = msg if error is None else f"expected an HTTP request: {error}"
        self.refuse(words, is_ahead=bool(self.pipeline))

    def _look(self) -> None:
        self.look(is_whole=self._whole, is_ahead=bool(self.pipeline))

    def _check(self) -> None:
        if self.is_over:
            return
        if self._framing > LARGEST_HEAD:
            words = f"expected at most {LARGEST_HEAD} bytes of request line and headers"
            self.refuse(words, is_ahead=bool(self.pipeline))
        elif len(self.pipeline) > MOST_PIPELINED:
            self.transport.close()
