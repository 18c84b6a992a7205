"""Run the simulated exchanges' connections: send events, apply faults, end them.

This is the outlet a source publishes to. It owns no task: a session runs in its connection's task.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from twap_server.domain.clock import Clock
from twap_server.venue import faults, instruments
from twap_server.venue.binance.rest import BinanceRest
from twap_server.venue.binance.socket import BinanceSession
from twap_server.venue.faults import Fault
from twap_server.venue.kraken.rest import KrakenRest
from twap_server.venue.kraken.socket import KrakenSession
from twap_server.venue.session import VenueSession
from twap_server.venue.source import Event, Source

_HANG_UP_S = 5.0
_S = TypeVar("_S", bound=VenueSession)


class Switchboard:
    """The live sessions by venue."""

    def __init__(self, source: Source, *, clock: Clock, recurring: Iterable[str]) -> None:
        self._source = source
        self._clock = clock
        self._recurring = [faults.parse(name) for name in recurring]
        self._sessions: dict[str, set[VenueSession]] = {venue: set() for venue in instruments.VENUES}
        self._done: dict[str, Counter[str]] = {venue: Counter() for venue in instruments.VENUES}
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
        if venue is not None and (venue not in instruments.VENUES or not faults.applies(fault, venue)):
            raise ValueError(f"expected a venue that has {fault.name!r}, received {venue!r}")
        for name in [venue] if venue is not None else instruments.VENUES:
            for session in self._sessions[name] if faults.applies(fault, name) else ():
                session.outbox.put(fault)

    def binance(self) -> list[BinanceSession]:
        """List the Binance sessions."""
        return [one for one in self._sessions[instruments.BINANCE] if isinstance(one, BinanceSession)]

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

    async def serve_binance(self, socket: WebSocket) -> None:
        """Serve ``/ws`` or ``/stream``, with the streams of the URL."""
        session = self._make(BinanceSession, socket)
        combined = socket.url.path.startswith("/binance/stream")
        listed = socket.query_params.get("streams", "") if combined else socket.path_params.get("streams", "")
        session.prepare(combined=combined, streams=[name for name in listed.split("/") if name])
        await self._serve(session)

    async def serve_kraken(self, socket: WebSocket) -> None:
        """Serve ``/v2``."""
        session = self._make(KrakenSession, socket)
        session.prepare()
        await self._serve(session)

    def _make(self, kind: type[_S], socket: WebSocket) -> _S:
        return kind(
            socket,
            source=self._source,
            clock=self._clock,
            faults=[fault for fault in self._recurring if faults.applies(fault, kind.venue)],
            number=next(self._numbers),
            done=self._done[kind.venue],
        )

    async def _serve(self, session: VenueSession) -> None:
        self._sessions[session.venue].add(session)
        try:
            await session.run()
        finally:
            self._sessions[session.venue].discard(session)

    def routes(self) -> list[BaseRoute]:
        """Make the venues' routes."""
        binance = BinanceRest(self._source, clock=self._clock)
        kraken = KrakenRest(self._source, clock=self._clock)
        return [
            Route("/binance/api/v3/{route}", binance.answer),
            Route("/kraken/0/public/{route}", kraken.answer, methods=["GET", "POST"]),
            WebSocketRoute("/binance/ws", self.serve_binance),
            WebSocketRoute("/binance/ws/{streams:path}", self.serve_binance),
            WebSocketRoute("/binance/stream", self.serve_binance),
            WebSocketRoute("/kraken/v2", self.serve_kraken),
        ]
