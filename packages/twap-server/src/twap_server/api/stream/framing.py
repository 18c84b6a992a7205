"""Frame WebSocket messages once for many clients, and write them unchanged.

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
from http import HTTPStatus
from secrets import token_hex
from typing import Any, TypeAlias, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import CloseCode, Opcode
from websockets.frames import Frame as WireFrame
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from twap_models import exact_json
from twap_models.base import WireModel
from twap_models.enums import ErrorCode
from twap_server.api.http.bounded_protocol import pieces
from twap_server.api.http.connection_gate import HttpConnection
from twap_server.api.http.raw_answers import PROBLEM_JSON, problem_body
from twap_server.api.http.security_headers import ALWAYS
from twap_server.feed.bus import EncodedMessage

EXTENSION = "twap.write_framed"
SIGNED_IN = "twap.signed_in"
"""The scope's function to call once the client is known: from then on it may send more."""
UNSENT = "twap.unsent"
"""The scope's function that gives the bytes written to the client that it has not taken yet."""
WriteFramed: TypeAlias = Callable[[bytes], bool]
"""Writes one framed message; false when the client takes nothing now, or is leaving: nothing was written."""

_MOST_UNSENT = 16_384
"""Bytes that the kernel may hold unsent for one client: a slow one must not get a queue of old books."""
FRAMES_PER_SECOND = 200
"""Frames of any kind, pings, pongs and fragments included; more close the connection."""
FRAMES_BEFORE_SIGN_IN = 128
BYTES_BEFORE_SIGN_IN = 16_384
MOST_FRAGMENTS = 32
"""Frames of one message."""


def encode(message: WireModel | Mapping[str, object]) -> EncodedMessage:
    """Encode and frame a message; a mapping: one of many, without a model between."""
    body = message.to_json() if isinstance(message, WireModel) else exact_json.dumps(message)
    return EncodedMessage(body.decode(), WireFrame(Opcode.TEXT, body).serialize(mask=False))


def admit(scope: Mapping[str, Any]) -> None:
    """Say that the client has signed in, where the scope's server wants to know."""
    tell: Callable[[], None] | None = scope.get("extensions", {}).get(SIGNED_IN)
    if tell is not None:
        tell()


def writer_in(scope: Mapping[str, Any]) -> WriteFramed | None:
    """Give the scope's writer of framed messages, if its server offers one."""
    write: WriteFramed | None = scope.get("extensions", {}).get(EXTENSION)
    return write


def unsent_in(scope: Mapping[str, Any]) -> Callable[[], int]:
    """Give the scope's count of bytes that the client has not taken; zero where its server has none."""
    unsent: Callable[[], int] = scope.get("extensions", {}).get(UNSENT, int)
    return unsent


class FrameBounds:
    """What a client may send: few frames and bytes until it signs in, then so many frames a second."""

    def __init__(self) -> None:
        self._known = False
        self._frames = self._bytes = self._fragments = 0
        self._second = 0

    def admit(self) -> None:
        """Allow more: the client has signed in."""
        self._known = True
        self._frames = 0

    def take(self, count: int) -> bool:
        """Count bytes; false when they are too many."""
        self._bytes += count
        return self._known or self._bytes <= BYTES_BEFORE_SIGN_IN

    def count(self, frame: WireFrame, now: float) -> bool:
        """Count a frame; false when it is one too many, of its second or of its message."""
        if self._known and int(now) != self._second:
            self._second, self._frames = int(now), 0
        self._frames += 1
        self._fragments = self._fragments + 1 if frame.opcode is Opcode.CONT else 0
        most = FRAMES_PER_SECOND if self._known else FRAMES_BEFORE_SIGN_IN
        return self._frames <= most and self._fragments < MOST_FRAGMENTS


class _Handshake(ServerProtocol):
    """Refuses with a problem document."""

    def reject(self, status: StatusLike, text: str) -> Response:
        number = HTTPStatus(status)
        if number is HTTPStatus.INTERNAL_SERVER_ERROR:
            code, text = ErrorCode.INTERNAL, "something went wrong on our side"
        else:
            code = ErrorCode.INVALID_REQUEST
        words = text.partition("\n")[0] or "the stream is at /ws, and nothing else opens as a WebSocket"
        request_id = token_hex(16)
        body = problem_body(number, code, words, request_id)
        headers = Headers(
            [
                ("connection", "close"),
                ("content-type", PROBLEM_JSON),
                ("content-length", str(len(body))),
                ("x-request-id", request_id),
            ]
        )
        headers.update((name.decode(), value.decode()) for name, value in ALWAYS)
        return Response(number.value, number.phrase, headers, body)


class FramedProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol with the extension and with bounds: ``uvicorn.Config(ws=...)``.

    A client counts as busy as soon as one byte waits for it: what comes then is kept, and conflated, by the
    session, not by the transport. Nothing is read from a client that does not take our pongs.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take uvicorn's arguments."""
        super().__init__(*args, **options)
        plain = self.conn
        self.conn = _Handshake(
            extensions=plain.available_extensions, max_size=self.config.ws_max_size, logger=plain.logger
        )
        plain.parser.close()  # it and ``plain`` hold each other

    def connection_made(self, transport: BaseTransport) -> None:
        """Keep the buffers below us short."""
        before = cast(Transport, transport).get_protocol()
        super().connection_made(transport)
        self._http_connection: HttpConnection | None = getattr(before, "http_connection", None)
        if self._http_connection is not None:
            self._http_connection.on_giving_way(self._give_way)
        self._bounds = FrameBounds()
        self._upgraded = False
        cast(Transport, transport).set_write_buffer_limits(high=0)
        _limit_unsent(transport.get_extra_info("socket"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room, and let go of what holds us: a circle would wait long for the garbage collector."""
        if self._http_connection is not None:
            self._http_connection.over()
        super().connection_lost(exc)
        self.conn.parser.close()
        self.conn.parser_exc = None

    def data_received(self, data: bytes) -> None:
        """Take bytes in a piece at a time, so that a bound holds within one read."""
        if not self._upgraded:  # the request, which the HTTP protocol has bounded
            self._upgraded = True
            super().data_received(data)
            return
        if not self.handshake_complete:  # nobody sends before our answer, and uvicorn asserts it
            self.transport.close()
            return
        for piece in pieces(data):
            if self.transport.is_closing():
                return
            if not self._bounds.take(len(piece)):
                self._refuse("expected to sign in first")
                return
            super().data_received(piece)

    def handle_events(self) -> None:
        """Count what came before anything of it is looked at."""
        now = self.loop.time()
        if all(self._bounds.count(one, now) for one in self.conn.events if isinstance(one, WireFrame)):
            super().handle_events()
        else:
            self._refuse("too many frames")

    def send_receive_event_to_app(self) -> None:
        """Close for a text that is not UTF-8: uvicorn would, too, with a stack trace in the log each time."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_utf8(b"".join(self.frames)):
            self._refuse("expected UTF-8", CloseCode.INVALID_DATA)
            return
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Answer; read on only once the answer is taken."""
        super().handle_ping()
        if not self.writable.is_set() and not self.read_paused:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Everything was taken: read on."""
        super().resume_writing()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    async def run_asgi(self) -> None:
        """Offer the extensions; none to write with if frames of this connection are compressed."""
        extensions = cast(dict[str, Any], self.scope["extensions"])
        extensions[SIGNED_IN] = self._admit
        extensions[UNSENT] = self.transport.get_write_buffer_size
        if not self.conn.extensions:
            extensions[EXTENSION] = self.write_framed
        try:
            await super().run_asgi()
        finally:
            extensions.clear()  # they hold us, and we hold them
            if self._http_connection is not None:
                self._http_connection.look(is_working=False)  # only its end is waited for

    async def send(self, message: Any) -> None:
        """Send; a refusal completes the handshake, which uvicorn would otherwise log as our error."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def write_framed(self, message: bytes) -> bool:
        """Write a framed message, if the client takes everything that was written before."""
        if self.close_sent or self.disconnected or not self.writable.is_set() or self.transport.is_closing():
            return False
        self.transport.write(message)
        return True

    def _admit(self) -> None:
        self._bounds.admit()
        if self._http_connection is not None:
            self._http_connection.sign_in()
            self._http_connection.look(is_working=True)

    def _give_way(self) -> None:
        self._refuse("others need the room: come back", CloseCode.TRY_AGAIN_LATER)

    def _refuse(self, reason: str, code: CloseCode = CloseCode.POLICY_VIOLATION) -> None:
        self.conn.fail(code, reason)
        if self.conn.close_sent is None:  # not upgraded yet, or at its end
            self.transport.close()
        else:
            self.handle_parser_exception()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _limit_unsent(connection: socket.socket | None) -> None:
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT)
