"""A desk behind a real socket, and a client's few words."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import pytest
import uvicorn
from httpx import AsyncClient
from starlette.types import ASGIApp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from support.api.desk import Desk, build
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig
from twap_server.api.stream.book_publisher import BookPublisher
from twap_server.api.stream.framing import FramedProtocol

WebSocketProtocol: TypeAlias = type[FramedProtocol] | Literal["websockets-sansio"]


@dataclass
class Live(Desk):
    """A desk behind a real socket."""

    url: str
    publisher: BookPublisher

    async def token(self, username: str = "ada") -> str:
        return (await self.sign_in(username))["access_token"]

    @asynccontextmanager
    async def stream(self, username: str = "ada") -> AsyncIterator[ClientConnection]:
        async with connect(self.url) as socket:
            await say(socket, type="auth", token=await self.token(username))
            assert (await hear(socket))["type"] == "authenticated"
            yield socket

    async def owner(self) -> str:
        return next(iter(self.accounts.users_by_name.values())).user_id


async def say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def hear(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        message: dict[str, Any] = json.loads(await socket.recv())
        return message


async def closed(socket: ClientConnection) -> int:
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionClosed) as ended:
            while True:
                await socket.recv()
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code


@asynccontextmanager
async def serving(
    config: ApiConfig,
    *,
    ws: WebSocketProtocol = FramedProtocol,
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    deflate: bool = False,
    unfit: Callable[[], str] = str,
) -> AsyncIterator[Live]:
    """Serve on loopback; ``ws="websockets-sansio"`` offers no framed writes, as any other ASGI server."""
    services, accounts, market, orders, clock = build(config)
    services = replace(services, self_report=replace(services.self_report, unfit=unfit))
    app = create_app(services)
    settings = uvicorn.Config(
        around(app), port=0, lifespan="off", log_config=None, ws=ws, ws_per_message_deflate=deflate
    )
    server = uvicorn.Server(settings)
    publisher = BookPublisher(services.books, services.bus, clock)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.serve())
        beside = (
            group.create_task(publisher.follow_announcements()),
            group.create_task(services.live_candles.run()),
            group.create_task(services.sessions.check_sign_ins(clock)),
            group.create_task(services.auth.key_uses.keep(accounts, clock)),
        )
        while not server.started:
            await asyncio.sleep(0)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            url = f"ws://127.0.0.1:{port}/ws"
            yield Live(app, services, accounts, market, orders, clock, http, url, publisher)
        await services.sessions.close_all()
        server.should_exit = True
        await running
        for task in beside:
            task.cancel()
