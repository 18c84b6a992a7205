"""uvicorn's HTTP protocol with bounds on the head of a request: it has none of its own on httptools.

In: bytes of one connection. A head that is too large or comes too slowly ends the connection, before anything
was done for it.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD: Final = 65_536
"""Bytes of request line and headers."""
HEAD_WITHIN_S: Final = 10
"""From the first byte, or from the connection, to the last of the head."""


class BoundedHttp(HttpToolsProtocol):
    """Give it to ``uvicorn.Config(http=...)``."""

    _head = 0
    """Bytes of the head that has begun."""
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in, and count them while the head is not whole."""
        super().data_received(data)
        if self._deadline is None or self.transport.is_closing():
            return
        self._head += len(data)
        if self._head > LARGEST_HEAD:
            self.send_400_response(f"Expected at most {LARGEST_HEAD} bytes of request line and headers.")

    def on_message_begin(self) -> None:
        """Expect the rest of the head."""
        super().on_message_begin()
        if self._deadline is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._stop_waiting()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._head = 0
        self._deadline = self.loop.call_later(HEAD_WITHIN_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
