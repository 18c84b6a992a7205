"""What a connection may send and how many there may be, on the server as it is run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from server.api.desk import build
from twap_server.api import http_protocol
from twap_server.api.app import create_app
from twap_server.api.server import HttpServer, Listening
from twap_server.runtime.loops import HttpParser

PARSERS: list[HttpParser] = ["h11", "httptools"]
HEALTH = b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def serving(*, parser: HttpParser = "httptools", most: int | None = None) -> AsyncIterator[int]:
    """Serve; gives the port."""
    with Listening("127.0.0.1", 0) as listening:
        server = HttpServer(create_app(build()[0]), listening, parser=parser, most=most)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.run())
            try:
                yield listening.socket.getsockname()[1]
            finally:
                server.stop()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def status_of(connection: Connection, request: bytes = HEALTH) -> int:
    reader, writer = connection
    writer.write(request)
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
    return int(head.split()[1])


async def ended(connection: Connection) -> bytes:
    """All that comes until the server closes the connection."""
    async with asyncio.timeout(5):
        try:
            return await connection[0].read()
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("parser", PARSERS)
async def test_a_head_without_end_is_refused(parser: HttpParser) -> None:
    async with serving(parser=parser) as port, connected(port) as (reader, writer):
        writer.write(b"GET /health HTTP/1.1\r\nX-Long: ")
        for _ in range(200):
            writer.write(b"x" * 1_000)
        assert (await ended((reader, writer)))[:12] in (b"HTTP/1.1 400", b"")
        async with connected(port) as other:
            assert await status_of(other) == 200


@pytest.mark.parametrize("parser", PARSERS)
async def test_a_large_head_is_taken_and_so_are_many_requests(parser: HttpParser) -> None:
    large = HEALTH.replace(b"Host:", b"X-Large: " + b"x" * 40_000 + b"\r\nHost:")
    async with serving(parser=parser) as port, connected(port) as connection:
        for _ in range(3):
            assert await status_of(connection, large) == 200
            assert await status_of(connection) == 200


@pytest.mark.parametrize("sent", [b"", b"GET /health HTT", HEALTH + b"GET /he"])
async def test_a_head_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_WITHIN_S", 0.05)
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(sent)
        answer = await ended((reader, writer))
    assert answer.startswith(b"HTTP/1.1 200") is sent.startswith(HEALTH)


@pytest.mark.parametrize("parser", PARSERS)
async def test_more_connections_than_there_is_room_for_are_told(parser: HttpParser) -> None:
    async with serving(parser=parser, most=3) as port, connected(port) as one, connected(port) as two:
        assert await status_of(one) == await status_of(two) == 200
        async with connected(port) as three:
            assert await status_of(three) == 503
        async with asyncio.timeout(5):
            while await status_of(one) != 200:
                await asyncio.sleep(0)
