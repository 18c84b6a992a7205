"""The peers of the fan-out benchmark: the least that sends the same message to everybody each second.

``python -m benchmarks.fan_out_servers PEER PORT BOOK`` runs one until it is killed. Its pings come every
20 seconds, like those of twap-server; compression is off.
"""

import asyncio
import contextlib
import datetime
import re
import resource
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

UVICORN, BROADCAST, FLOOR = "uvicorn", "broadcast", "floor"
_BACKLOG = 2_048


async def _each_second(book: str, send_all: Callable[[str], Awaitable[None] | None]) -> None:
    """Send ``book`` at each whole second, with that moment in it; a second that is missed is left out."""
    due = int(time.time()) + 1
    while True:
        await asyncio.sleep(max(0, due - time.time()))
        stamp = datetime.datetime.fromtimestamp(due, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        sent = send_all(re.sub('(?<="ts_sent":")[^"]*', stamp, book))
        if sent is not None:
            await sent
        due = max(due + 1, int(time.time()) + 1)


def _run_uvicorn(book: str, port: int) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect

    clients: set[WebSocket] = set()

    async def stream(client: WebSocket) -> None:
        await client.accept()
        clients.add(client)
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await client.receive_text()
        clients.discard(client)

    async def send_all(text: str) -> None:
        for client in list(clients):
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await client.send_text(text)

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            ticker = group.create_task(_each_second(book, send_all))
            yield
            ticker.cancel()

    app = Starlette(routes=[WebSocketRoute("/ws", stream)], lifespan=life)
    uvicorn.run(
        app, host="127.0.0.1", port=port, loop="asyncio", ws="websockets-sansio",
        ws_per_message_deflate=False, log_level="error", access_log=False, backlog=_BACKLOG,
    )  # fmt: skip


async def _run_broadcast(book: str, port: int) -> None:
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    clients: set[ServerConnection] = set()

    async def stream(client: ServerConnection) -> None:
        clients.add(client)
        try:
            await client.wait_closed()
        finally:
            clients.discard(client)

    async with serve(stream, "127.0.0.1", port, compression=None, backlog=_BACKLOG):
        await _each_second(book, lambda text: broadcast(clients, text))


async def _run_floor(book: str, port: int) -> None:
    """No WebSocket at all: after an upgrade of sorts, one frame made once and one ``send`` to each socket."""
    clients: list[socket.socket] = []
    loop = asyncio.get_running_loop()

    async def accept_all(listening: socket.socket) -> None:
        while True:
            client, _ = await loop.sock_accept(listening)
            if not await loop.sock_recv(client, 4_096):
                client.close()
                continue
            await loop.sock_sendall(client, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            clients.append(client)

    def send_all(text: str) -> None:
        frame = b"\x81\x7e" + len(text).to_bytes(2, "big") + text.encode()
        for client in clients:
            with contextlib.suppress(BlockingIOError):
                client.send(frame)

    with socket.create_server(("127.0.0.1", port), backlog=_BACKLOG) as listening:
        listening.setblocking(False)
        async with asyncio.TaskGroup() as group:
            group.create_task(accept_all(listening))
            group.create_task(_each_second(book, send_all))


def main() -> None:
    """Run a peer: its name, port and the book it sends are the arguments."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    name, port, book = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if name == UVICORN:
        _run_uvicorn(book, port)
    else:
        asyncio.run((_run_broadcast if name == BROADCAST else _run_floor)(book, port))


if __name__ == "__main__":
    main()
