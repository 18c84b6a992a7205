"""Share what both HTTP protocol classes need: the connection gate, and answers before there is a request.

A connection that finds no room is answered as soon as it says something, and gone within two seconds: whoever
closes at once would cut off the answer, and whoever waits for a whole request would hold the connection.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from twap_models.enums import ErrorCode
from twap_server.api.http.connection_gate import ConnectionGate, HttpConnection
from twap_server.api.http.connection_slots import Full
from twap_server.api.http.raw_answers import no_room, raw_problem

SIGNED_IN: Final = "twap.signed_in"
"""The key in a scope's state of a function to call once it is known who sent the request."""
_REFUSED_WITHIN_S = 2.0
_MOST_OF_REFUSED = 1_048_576
"""Bytes dropped of what a refused client sends."""


class Attended(asyncio.Protocol):
    """Comes before uvicorn's protocol class in the order of bases."""

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    app_state: dict[str, Any]
    server_state: Any
    cycle: Any

    def __init__(self, *args: Any, gate: ConnectionGate | None = None, **options: Any) -> None:
        """Take uvicorn's arguments and the gate; None: every connection is admitted."""
        super().__init__(*args, **options)
        self._gate = gate
        self.http_connection: HttpConnection | None = None
        self._told = False
        self._left = _MOST_OF_REFUSED
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Come in, or be refused."""
        super().connection_made(transport)
        if self._gate is None:
            return
        http_connection = self.http_connection = self._gate.arrive(transport, self._give_way)
        self.app_state = {**self.app_state, SIGNED_IN: http_connection.sign_in}
        if http_connection.full is not None:
            self._deadline = self.loop.call_later(_REFUSED_WITHIN_S, transport.abort)
            if not http_connection.may_be_told:
                transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room."""
        if self._deadline is not None:
            self._deadline.cancel()
        if self.http_connection is not None:
            self.http_connection.over()
        super().connection_lost(exc)

    def is_turned_away(self, data: bytes) -> bool:
        """Answer a client that there is no room for, and drop what it sends."""
        if self.http_connection is None or self.http_connection.full is None:
            return False
        self._left -= len(data)
        if self._left < 0:
            self.transport.abort()
        elif not self._told:
            self._told = True
            self.http_connection.look(is_working=True)
            self.transport.write(no_room(self.http_connection.full, self.server_state.default_headers))
            self.transport.write_eof()
        return True

    def has_room_for_stream(self) -> bool:
        """Count the connection as a stream; one that finds no room is answered and closed."""
        full: Full | None = None if self.http_connection is None else self.http_connection.upgrade()
        if full is not None:
            self.transport.write(no_room(full, self.server_state.default_headers))
            self.transport.close()
        return full is None

    def refuse(self, words: str, *, is_ahead: bool = False) -> None:
        """Answer 400 to what is no request, and close; close at once where other answers must come before.

        Args:
            words: what was expected.
            is_ahead: whether requests before this one wait for their answers.
        """
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.response_started or is_ahead:
                self.transport.close()
                return
            cycle.disconnected = True  # whoever reads the body learns that no more comes
            cycle.message_event.set()
        answer = raw_problem(400, ErrorCode.INVALID_REQUEST, words, headers=self.server_state.default_headers)
        self.transport.write(answer)
        self.transport.close()

    def _give_way(self) -> None:
        self.transport.close()


def attended_by(gate: ConnectionGate | None, protocol: type[Attended]) -> Callable[..., asyncio.Protocol]:
    """Give the protocol class its gate."""
    return partial(protocol, gate=gate)
