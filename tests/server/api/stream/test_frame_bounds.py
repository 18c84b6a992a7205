"""Frames of any kind that a client sends are counted: raw frames over a real socket, no library between."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from websockets.frames import Frame, Opcode

from support.api.desk import CHEAP
from support.api.live import Live, hear, say, serving
from twap_server.api.config import ApiConfig
from twap_server.api.stream import framing

Raw = tuple[asyncio.StreamReader, asyncio.StreamWriter]
KINDS = {
    "pings": Frame(Opcode.PING, b"x" * 125),
    "pongs nobody asked for": Frame(Opcode.PONG, b"x"),
    "empty fragments": Frame(Opcode.CONT, b"", fin=False),
}


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    async with serving(ApiConfig(passwords=CHEAP)) as live:
        yield live


@asynccontextmanager
async def upgraded(live: Live) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(live.url).port)
    key = base64.b64encode(b"x" * 16).decode()
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.close()


@asynccontextmanager
async def signed_in(live: Live) -> AsyncIterator[Raw]:
    async with upgraded(live) as (reader, writer):
        message = {"type": "auth", "token": await live.token()}
        writer.write(Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True))
        async with asyncio.timeout(5):
            assert b"authenticated" in await reader.readuntil(b"}")
        yield reader, writer


async def frames_taken(connection: Raw, kind: str, most: int = 400_000) -> int:
    """Send frames, a thousand at a time, until the server closes; gives how many went out."""
    frame, sent = KINDS[kind].serialize(mask=True), 0
    if kind == "empty fragments":
        connection[1].write(Frame(Opcode.TEXT, b"", fin=False).serialize(mask=True))
    with contextlib.suppress(ConnectionError):
        while sent < most and not connection[0].at_eof():
            connection[1].write(frame * 1_000)
            async with asyncio.timeout(5):
                await connection[1].drain()
                await asyncio.sleep(0)
            sent += 1_000
    return sent


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("known", [False, True])
async def test_a_flood_of_frames_ends_the_connection(live: Live, kind: str, known: bool) -> None:
    async with (signed_in if known else upgraded)(live) as connection:
        assert await frames_taken(connection, kind) < 200_000
        async with live.stream() as other:
            await say(other, type="ping")
            assert (await hear(other))["type"] == "pong"


async def test_few_bytes_are_taken_before_the_sign_in(live: Live) -> None:
    async with upgraded(live) as (reader, writer):
        writer.write(Frame(Opcode.TEXT, b"x" * 60_000).serialize(mask=True))
        async with asyncio.timeout(5):
            assert b"sign in first" in await reader.read()


def test_the_count_starts_anew_each_second_and_with_each_message() -> None:
    bounds = framing.FrameBounds()
    bounds.admit()
    part, whole = Frame(Opcode.CONT, b"", fin=False), Frame(Opcode.TEXT, b"")
    for second in range(3):
        took = [bounds.count(whole, second + 0.5) for _ in range(framing.FRAMES_PER_SECOND + 1)]
        assert took == [True] * framing.FRAMES_PER_SECOND + [False]
    took = [bounds.count(part, 10) for _ in range(framing.MOST_FRAGMENTS)]
    assert took[-2:] == [True, False]
    assert bounds.count(whole, 10) and bounds.count(part, 10)
