"""Serve the simulated exchanges on loopback: WebSocket and REST of all on one port.

Owns the HTTP server and the source's task. Nothing starts before ``__aenter__`` and nothing is left
after ``__aexit__``; a source that fails ends the block with its error.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType

import uvicorn
from starlette.applications import Starlette

from twap_server.domain.clock import Clock
from twap_server.venue import control, faults
from twap_server.venue.exchange import Switchboard
from twap_server.venue.source import Source

_PING_EVERY_S = 20.0
_PONG_WITHIN_S = 60.0
_GRACE_S = 2


class Venue:
    """Pretended exchanges fed by a source; an async context manager."""

    def __init__(
        self,
        source: Source,
        *,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Sequence[str] = (),
    ) -> None:
        self.port = port
        self._source = source
        self._clock = clock
        self._host = host
        self._board = Switchboard(source, clock=clock, recurring=faults)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Venue":
        """Bind, listen and start the source."""
        async with AsyncExitStack() as stack:
            bound = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            self._bind(bound)
            group = await stack.enter_async_context(asyncio.TaskGroup())
            server = await self._listen(bound)
            stack.push_async_callback(_stop, server)
            player = group.create_task(self._source.run(self._board))
            stack.callback(player.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the source, close all connections, free the port."""
        await self._stack.aclose()

    def urls(self) -> dict[str, dict[str, str]]:
        """Give each exchange's base URLs, to be used in place of the real ones."""
        return self._board.urls(f"{self._host}:{self.port}")

    def inject(self, fault: str, *, venue: str | None = None) -> None:
        """Begin a fault now, on every connection of a venue or of all.

        Raises:
            ValueError: no such fault, or not at that venue.
        """
        self._board.inject(faults.parse(fault), venue)

    def state(self) -> dict[str, object]:
        """Tell connections, subscriptions and injected faults."""
        return self._board.state()

    def announce_shutdown(self, seconds: float) -> None:
        """Give notice of a planned close where the exchange does so, and close after so many seconds."""
        self._board.announce_shutdown(seconds)

    def _bind(self, bound: socket.socket) -> None:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((self._host, self.port))
        self.port = bound.getsockname()[1]

    async def _listen(self, bound: socket.socket) -> uvicorn.Server:
        app = Starlette(routes=[*self._board.routes(), *control.routes(self)])
        config = uvicorn.Config(
            app,
            ws="websockets-sansio",
            ws_ping_interval=_PING_EVERY_S,
            ws_ping_timeout=_PONG_WITHIN_S,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        # The parts of serve(), without its signal handlers and its loop that waits for a signal.
        await server.startup(sockets=[bound])
        return server


async def _stop(server: uvicorn.Server) -> None:
    """Do what the server's own shutdown does, without its fixed waits; cut off what does not end."""
    state = server.server_state
    for listener in server.servers:
        listener.close()
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=_GRACE_S)
    for task in list(state.tasks):
        task.cancel()
    for connection in list(state.connections):
        connection.transport.abort()
    for listener in server.servers:
        await listener.wait_closed()


async def serve_venue(
    source: Source,
    *,
    clock: Clock,
    host: str,
    port: int,
    faults: Sequence[str],
    announce: Callable[[str], None],
) -> None:
    """Run a venue until cancelled, announcing the base URLs as one line each."""
    async with Venue(source, clock=clock, host=host, port=port, faults=faults) as venue:
        for exchange, urls in venue.urls().items():
            for name, url in urls.items():
                announce(f"{exchange} {name} {url}")
        await asyncio.Event().wait()
