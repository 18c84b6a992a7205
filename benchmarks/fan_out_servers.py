"""The peers of the fan-out benchmark: the least that sends the same message to everybody each second.

``python -m benchmarks.fan_out_servers PEER PORT BOOK`` runs one until it is killed. Its pings come every
20 seconds, like those of twap-server; compression is off.
"""

import asyncio
import contextlib
import datetime
import re
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

UVICORN, BROADCAST = "uvicorn", "broadcast"
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


def main() -> None:
    """Run a peer: its name, port and the book it sends are the arguments."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    name, port, book = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if name == UVICORN:
        _run_uvicorn(book, port)
    else:
        asyncio.run(_run_broadcast(book, port))


if __name__ == "__main__":
    main()
