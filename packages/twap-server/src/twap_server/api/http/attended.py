"""What both of our HTTP protocol classes share: the doors, and answers given before there is a request.

A connection that finds no room is answered as soon as it says something, and gone within two seconds: whoever
closes at once would cut off the answer, and whoever waits for a whole request would hold the connection.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from twap_models.enums import ErrorCode
from twap_server.api.http.doors import Doors, Visit
from twap_server.api.http.raw_answers import no_room, raw_problem
from twap_server.api.http.rooms import Full

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

    def __init__(self, *args: Any, doors: Doors | None = None, **options: Any) -> None:
        """Take uvicorn's arguments, and the doors; None: everybody may come in."""
        super().__init__(*args, **options)
        self._doors = doors
        self.visit: Visit | None = None
        self._told = False
        self._left = _MOST_OF_REFUSED
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Come in, or be refused."""
        super().connection_made(transport)
        if self._doors is None:
            return
        visit = self.visit = self._doors.arrive(transport, self._give_way)
        self.app_state = {**self.app_state, SIGNED_IN: visit.sign_in}
        if visit.full is not None:
            self._deadline = self.loop.call_later(_REFUSED_WITHIN_S, transport.abort)
            if not visit.may_be_told:
                transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room."""
        if self._deadline is not None:
            self._deadline.cancel()
        if self.visit is not None:
            self.visit.over()
        super().connection_lost(exc)

    def is_turned_away(self, data: bytes) -> bool:
        """Answer a client that there is no room for, and drop what it sends."""
        if self.visit is None or self.visit.full is None:
            return False
        self._left -= len(data)
        if self._left < 0:
            self.transport.abort()
        elif not self._told:
            self._told = True
            self.visit.look(is_working=True)
            self.transport.write(no_room(self.visit.full, self.server_state.default_headers))
            self.transport.write_eof()
        return True

    def has_room_for_stream(self) -> bool:
        """Count the connection as a stream; one that finds no room is answered and closed."""
        full: Full | None = None if self.visit is None else self.visit.upgrade()
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


def attended_by(doors: Doors | None, protocol: type[Attended]) -> Callable[..., asyncio.Protocol]:
    """Give the protocol class its doors."""
    return partial(protocol, doors=doors)
