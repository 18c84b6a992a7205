"""Serve HTTP/1.1 and WebSocket on one loopback port, as little of both as a test needs."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.protocol import State
from websockets.server import ServerProtocol

from twap_models import exact_json
from twap_models.base import WireModel

_TURNS = 5
"""Of the event loop, more than a connection needs from being accepted to being served."""
_BROKEN = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The body as an HTML form."""
        return dict(parse_qsl(self.body.decode()))

    @property
    def json(self) -> Any:
        """The body as exact JSON."""
        return exact_json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server answers; ``cut`` breaks the connection instead, ``silent`` never answers.

    ``body`` is written as JSON; with ``kind``, a media type, it is a text and sent as it is.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    cut: bool = False
    silent: bool = False


class Socket:
    """The server's end of one WebSocket."""

    def __init__(self, protocol: ServerProtocol, writer: asyncio.StreamWriter) -> None:
        self._protocol = protocol
        self._writer = writer

    def send(self, message: WireModel | str) -> None:
        """Send a message, or any text; to one that is closing, nothing."""
        if self._is_open:
            data = message.encode() if isinstance(message, str) else message.to_json()
            self._protocol.send_text(data)
            self.flush()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close politely."""
        if self._is_open:
            self._protocol.send_close(code, reason)
            self.flush()

    @property
    def _is_open(self) -> bool:
        return self._protocol.state is State.OPEN and not self._writer.is_closing()

    def abort(self) -> None:
        """Break the connection without a word."""
        self._writer.transport.abort()

    def flush(self) -> None:
        """Hand what the protocol wants to say to the socket."""
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)
            else:
                self._writer.close()


OnRequest = Callable[[Request], Reply]
OnSocket = Callable[[Socket, bytes | None], None]


class Sockets:
    """Listens on loopback.

    ``on_request`` answers HTTP; ``on_socket`` is told of each WebSocket's messages, ``None`` when one ends.
    """

    def __init__(self, on_request: OnRequest, on_socket: OnSocket) -> None:
        self._on_request = on_request
        self._on_socket = on_socket
        self._tasks: set[asyncio.Task[Any]] = set()
        self._transports: set[asyncio.WriteTransport] = set()
        self._server: asyncio.Server | None = None

    async def open(self, port: int = 0) -> int:
        """Start to listen, on a port of its own choosing for 0; give the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        port = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop listening and end every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for _ in range(_TURNS):
                await asyncio.sleep(0)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for transport in self._transports:  # accepted, and not served yet
            transport.abort()
        self._transports.clear()

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Coroutine[Any, Any, None]:
        self._transports.add(writer.transport)
        if self._server is None:
            writer.transport.abort()
        return self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(*_BROKEN, asyncio.CancelledError):
                await self._requests(reader, writer)
        finally:
            self._tasks.discard(task)
            self._transports.discard(writer.transport)
            writer.transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            request = await _read_request(head, reader)
            if request.headers.get("upgrade", "").lower() == "websocket":
                await self._websocket(head, reader, writer)
                return
            reply = self._on_request(request)
            if reply.silent:
                await reader.read()
            if reply.cut or reply.silent:
                return
            writer.write(_reply_bytes(reply))
            await writer.drain()

    async def _websocket(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(head)
        handshake = protocol.events_received()[0]
        assert isinstance(handshake, Handshake)
        protocol.send_response(protocol.accept(handshake))
        socket = Socket(protocol, writer)
        socket.flush()
        try:
            while data := await reader.read(65536):
                protocol.receive_data(data)
                for event in protocol.events_received():
                    if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                        self._on_socket(socket, bytes(event.data))
                socket.flush()
        finally:
            self._on_socket(socket, None)


async def _read_request(head: bytes, reader: asyncio.StreamReader) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    parts = urlsplit(target)
    return Request(
        method=method,
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query)),
        headers=headers,
        body=await reader.readexactly(int(headers.get("content-length") or 0)),
    )


def _reply_bytes(reply: Reply) -> bytes:
    kind = reply.kind or ("application/problem+json" if reply.status >= 400 else "application/json")
    body = b"" if reply.body is None else exact_json.dumps(reply.body)
    if reply.kind:
        body = str(reply.body).encode()
    headers = {"Content-Type": kind, "Content-Length": str(len(body))} | dict(reply.headers)
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
