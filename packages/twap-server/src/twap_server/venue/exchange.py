"""Run the simulated exchanges' connections: send events, apply faults, end them.

This is the outlet a source publishes to. It owns no task: a session runs in its connection's task.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

from starlette.routing import BaseRoute, Mount, WebSocketRoute
from starlette.websockets import WebSocket

from twap_server.domain.clock import Clock
from twap_server.venue import faults
from twap_server.venue.faults import Fault
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.registry import PROTOCOLS
from twap_server.venue.session import VenueSession
from twap_server.venue.source import Event, Source

_HANG_UP_S = 5.0


class Switchboard:
    """The live sessions by venue."""

    def __init__(self, source: Source, *, clock: Clock, recurring: Iterable[str]) -> None:
        self._source = source
        self._clock = clock
        self._recurring = [faults.parse(name) for name in recurring]
        self._protocols = {one.name: one for one in PROTOCOLS if one.name in source.venues}
        self._sessions: dict[str, set[VenueSession]] = {name: set() for name in self._protocols}
        self._done: dict[str, Counter[str]] = {name: Counter() for name in self._protocols}
        self._numbers = itertools.count(1)

    def publish(self, event: Event) -> None:
        """Let every session of the venue render an event."""
        for session in self._sessions[event.venue]:
            session.hear(event)

    async def room(self) -> None:
        """Wait for the slowest session."""
        for session in [session for group in self._sessions.values() for session in group]:
            await session.outbox.room()

    async def hang_up(self, venue: str) -> None:
        """Close a venue's sessions after what they still have to send."""
        leaving = list(self._sessions[venue])
        for session in leaving:
            session.end(1001, "Going away")
        try:
            async with asyncio.timeout(_HANG_UP_S):
                for session in leaving:
                    await session.gone.wait()
        except TimeoutError:
            return

    def inject(self, fault: Fault, venue: str | None) -> None:
        """Begin a fault on the sessions it applies to.

        Raises:
            ValueError: the venue is unknown or does not have what the fault breaks.
        """
        hit = [one.name for one in self._protocols.values() if one.can_suffer(fault.name)]
        if venue is not None and venue not in hit:
            raise ValueError(f"expected a venue that has {fault.name!r}, received {venue!r}")
        for name in hit if venue is None else [venue]:
            for session in self._sessions[name]:
                session.outbox.put(fault)

    def announce_shutdown(self, seconds: float) -> None:
        """Let every venue that gives a notice give it, and close after so many seconds."""
        for group in self._sessions.values():
            for session in group:
                session.announce_shutdown(seconds)

    def urls(self, place: str) -> dict[str, dict[str, str]]:
        """Give each venue's base addresses at a host and port."""
        return {
            name: {
                "ws_url": f"ws://{place}/{name}{one.ws_base}",
                "rest_url": f"http://{place}/{name}{one.rest_base}",
            }
            for name, one in self._protocols.items()
        }

    def state(self) -> dict[str, object]:
        """Tell connections, subscriptions and injected faults."""
        sessions = [session for group in self._sessions.values() for session in group]
        return {
            "connections": [
                {
                    "id": session.number,
                    "venue": session.venue,
                    "subscriptions": session.subscriptions(),
                    "sent": session.sent,
                }
                for session in sorted(sessions, key=lambda session: session.number)
            ],
            "injected": {venue: dict(done) for venue, done in self._done.items()},
        }

    def _handler(self, protocol: VenueProtocol) -> Callable[[WebSocket], Awaitable[None]]:
        async def serve(socket: WebSocket) -> None:
            session = protocol.session(
                socket,
                source=self._source,
                clock=self._clock,
                faults=[fault for fault in self._recurring if protocol.can_suffer(fault.name)],
                number=next(self._numbers),
                done=self._done[protocol.name],
            )
            await self._serve(session)

        return serve

    async def _serve(self, session: VenueSession) -> None:
        self._sessions[session.venue].add(session)
        try:
            await session.run()
        finally:
            self._sessions[session.venue].discard(session)

    def routes(self) -> list[BaseRoute]:
        """Make the venues' routes, each below the venue's name."""
        return [Mount(f"/{one.name}", routes=self._routes(one)) for one in self._protocols.values()]

    def _routes(self, protocol: VenueProtocol) -> list[BaseRoute]:
        handler = self._handler(protocol)
        sockets = [WebSocketRoute(path, handler) for path in protocol.sockets]
        return [*sockets, *protocol.rest(self._source, self._clock)]
