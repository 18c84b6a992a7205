"""The exchange's end of a connection: a WebSocket by the library's protocol core, and plain HTTP answers."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

Answer = tuple[int, dict[str, str], bytes]


class Session(Protocol):
    """What speaks over a socket."""

    def begin(self) -> None: ...

    def receive(self, text: str) -> None: ...

    def end(self) -> None: ...


class SocketEnd(asyncio.Protocol):
    """One WebSocket connection as the exchange sees it."""

    def __init__(self, make: Callable[["SocketEnd"], Session], refusal: Callable[[], Answer | None]) -> None:
        """Args: refusal: what refuses the upgrade now, None when it is welcome."""
        self._core = ServerProtocol()
        self._make = make
        self._refusal = refusal
        self._session: Session | None = None
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._core.receive_data(data)
        for event in self._core.events_received():
            if isinstance(event, Request):
                self._greet(event)
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT and self._session is not None:
                self._session.receive(bytes(event.data).decode())
        self._flush()

    def eof_received(self) -> bool | None:
        self._core.receive_eof()
        self._flush()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.end()

    def send(self, text: str) -> None:
        """Send a text frame (not masked: servers do not)."""
        payload = text.encode()
        size = len(payload)
        head = b"\x81" + (bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big"))
        self.transport.write(head + payload)

    def send_binary(self, payload: bytes) -> None:
        """Send a binary frame."""
        self.transport.write(Frame(Opcode.BINARY, payload).serialize(mask=False))

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye."""
        if self._core.state.name == "OPEN":
            self._core.send_close(code, reason)
            self._flush()

    def _greet(self, request: Request) -> None:
        refusal = self._refusal()
        if refusal is None:
            self._core.send_response(self._core.accept(request))
            self._flush()
            self._session = self._make(self)
            self._session.begin()
            return
        status, headers, _ = refusal
        response = self._core.reject(status, "refused\n")
        for name, value in headers.items():
            response.headers[name] = value
        self._core.send_response(response)

    def _flush(self) -> None:
        for data in self._core.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.close()


class HttpEnd(asyncio.Protocol):
    """One HTTP connection: one GET, one answer."""

    def __init__(
        self, answer: Callable[[str, dict[str, str]], Answer | None], delay: Callable[[], float]
    ) -> None:
        """Args: answer: None never answers; delay: seconds the exchange thinks."""
        self._answer = answer
        self._delay = delay
        self._head = b""
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" in self._head:
            target = self._head.split(b" ", 2)[1].decode()
            self._head = b""
            asyncio.get_running_loop().call_later(self._delay(), self._reply, target)

    def eof_received(self) -> bool | None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        pass

    def _reply(self, target: str) -> None:
        parts = urlsplit(target)
        answer = self._answer(parts.path, dict(parse_qsl(parts.query)))
        if answer is None:
            return
        status, headers, body = answer
        lines = [f"HTTP/1.1 {status} Status", f"content-length: {len(body)}", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()
