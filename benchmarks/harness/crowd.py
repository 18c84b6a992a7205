"""What one user or a stranger does to a server all the time, in a process of its own.

``python -m benchmarks.harness.crowd KIND PORT KEY``: ``readers`` read one long order 8 at a time,
``strangers`` register 90 at a time, ``followers`` ask 300 times for all order events over 8 connections. It
ends when it is killed.
"""

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from benchmarks.harness.history import TOKEN

READERS, STRANGERS, CONNECTIONS, SUBSCRIPTIONS = 8, 90, 8, 300
_PIECE = 1 << 20
_NUMBERS = itertools.count(1)


async def _asked(port: int, request: bytes) -> None:
    """Send one request on a connection of its own and read the answer to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        while await reader.read(_PIECE):
            pass
    finally:
        writer.close()


async def read_order(port: int, key: str) -> None:
    """Read the whole order."""
    head = f"GET /orders/{TOKEN} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n"
    await _asked(port, head.encode())


async def register(port: int, key: str) -> None:
    """Make an account."""
    body = json.dumps({"username": f"stranger{next(_NUMBERS)}", "password": "correct horse battery"})
    head = (
        "POST /auth/register HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    await _asked(port, (head + body).encode())


async def follow(port: int, key: str) -> None:
    """Ask again and again for all order events on one connection, and read what comes."""
    url = f"ws://127.0.0.1:{port}/ws"
    async with connect(url, additional_headers={"X-API-Key": key}, max_queue=None) as socket:
        for number in range(SUBSCRIPTIONS // CONNECTIONS):
            await socket.send(json.dumps({"type": "subscribe", "channel": "orders", "since": 0}))
            await asyncio.sleep(0.1 if number % 40 == 39 else 0)
        async for _ in socket:
            pass


async def again(work: Callable[[int, str], Awaitable[None]], port: int, key: str, pause_s: float) -> None:
    """Do it for ever; a refusal is no reason to stop."""
    while True:
        with contextlib.suppress(OSError, WebSocketException):
            await work(port, key)
        await asyncio.sleep(pause_s)


KINDS: dict[str, tuple[Callable[[int, str], Awaitable[None]], int, float]] = {
    "readers": (read_order, READERS, 0.01),
    "strangers": (register, STRANGERS, 0.5),  # most are refused at once
    "followers": (follow, CONNECTIONS, 0.01),
}


async def main(kind: str, port: int, key: str) -> None:
    """Do it as many at a time as the kind says."""
    work, many, pause_s = KINDS[kind]
    async with asyncio.TaskGroup() as group:
        for _ in range(many):
            group.create_task(again(work, port, key, pause_s))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
