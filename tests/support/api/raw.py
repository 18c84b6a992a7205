"""The server as it is run, on loopback, and connections to it without a library between."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from httpx import AsyncClient
from websockets.frames import Frame, Opcode

from support.api.desk import CHEAP, Desk, build
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig, StreamConfig
from twap_server.api.http.connection_gate import ConnectionGate
from twap_server.api.server import HttpServer, Listening
from twap_server.runtime.loops import HttpParser

PARSERS: list[HttpParser] = ["h11", "httptools"]
HEALTH = b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(b"x" * 16) + b"\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Moment:
    """Seconds that pass when a test says so."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Served(Desk):
    """A desk behind the server as it is run."""

    port: int
    gate: ConnectionGate
    moment: Moment = field(default_factory=Moment)


@dataclass(frozen=True)
class Answer:
    """One answer, as far as it matters here."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def configured(*, stream: dict[str, Any] | None = None, **change: Any) -> ApiConfig:
    return ApiConfig.model_validate({"passwords": CHEAP, "stream": StreamConfig(**(stream or {})), **change})


@asynccontextmanager
async def served(
    config: ApiConfig | None = None,
    *,
    parser: HttpParser = "httptools",
    app_of: Callable[[FastAPI], FastAPI] = lambda app: app,
) -> AsyncIterator[Served]:
    """Serve; the time that the gate counts by stands still until the test moves it."""
    services, accounts, market, orders, clock = build(config)
    moment = Moment()
    gate = ConnectionGate(services.config, now=moment)
    app = app_of(create_app(services, gate))
    with Listening("127.0.0.1", 0) as listening:
        server = HttpServer(app, listening, parser=parser, gate=gate)
        port = listening.socket.getsockname()[1]
        async with asyncio.TaskGroup() as group:
            group.create_task(server.run())
            async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                try:
                    yield Served(app, services, accounts, market, orders, clock, http, port, gate, moment)
                finally:
                    await services.sessions.close_all()
                    server.stop()


@asynccontextmanager
async def serving(*, parser: HttpParser = "httptools") -> AsyncIterator[int]:
    """Serve; gives the port."""
    async with served(parser=parser) as one:
        yield one.port


@asynccontextmanager
async def connected(port: int, source: str = "127.0.0.1") -> AsyncIterator[Connection]:
    """Connect; on loopback any 127.0.0.x can be the source."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        yield reader, writer
    finally:
        writer.close()


def idle(port: int, source: str) -> socket.socket:
    """A connection that says nothing, at once."""
    return socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(source, 0))


async def ask(connection: Connection, request: bytes = HEALTH) -> Answer:
    reader, writer = connection
    writer.write(request)
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        status, *lines = head.decode().rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        is_empty = request.startswith(b"HEAD") or "content-length" not in headers
        body = b"" if is_empty else await reader.readexactly(int(headers["content-length"]))
    return Answer(int(status.split()[1]), headers, body)


async def status_of(connection: Connection, request: bytes = HEALTH) -> int:
    return (await ask(connection, request)).status


async def ended(connection: Connection) -> bytes:
    """All that comes until the server closes the connection."""
    async with asyncio.timeout(5):
        try:
            return await connection[0].read()
        except ConnectionResetError:
            return b""


async def sign_in(connection: Connection, token: str) -> None:
    """Sign in on an upgraded connection."""
    reader, writer = connection
    message = json.dumps({"type": "auth", "token": token}).encode()
    writer.write(Frame(Opcode.TEXT, message).serialize(mask=True))
    async with asyncio.timeout(5):
        assert b"authenticated" in await reader.readuntil(b"}")


async def is_alive(connection: Connection) -> bool:
    """Whether a signed-in stream answers."""
    reader, writer = connection
    writer.write(Frame(Opcode.TEXT, b'{"type":"ping"}').serialize(mask=True))
    async with asyncio.timeout(5):
        return b"pong" in await reader.readuntil(b"}")
