"""Raw sockets that say what no client would: bytes as they are, counted, read or not."""

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from siege.tally import Tally
from siege.target import Target

OUT_BUFFER = 65_536
"""Bytes that the system keeps for us: what was sent is then nearly what the server took."""
CONT, TEXT, CLOSE, PING, PONG = 0x0, 0x1, 0x8, 0x9, 0xA
_ANSWER_WITHIN_S = 15.0
_LARGEST_ANSWER = 64 * 1_048_576


class Line:
    """One connection of an attacker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tally: Tally) -> None:
        self.reader, self.writer = reader, writer
        self._tally = tally
        self.sent = 0

    async def say(self, data: bytes) -> None:
        """Send, and wait until the system took it.

        Raises:
            OSError: the server has closed the connection.
        """
        if self.writer.is_closing() or self.reader.at_eof():
            raise ConnectionResetError("the server closed the connection")
        self.writer.write(data)
        self.sent += len(data)
        self._tally.sent += len(data)
        self._tally.longest = max(self._tally.longest, self.sent)
        await self.writer.drain()

    async def ask(self, data: bytes) -> int:
        """Send a request and read its answer whole; gives the status.

        Raises:
            OSError: the server closed the connection first.
            TimeoutError: no answer in 15 seconds.
        """
        self._tally.requests += 1
        await self.say(data)
        status, _ = await self.answer()
        return status

    async def answer(self) -> tuple[int, bytes]:
        """Read one answer: its status and body; the status is counted."""
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
                body = await self.reader.readexactly(_length(head))
            except asyncio.IncompleteReadError as error:
                raise ConnectionResetError("the server closed the connection") from error
        status = int(head.split(b" ", 2)[1])
        self._tally.answers[str(status)] += 1
        return status, body

    async def ended(self, seconds: float) -> bool:
        """Whether the server closes within that time; what it says meanwhile is thrown away."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(65_536):
                    pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


@asynccontextmanager
async def connected(target: Target, tally: Tally, *, source: str) -> AsyncIterator[Line]:
    """Connect from an address of this machine.

    Raises:
        OSError: the server took no connection.
    """
    line = await connect(target, tally, source=source)
    try:
        yield line
    finally:
        line.writer.transport.abort()


async def connect(target: Target, tally: Tally, *, source: str, out_buffer: int = OUT_BUFFER) -> Line:
    """Connect; who calls closes."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, out_buffer)
    try:
        sock.bind((source, 0))
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            await asyncio.get_running_loop().sock_connect(sock, (target.host, target.port))
            reader, writer = await asyncio.open_connection(sock=sock, limit=_LARGEST_ANSWER)
    except BaseException:
        sock.close()
        raise
    tally.connections += 1
    return Line(reader, writer, tally)


def request(method: str, path: str, headers: Iterable[str] = (), body: bytes = b"") -> bytes:
    """Write a request; its length is told unless a header says something else."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if body and not any(one.lower().startswith(("content-length", "transfer-encoding")) for one in lines):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape") + body


def json_request(method: str, path: str, body: bytes, headers: Iterable[str] = ()) -> bytes:
    """A request with a JSON body."""
    return request(method, path, ("Content-Type: application/json", *headers), body)


def frame(kind: int, payload: bytes = b"", *, last: bool = True) -> bytes:
    """Frame a client's message with the mask 0, which changes nothing."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([(0x80 if last else 0) | kind]) + length + bytes(4) + payload


async def upgrade(line: Line, headers: Iterable[str] = ()) -> int:
    """Ask for the stream; gives the status, 101 where it is granted."""
    key = base64.b64encode(os.urandom(16)).decode()
    wanted = (
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    )
    return await line.ask(request("GET", "/ws", (*wanted, *headers)))
