"""Keep the open WebSocket sessions: count them, find a user's, end all of them."""

import asyncio
from collections import Counter
from collections.abc import Collection
from typing import Protocol

from twap_server.domain.clock import Clock

_LONGEST_GOODBYE_S = 5.0
_CHECK_EVERY_S = 1.0
_CHECKS_PER_TURN = 1_000
SERVER_RESTARTS = 1012


class Endable(Protocol):
    """A session that can be told to end."""

    def end(self, code: int, reason: str) -> None:
        """Close soon, with this code; never blocks."""
        ...

    def check(self) -> None:
        """Close soon if its sign-in counts no more, or the server is unfit to serve it; never blocks."""
        ...

    @property
    def grant(self) -> str:
        """The sign-in or the API key it came with; empty before it is known."""
        ...

    def end_sign_in(self) -> None:
        """Let its sign-in count no more, and close soon; never blocks."""
        ...


class Sessions:
    """Register of open sessions."""

    def __init__(self) -> None:
        """Start with none."""
        self._open: set[Endable] = set()
        self._users: Counter[str] = Counter()
        self._empty = asyncio.Event()
        self._empty.set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._open)

    @property
    def closing(self) -> bool:
        """Whether the server stops: new sessions are refused."""
        return self._closing

    def add(self, session: Endable) -> None:
        """A session began."""
        self._open.add(session)
        self._empty.clear()

    def remove(self, session: Endable) -> None:
        """A session has ended."""
        self._open.discard(session)
        if not self._open:
            self._empty.set()

    def claim(self, user_id: str, most: int) -> bool:
        """Count a connection of a user; False when there are as many as allowed."""
        if self._users[user_id] >= most:
            return False
        self._users[user_id] += 1
        return True

    def give_back(self, user_id: str) -> None:
        """A user's connection has ended."""
        self._users[user_id] -= 1
        if self._users[user_id] <= 0:
            del self._users[user_id]

    async def check_sign_ins(self, clock: Clock) -> None:
        """Each second, end the sessions that are not to go on, until cancelled."""
        while True:
            await clock.sleep(_CHECK_EVERY_S)
            for number, session in enumerate(list(self._open), start=1):
                session.check()
                if number % _CHECKS_PER_TURN == 0:
                    await asyncio.sleep(0)

    def grants(self) -> set[str]:
        """The sign-ins and API keys of the open sessions."""
        return {session.grant for session in self._open} - {""}

    def end_grants(self, grants: Collection[str]) -> None:
        """End the sessions that came with these."""
        for session in list(self._open) if grants else ():
            if session.grant in grants:
                session.end_sign_in()

    async def close_all(self) -> None:
        """End every session with code 1012 ("come back") and wait for them, at most five seconds."""
        self._closing = True
        for session in list(self._open):
            session.end(SERVER_RESTARTS, "the server restarts")
        try:
            async with asyncio.timeout(_LONGEST_GOODBYE_S):
                await self._empty.wait()
        except TimeoutError:
            return
