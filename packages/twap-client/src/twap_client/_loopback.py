"""Listen on this machine for the browser that brings a sign-in back: a small HTTP server, for one answer."""

import asyncio
import secrets
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

_MOST_BYTES = 16_384
_PATIENCE_S = 10
_PATH = "/signed-in"
_PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>twap</title>
<p>Go back to the terminal: this page can be closed.</p></html>
"""
_HEAD = (
    b"Content-Type: text/html; charset=utf-8\r\nContent-Security-Policy: default-src 'none'\r\n"
    b"Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n"
)


class Loopback:
    """Listens on a free port of 127.0.0.1 within ``async with``.

    Attributes:
        state: what the answer must carry; nobody else knows it.
        url: where the browser is to be sent.
    """

    def __init__(self) -> None:
        self.state = secrets.token_urlsafe(24)
        self.url = ""
        self._server: asyncio.Server | None = None
        self._answer: asyncio.Future[Mapping[str, str]] | None = None

    async def __aenter__(self) -> Self:
        self._answer = asyncio.get_running_loop().create_future()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_MOST_BYTES)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{_PATH}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()

    async def answer(self) -> Mapping[str, str]:
        """Wait for the browser; gives what stands in the address it came with."""
        assert self._answer is not None, "within async with"
        return await self._answer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                found = self._take(head)
                status = b"200 OK" if found else b"404 Not Found"
                body = _PAGE if found else b""
                length = f"Content-Length: {len(body)}\r\n\r\n".encode()
                writer.write(b"HTTP/1.1 " + status + b"\r\n" + _HEAD + length + body)
                await writer.drain()
        except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError):
            """Not a browser, or one that went away: the next one may be it."""
        finally:
            writer.close()

    def _take(self, head: bytes) -> bool:
        """Keep the first answer to our own question; whatever else comes is not meant for us."""
        method, _, rest = head.decode("latin-1").partition(" ")
        address = urlsplit(rest.partition(" ")[0])
        given = {key: values[0] for key, values in parse_qs(address.query).items()}
        ours = secrets.compare_digest(given.get("state", "").encode(), self.state.encode())
        if method != "GET" or address.path != _PATH or not ours:
            return False
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(given)
        return True
