"""Hand-made HTTP requests over a few connections, one under way on each, as light as can be.

In: whole requests as bytes, sent in order. Out: how long it took until the last was answered. Every answer
must have the status that was expected.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Sequence

_LONGEST_S = 60.0
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def request(method: str, path: str, *, key: str, body: object = None) -> bytes:
    """Write a request with an API key, and a JSON body where there is one."""
    text = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


async def ask(port: int, requests: Sequence[bytes], *, connections: int, status: int) -> float:
    """Send all and wait for all answers; gives the seconds that took.

    Raises:
        AssertionError: an answer has another status.
        ConnectionError: the server closed a connection.
    """
    loop, left = asyncio.get_running_loop(), iter(requests)
    askers = [
        (await loop.create_connection(lambda: _Asker(left, status), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    began = time.perf_counter()
    for asker in askers:
        asker.next()
    async with asyncio.timeout(_LONGEST_S):
        await asyncio.gather(*(asker.done for asker in askers))
    return time.perf_counter() - began


class _Asker(asyncio.Protocol):
    def __init__(self, left: Iterator[bytes], status: int) -> None:
        self._left, self._expected = left, f"HTTP/1.1 {status}".encode()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def next(self) -> None:
        """Send the next request, if one is left."""
        assert self._transport is not None
        found = next(self._left, None)
        if found is not None:
            self._transport.write(found)
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(_END)
        length = _LENGTH.search(self._buffer, 0, head) if head >= 0 else None
        if length is None or len(self._buffer) < head + len(_END) + int(length[1]):
            return
        if not self._buffer.startswith(self._expected):
            self.done.set_exception(AssertionError(bytes(self._buffer[:500]).decode(errors="replace")))
            return
        self._buffer.clear()
        self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"the server closed a connection: {exc}"))
