"""Run the HTTP server as a child of the root task group: bind early, stop when told, leave signals alone."""

import asyncio
import contextlib
import errno
import itertools
import socket
from collections.abc import Callable, Generator
from importlib.util import find_spec
from types import TracebackType
from typing import Self, cast

import uvicorn
from starlette.types import ASGIApp

from twap_server.api.http.attended import Attended, attended_by
from twap_server.api.http.bounded_protocol import LARGEST_HEAD
from twap_server.api.http.connection_gate import ConnectionGate
from twap_server.api.http.h11 import BoundedH11
from twap_server.api.stream.framing import FramedProtocol
from twap_server.domain.errors import UnavailableError
from twap_server.runtime.loops import HttpParser

_DRAIN_S = 10
_KEEP_ALIVE_S = 30
"""Longer than clients keep an idle connection (httpx: 5 s): whoever closes first must not be us."""
_WAITING = 2_048
"""Connections that the system keeps for us until we accept them."""
_ACCEPTED_AT_ONCE = 128
"""Before others have their turn. asyncio tries as often where no file is free to accept with."""
_ACCEPTED_A_TICK = 64
"""Beside what the event loop accepts itself: who waits is taken within seconds, however long turns are."""
_LARGEST_FRAME = 65_536
"""Bytes of one WebSocket frame from a client."""


class Listening:
    """A bound socket; a context manager that closes it."""

    def __init__(self, host: str, port: int) -> None:
        """Bind at once, so that a taken port is told before anything else starts; port 0 takes any.

        Raises:
            UnavailableError: the address cannot be bound; the message says why and what to do.
        """
        self.socket = _bind(host, port)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()


class HttpServer:
    """uvicorn without its own signal handling: the composition root decides when everything stops."""

    def __init__(
        self,
        app: ASGIApp,
        listening: Listening,
        *,
        parser: HttpParser = "auto",
        gate: ConnectionGate | None = None,
    ) -> None:
        """Prepare; ``run`` serves.

        Args:
            app: what is served.
            listening: where.
            parser: which reads HTTP.
            gate: bound how many connections there are; None: any number.
        """
        self._socket = listening.socket
        config = uvicorn.Config(
            app,
            http=cast(type[asyncio.Protocol], attended_by(gate, _protocol(parser))),
            h11_max_incomplete_event_size=LARGEST_HEAD,
            backlog=_ACCEPTED_AT_ONCE,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,  # behind_proxy.py decides whom to believe
            ws=FramedProtocol,
            ws_max_size=_LARGEST_FRAME,
            ws_ping_interval=20,
            ws_ping_timeout=20,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=_DRAIN_S,
            timeout_keep_alive=_KEEP_ALIVE_S,
            server_header=False,
        )
        self._server = _QuietServer(config, gate)

    async def run(self) -> None:
        """Serve until ``stop``; returns once the last answer is out or the drain time is over."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Take no new connections and let ``run`` return."""
        self._server.should_exit = True


class _QuietServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, gate: ConnectionGate | None) -> None:
        super().__init__(config)
        self._gate = gate
        self._listening: list[socket.socket] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening = sockets or []
        for one in self._listening:
            one.listen(_WAITING)

    async def on_tick(self, counter: int) -> bool:
        """uvicorn's pulse, ten times a second."""
        if self._gate is not None:
            self._gate.sweep()
        if not self.should_exit:
            await self._accept_waiting()
        return await super().on_tick(counter)

    async def _accept_waiting(self) -> None:
        """Take those who wait to be connected.

        uvloop takes one in each of its turns. When turns were long for a while, thousands wait; each has
        given up before its turn comes, and comes again: without this a server never recovers from that.
        """
        loop = asyncio.get_running_loop()
        found = (_accepted(one) for _ in range(_ACCEPTED_A_TICK) for one in self._listening)
        taken = itertools.takewhile(lambda one: one is not None, found)
        connecting = [loop.connect_accepted_socket(self._protocol, one) for one in taken if one is not None]
        await asyncio.gather(*connecting, return_exceptions=True)  # a client may have gone already

    def _protocol(self) -> asyncio.Protocol:
        """As uvicorn makes them for what the event loop accepts."""
        make = cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _accepted(listening: socket.socket) -> socket.socket | None:
    """One who waits to be connected; None where nobody does, or no file is free for it."""
    try:
        connection, _ = listening.accept()
    except OSError:
        return None
    connection.setblocking(False)
    return connection


def _protocol(parser: HttpParser) -> type[Attended]:
    if parser == "h11" or (parser == "auto" and find_spec("httptools") is None):
        return BoundedH11
    from twap_server.api.http.httptools import BoundedHttp  # noqa: PLC0415 - where httptools is installed

    return BoundedHttp


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_WAITING)
        listening.setblocking(False)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UnavailableError(f"port {port} on {host} is taken: choose another with --port") from None
        raise UnavailableError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    return listening
