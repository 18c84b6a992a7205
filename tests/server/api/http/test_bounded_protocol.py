"""What a connection may send, on the server as it is run."""

import asyncio
import contextlib

import pytest

from support.api.raw import HEALTH, PARSERS, Connection, connected, ended, serving, status_of
from twap_server.api.http import bounded_protocol
from twap_server.runtime.loops import HttpParser

REFRESH = (
    b"POST /auth/refresh HTTP/1.1\r\nHost: here\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
CHUNK = b"3\r\na=b\r\n"


async def sent_until_closed(connection: Connection, piece: bytes, most: int = 40_000_000) -> int:
    """Send for ever, or so; gives the bytes until the server closed the connection."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < most:
            connection[1].write(piece)
            async with asyncio.timeout(5):
                await connection[1].drain()
            sent += len(piece)
    return sent


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


@pytest.mark.parametrize("sent", [b"", b"GET /health HTT", HEALTH + b"GET /he", b"\r\n"])
@pytest.mark.parametrize("parser", PARSERS)
async def test_a_head_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, parser: HttpParser, sent: bytes
) -> None:
    monkeypatch.setattr(bounded_protocol, "HEAD_WITHIN_S", 0.05)
    async with serving(parser=parser) as port, connected(port) as (reader, writer):
        writer.write(sent)
        answer = await ended((reader, writer))
    assert answer.startswith(b"HTTP/1.1 200") is sent.startswith(HEALTH)


@pytest.mark.parametrize("parser", PARSERS)
async def test_a_head_too_large_in_one_read_is_refused(parser: HttpParser) -> None:
    large = HEALTH.replace(b"Host:", b"X-Large: " + b"x" * 70_000 + b"\r\nHost:")
    async with serving(parser=parser) as port, connected(port) as connection:
        connection[1].write(large)
        assert (await ended(connection))[:12] in (b"HTTP/1.1 400", b"")


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("after", [CHUNK, b"", CHUNK + b"0\r\n"])
async def test_a_request_that_goes_on_for_ever_is_cut_off(parser: HttpParser, after: bytes) -> None:
    """Trailers without end, a chunk's size with a note without end, before any answer or after it."""
    endless = b"X-More: " + b"x" * 1_000 + b"\r\n" if after.endswith(b"0\r\n") else b"1;" + b"x" * 9_000
    async with serving(parser=parser) as port, connected(port) as connection:
        connection[1].write(REFRESH + after)
        assert await sent_until_closed(connection, endless) < 20_000_000  # what sockets hold is most of it


@pytest.mark.parametrize("parser", PARSERS)
async def test_what_follows_a_refusal_is_dropped_within_bounds(
    monkeypatch: pytest.MonkeyPatch, parser: HttpParser
) -> None:
    monkeypatch.setattr(bounded_protocol, "MOST_AFTER_ANSWER", 3_000_000)
    async with serving(parser=parser) as port, connected(port) as connection:
        connection[1].write(REFRESH)
        chunk = b"%x\r\n" % 100_000 + b"x" * 100_000 + b"\r\n"
        assert await sent_until_closed(connection, chunk) < 20_000_000


@pytest.mark.parametrize("parser", PARSERS)
async def test_a_refused_body_may_come_to_its_end_and_the_connection_lives(parser: HttpParser) -> None:
    body = b"x" * 3_000_000
    head = REFRESH.replace(b"Transfer-Encoding: chunked", b"Content-Length: %d" % len(body))
    async with serving(parser=parser) as port, connected(port) as connection:
        assert await status_of(connection, head + body) == 413
        assert await status_of(connection) == 200


@pytest.mark.parametrize("parser", PARSERS)
async def test_an_answered_request_that_never_ends_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, parser: HttpParser
) -> None:
    monkeypatch.setattr(bounded_protocol, "AFTER_ANSWER_WITHIN_S", 0.05)
    async with serving(parser=parser) as port, connected(port) as connection:
        assert await status_of(connection, HEALTH[:-2] + b"Content-Length: 10\r\n\r\n") == 200
        assert await ended(connection) == b""


async def test_few_requests_are_taken_ahead_of_their_answers() -> None:
    async with serving() as port, connected(port) as connection:
        for _ in range(2):
            connection[1].write(HEALTH * 1_000)
        assert (await ended(connection)).count(b"HTTP/1.1 200") < 200


@pytest.mark.parametrize("parser", PARSERS)
async def test_a_body_in_chunks_of_one_byte_is_taken(parser: HttpParser) -> None:
    body = b'{"username": "ada", "password": "%s"}' % (b"x" * 9_000)
    chunks = b"".join(b"1\r\n%c\r\n" % one for one in body) + b"0\r\nX-Trailer: 1\r\n\r\n"
    register = REFRESH.replace(b"/auth/refresh", b"/auth/register").replace(b"x-www-form-urlencoded", b"json")
    async with serving(parser=parser) as port, connected(port) as connection:
        assert await status_of(connection, register + chunks) == 422
        assert await status_of(connection) == 200
