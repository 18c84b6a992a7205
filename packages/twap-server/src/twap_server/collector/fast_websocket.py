"""What ``websocket.py`` does, over picows, which takes frames apart in C: the extra ``fast``.

The limits are the same. So are the errors, those of ``websockets``: whoever uses a connection need not know
which of the two it is.
"""

import asyncio
import logging
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NoReturn

import picows
import python_socks
from picows import WSCloseCode, WSMsgType
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    ProxyError,
)
from websockets.frames import OK_CLOSE_CODES, Close, CloseCode
from websockets.http11 import Response

from twap_server.collector.inbox import Inbox

if TYPE_CHECKING:
    from picows.picows import WSCloseInfo

_CLOSE_S: Final = 1
"""How long the other side's goodbye is waited for."""
_LAST_WORDS_S: Final = 0.01
"""After which a connection is cut whose other side does not answer."""
_SILENT: Final = logging.Logger("picows", logging.CRITICAL + 1)
"""Why a connection ended is told by whoever used it."""


class FastConnection(picows.WSListener):
    """One connection, as ``BurstConnection``. One reader only."""

    def __init__(self, *, ping_every_s: float, max_size: int) -> None:
        """Args: as ``connect``."""
        self._ping_every_s, self._max_size = ping_every_s, max_size
        self._is_amid = False
        """Whether a message has begun whose last fragment is to come."""
        self._awaits_pong = False
        self._pings: asyncio.TimerHandle | None = None
        self._closed = asyncio.Event()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Start with nothing waiting."""
        self._loop = asyncio.get_running_loop()
        self.socket = transport
        self._inbox = Inbox(transport.underlying_transport, self._loop)
        self._pings = self._loop.call_later(self._ping_every_s, self._ping)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Keep a whole message and the parts of one; answer a goodbye.

        Raises:
            WSProtocolError: it is none of the protocol's, or too large; picows closes the connection then.
        """
        kind = frame.msg_type
        if frame.payload_size > self._max_size:
            self._inbox.shut()  # picows has refused it, and gives it all the same, and what follows
        elif frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._refuse(WSCloseCode.PROTOCOL_ERROR, "reserved bits must be 0")
        elif kind in _DATA and frame.fin and not self._is_amid:
            self._inbox.put(frame.get_payload_as_bytes())
        elif kind in _DATA or kind == WSMsgType.CONTINUATION:
            self._continue(frame)
        elif kind == WSMsgType.PONG:
            self._awaits_pong = False
        elif kind == WSMsgType.CLOSE:
            self._answer_close(frame)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """Let the reader find out."""
        if self._pings is not None:
            self._pings.cancel()
        self._closed.set()
        self._inbox.end()

    async def next(self) -> bytes:
        """Wait for the next message, text or binary. Cancelling it loses none.

        Raises:
            ConnectionClosed: all that came before has been taken.
        """
        message = await self._inbox.one()
        if message is None:
            raise self._end()
        return message

    async def burst(self) -> list[bytes]:
        """Wait for the next message and take all that are here. Raises as ``next``."""
        return [await self.next(), *self._inbox.rest()]

    async def send(self, text: str) -> None:
        """Send a text.

        Raises:
            ConnectionClosed: it is.
        """
        if self._closed.is_set() or self.socket.is_close_frame_sent:
            raise self._end()
        self.socket.send(WSMsgType.TEXT, text.encode())

    async def close(self) -> None:
        """Close; what still comes is dropped, so that the other side's goodbye is read."""
        self._inbox.shut()
        if not self._closed.is_set() and not self.socket.is_close_frame_sent:
            self.socket.send_close(WSCloseCode.OK)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), _CLOSE_S)
        finally:
            self.socket.disconnect(graceful=False)
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Wait until it is closed, however that came."""
        with suppress(picows.WSError):  # of what the other side did wrong: its code was sent
            await self.socket.wait_disconnected()

    def _continue(self, frame: picows.WSFrame) -> None:
        if self._is_amid is not (frame.msg_type == WSMsgType.CONTINUATION):
            self._refuse(WSCloseCode.PROTOCOL_ERROR, "a fragment out of place")
        if self._inbox.begun + frame.payload_size > self._max_size:
            self._refuse(WSCloseCode.MESSAGE_TOO_BIG, "a message is too large")
        self._is_amid = not frame.fin
        self._inbox.put_part(frame.get_payload_as_bytes(), is_last=frame.fin)

    def _refuse(self, code: WSCloseCode, words: str) -> NoReturn:
        self._inbox.shut()  # nothing counts that comes after it
        raise picows.WSProtocolError(code, words)

    def _answer_close(self, frame: picows.WSFrame) -> None:
        if not self.socket.is_close_frame_sent:
            code = frame.get_close_code()
            self.socket.send_close(WSCloseCode.OK if code == WSCloseCode.NO_INFO else code)
        self.socket.disconnect()

    def _ping(self) -> None:
        if self._awaits_pong:
            self.socket.send_close(WSCloseCode.INTERNAL_ERROR, "keepalive ping timeout")
            self._loop.call_later(_LAST_WORDS_S, self.socket.disconnect, False)
            return
        self.socket.send_ping()
        self._awaits_pong = True
        self._pings = self._loop.call_later(self._ping_every_s, self._ping)

    def _end(self) -> ConnectionClosed:
        """Tell the end as ``websockets`` does."""
        told = self.socket.close_handshake
        received, sent = (_goodbye(told.recv), _goodbye(told.sent)) if told else (None, None)
        is_good = all(one is not None and one.code in OK_CLOSE_CODES for one in (received, sent))
        shape = ConnectionClosedOK if is_good else ConnectionClosedError
        return shape(received, sent, told.recv_then_sent if received and sent else None)


async def connect(
    url: str, *, proxy: str | None, open_timeout: float, ping_every_s: float, max_size: int
) -> FastConnection:
    """Open a WebSocket.

    Args:
        url: where to.
        proxy: through which proxy, None for none.
        open_timeout: seconds until it is open.
        ping_every_s: how often to ping, and how long the answer may take.
        max_size: bytes of the largest message taken.

    Raises:
        InvalidHandshake, ProxyError, OSError: as ``websockets`` does.
    """
    try:
        async with asyncio.timeout(open_timeout):
            _, opened = await picows.ws_connect(
                lambda request, response: FastConnection(ping_every_s=ping_every_s, max_size=max_size),
                url,
                proxy=proxy and proxy.replace("socks5h:", "socks5:", 1),  # names are the proxy's to look up
                websocket_handshake_timeout=open_timeout,  # closes what is given up amid its handshake
                max_frame_size=max_size,
                logger_name=_SILENT,
                use_aiofastnet=False,
            )
    except picows.WSHandshakeError as refusal:
        raise _why_refused(refusal) from None
    except picows.WSError as error:
        raise InvalidHandshake(str(error)) from None
    except python_socks.ProxyError as error:
        raise ProxyError(str(error)) from None
    if not isinstance(opened, FastConnection):  # it was cut before it answered
        raise InvalidMessage("did not receive a valid HTTP response")
    return opened


_DATA: Final = (WSMsgType.TEXT, WSMsgType.BINARY)
"""What begins a message."""


def _why_refused(refusal: picows.WSHandshakeError) -> InvalidHandshake:
    answer = refusal.response
    if answer is None or answer.status == HTTPStatus.SWITCHING_PROTOCOLS:
        return InvalidMessage(str(refusal))
    headers = Headers(answer.headers.items())
    body = refusal.raw_body or answer.body or b""
    return InvalidStatus(Response(answer.status.value, answer.status.phrase, headers, body))


def _goodbye(told: "WSCloseInfo | None") -> Close | None:
    if told is None:
        return None
    code = told.code.value if isinstance(told.code, WSCloseCode) else int(told.code)  # of an exchange's own
    return Close(code or CloseCode.NO_STATUS_RCVD, told.reason or "")
