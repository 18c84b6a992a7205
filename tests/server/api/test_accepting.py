"""Who waits to be connected is taken many at a time, on every event loop: a turn for each takes too long."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

import pytest

from twap_server.api.server import _ACCEPTED_A_TICK, HttpServer, Listening

uvloop = pytest.importorskip("uvloop")
CLIENTS = 3 * _ACCEPTED_A_TICK
ASK = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
Run = Callable[[Coroutine[Any, Any, None]], None]


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_those_who_wait_are_taken_many_at_a_time(run: Run) -> None:
    run(_many_at_a_time())


async def _many_at_a_time() -> None:
    with Listening("127.0.0.1", 0) as listening, ExitStack() as clients:
        server = HttpServer(app, listening)._server  # type: ignore[arg-type]
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        for _ in range(CLIENTS):
            clients.enter_context(socket.create_connection(listening.socket.getsockname()))
        await server.startup([listening.socket])
        taken = []
        for tick in range(3):
            await server.on_tick(tick)
            taken.append(len(server.server_state.connections))
        clients.close()
        await server.shutdown([listening.socket])
        assert taken[0] >= _ACCEPTED_A_TICK and taken[2] == CLIENTS


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_who_was_taken_so_is_answered(run: Run) -> None:
    run(_all_are_answered())


async def _all_are_answered() -> None:
    with Listening("127.0.0.1", 0) as listening:
        clients = [socket.create_connection(listening.socket.getsockname()) for _ in range(CLIENTS)]
        gone, staying = clients[::3], [one for n, one in enumerate(clients) if n % 3]
        for client in clients:
            client.sendall(ASK)
        for client in gone:
            client.close()
        server = HttpServer(app, listening)  # type: ignore[arg-type]
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            group.create_task(server.run())
            for client in staying:
                reader, writer = await asyncio.open_connection(sock=client)
                assert (await reader.read()).startswith(b"HTTP/1.1 204 ")
                writer.close()
            server.stop()
