"""Run the server as a process: bind first, stop in order, leave nothing behind.

Stop order is the data flow: the engine (the turn under way is recorded), the stream sessions (closed by us,
so that clients come back), the HTTP server, then the collectors.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Sequence
from typing import Protocol

from starlette.types import ASGIApp

from twap_server.api.http.connection_gate import ConnectionBounds, ConnectionGate
from twap_server.api.server import HttpServer, Listening
from twap_server.bootstrap.api_side import Around
from twap_server.bootstrap.compose import running
from twap_server.bootstrap.node import running_node
from twap_server.bootstrap.node_list import told_nodes
from twap_server.bootstrap.open_files import make_room
from twap_server.clock import SystemClock
from twap_server.cluster.config import Role
from twap_server.domain.market import native
from twap_server.environment import service_links
from twap_server.runtime.loops import http_parser
from twap_server.settings import Settings
from twap_server.store.database import Database
from twap_server.store.leases import SqlLeaseStore
from twap_server.telemetry import configure_logging

log = logging.getLogger(__name__)

Announce = Callable[[str], None]


class Answering(Protocol):
    """What is at work, as its HTTP side sees it."""

    @property
    def around(self) -> Around:
        """What its parts share, the settings among it."""
        ...

    @property
    def group(self) -> asyncio.TaskGroup:
        """The root task group."""
        ...

    def app(self, gate: ConnectionGate) -> ASGIApp:
        """What answers requests."""
        ...

    async def close(self) -> None:
        """Begin nothing new, and close the streams, so that clients come back elsewhere."""
        ...


async def serve(settings: Settings, *, announce: Announce) -> None:
    """Run the server until SIGTERM or SIGINT; a second signal ends the process at once.

    Raises:
        UnavailableError: the port is taken, or the database cannot be used.
    """
    configure_logging(settings.log_format)
    log.info("order books are kept by %s code", "compiled" if native.COMPILED else "Python")
    tell_service_links()
    stopping = stop_on_signals()
    with Listening(settings.host, settings.port) as listening:
        async with running(settings, clock=SystemClock()) as server:
            announce(f"twap-server listens on {listening.url} (API: {listening.url}/docs)")
            with server.around.vitals.watched(server.group, server.engine.ready):
                await answer_until(stopping, server, listening)


async def serve_node(settings: Settings, *, roles: Sequence[str], announce: Announce) -> None:
    """Run one node of several until SIGTERM or SIGINT; a second signal ends the process at once.

    Raises:
        InvalidRequest: something that all nodes need is not given.
        UnavailableError: the port is taken, or PostgreSQL or NATS cannot be used.
    """
    configure_logging(settings.log_format)
    tell_service_links()
    stopping = stop_on_signals()
    with Listening(settings.host, settings.port) as listening:
        own = [Role(one) for one in dict.fromkeys(roles)]
        async with running_node(settings, own, clock=SystemClock(), address=listening.url) as node:
            announce(f"twap-server listens on {listening.url} ({', '.join(own)})")
            ready = asyncio.Event()
            ready.set()
            with node.around.vitals.watched(node.group, ready):
                await answer_until(stopping, node, listening)


async def list_nodes(settings: Settings, *, say: Announce) -> None:
    """Say which nodes share the database, and what each of them owns.

    Raises:
        InvalidRequest: it is no database of several nodes.
        StoreUnavailable: it cannot be read, or its tables are of another version.
    """
    async with Database.watched(settings.database_url) as database:
        store = SqlLeaseStore(database)
        for line in told_nodes(await store.nodes(), await store.leases()):
            say(line)


async def answer_until(stopping: asyncio.Event, server: Answering, listening: Listening) -> None:
    """Serve HTTP beside the stages, and stop both in order once asked to."""
    settings = server.around.settings
    bounds = ConnectionBounds.of(settings.api)
    gate = ConnectionGate(settings.api, bounds=bounds.within(make_room(bounds.most)))
    parser = http_parser(settings.runtime.http_parser)
    http = HttpServer(server.app(gate), listening, parser=parser, gate=gate)
    serving = server.group.create_task(http.run(), name="http server")
    try:
        await stopping.wait()
        log.info("stopping")
    finally:
        await server.close()
        http.stop()
        await asyncio.wait([serving])


def tell_service_links() -> None:
    """Say, in one line, which variables were taken for Kubernetes' and not for settings."""
    links = service_links(os.environ)
    if links:
        log.info("variables of Kubernetes services, not read as settings: %s", ", ".join(links))


def stop_on_signals() -> asyncio.Event:
    """Set on the first SIGTERM or SIGINT; from then on a signal has its default action, at once."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop(numbers: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGINT)) -> None:
        stopping.set()
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopping
