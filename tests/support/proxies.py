"""Two small real proxies on loopback: SOCKS5 (RFC 1928, 1929) and HTTP (CONNECT, and absolute addresses)."""

import asyncio
import base64
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
BROKEN = (OSError, asyncio.IncompleteReadError)


@dataclass
class Proxy:
    """A proxy at work.

    Attributes:
        hosts: names it knows, all on loopback; it finds no other.
        login: the name and password it wants, as ``name:password``; empty: none.
        asked: where it was asked to go: ``CONNECT host:port``, ``GET host:port``, ``SOCKS host:port``.
    """

    hosts: tuple[str, ...] = ("twap.test",)
    login: str = ""
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def url(self, scheme: str, login: str = "") -> str:
        return f"{scheme}://{login + '@' if login else ''}127.0.0.1:{self.port}"

    async def reach(self, how: str, host: str, port: int) -> Streams:
        self.asked.append(f"{how} {host}:{port}")
        if host not in self.hosts:
            raise OSError("no such host")
        return await asyncio.open_connection("127.0.0.1", port)


Serve = Callable[[Proxy, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _running(serve: Serve, login: str) -> AsyncIterator[Proxy]:
    proxy, tasks = Proxy(login=login), set[asyncio.Task[None]]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(*BROKEN, asyncio.CancelledError):
            await serve(proxy, reader, writer)
        tasks.discard(task)
        writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def http_proxy(login: str = "") -> AbstractAsyncContextManager[Proxy]:
    """Run an HTTP proxy."""
    return _running(_http, login)


def socks_proxy(login: str = "") -> AbstractAsyncContextManager[Proxy]:
    """Run a SOCKS5 proxy."""
    return _running(_socks, login)


async def _http(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    method, target, version = first.decode().split()
    given = f"Basic {base64.b64encode(proxy.login.encode()).decode()}"
    if proxy.login and f"proxy-authorization: {given}".lower() not in rest.decode().lower():
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        return await writer.drain()
    place = urlsplit(f"//{target}" if method == "CONNECT" else target)
    try:
        there = await proxy.reach(method, place.hostname or "", place.port or 80)
    except OSError:
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        return await writer.drain()
    if method == "CONNECT":
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    else:
        path = place.path + (f"?{place.query}" if place.query else "")
        there[1].write(f"{method} {path} {version}\r\n".encode() + rest)
    await _between((reader, writer), there)
    return None


async def _socks(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _, count = await reader.readexactly(2)
    offered = await reader.readexactly(count)
    wanted = 2 if proxy.login else 0
    if wanted not in offered:
        writer.write(b"\x05\xff")
        return await writer.drain()
    writer.write(bytes((5, wanted)))
    if proxy.login and not await _known(proxy, reader, writer):
        return None
    _, _, _, kind = await reader.readexactly(4)
    host = ".".join(map(str, await reader.readexactly(4))) if kind == 1 else ""
    if kind == 3:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    try:
        there = await proxy.reach("SOCKS", host, port)
    except OSError:
        writer.write(b"\x05\x04\x00\x01" + bytes(6))
        return await writer.drain()
    writer.write(b"\x05\x00\x00\x01" + bytes(6))
    await _between((reader, writer), there)
    return None


async def _known(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    given = []
    await reader.readexactly(1)
    for _ in range(2):
        given.append((await reader.readexactly((await reader.readexactly(1))[0])).decode())
    known = ":".join(given) == proxy.login
    writer.write(b"\x01\x00" if known else b"\x01\x01")
    await writer.drain()
    return known


async def _between(one: Streams, other: Streams) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(one[0], other[1]))
            group.create_task(_pump(other[0], one[1]))
    finally:
        other[1].transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(*BROKEN):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(*BROKEN):
        writer.close()
