"""Build large answers few at a time, fairly by user, once for all who ask, and send them in pieces.

What is small is written at once; what is larger in a thread, by turns of the users; what is large is read
and written a few at a time in the whole server, one at a time for each user. Who asks for what is about to be
made gets the same. Nothing is kept, and a piece leaves once the client has taken those before.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from twap_server.api.fair_queue import FairQueue, Rank
from twap_server.domain.errors import EngineBusy
from twap_server.runtime.threads import Threads

T = TypeVar("T")
INLINE = 50
"""Items, such as slices and fills, that are written without a thread."""
LIGHT = 250
"""Items of each kind that are read and written without a turn among the large ones."""
_PIECE = 65_536
_CROWD = 32
"""Large answers made or sent, from which on nobody who has one gets another."""
_BUSY = "too many large answers are being made: try again, or ask for pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A body in pieces, and what is said of it."""

    pieces: Sequence[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


Make: TypeAlias = Callable[[], Awaitable[Written]]
_Flight: TypeAlias = "asyncio.Future[Written]"


class LargeAnswers:
    """Makes and sends them; one for the server."""

    def __init__(self, threads: Threads, *, at_once: int, per_user: int) -> None:
        """Args: at_once, made at a time; per_user, made or being sent."""
        self._threads = threads
        self._per_user = per_user
        self._light = FairQueue(1, [Rank(at_once=1, waiting=1_000)], refusal=_BUSY)
        self._large = FairQueue(at_once, [Rank(at_once=at_once, waiting=64)], refusal=_BUSY, per_key=1)
        self._next: dict[Hashable, _Flight] = {}
        """What is about to be made; who comes later than that gets another."""
        self._in_hand: Counter[str] = Counter()

    async def write(self, user_id: str, items: int, work: Callable[[], T]) -> T:
        """Write something of so many items, at its turn.

        Raises:
            EngineBusy: too much waits to be written.
        """
        if items <= INLINE:
            return work()
        async with (self._light if items <= 4 * LIGHT else self._large).take(user_id):
            return await self._threads.run(work)

    async def answer(self, user_id: str, key: Hashable, make: Make) -> Response:
        """Answer with what ``make`` reads and writes, or has begun to for the same key since this was called.

        Raises:
            EngineBusy: the user has as many as allowed, or too many wait.
        """
        self._check(user_id)
        with self._in_hand_of(user_id):
            written = await self._made(user_id, key, make)
        return _InPieces(written, self._in_hand_of(user_id))

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do a part of ``make`` in a thread."""
        return await self._threads.run(work)

    def _check(self, user_id: str) -> None:
        most = self._per_user if self._in_hand.total() < _CROWD else 1
        if self._in_hand[user_id] >= most:
            raise EngineBusy(
                f"{most} of your large answers are being made or read: read them first, or ask for pages",
                retry_after=5,
            )

    @contextmanager
    def _in_hand_of(self, user_id: str) -> Iterator[None]:
        self._in_hand[user_id] += 1
        try:
            yield
        finally:
            self._in_hand[user_id] -= 1
            if not self._in_hand[user_id]:
                del self._in_hand[user_id]

    async def _made(self, user_id: str, key: Hashable, make: Make) -> Written:
        flight = self._next.get(key)
        if flight is not None:
            return await asyncio.shield(flight)
        flight = self._next[key] = asyncio.get_running_loop().create_future()
        try:
            async with self._large.take(user_id):
                del self._next[key]
                written = await make()
        except BaseException as error:
            self._fail(key, flight, error)
            raise
        flight.set_result(written)
        return written

    def _fail(self, key: Hashable, flight: _Flight, error: BaseException) -> None:
        if self._next.get(key) is flight:
            del self._next[key]
        shared = error if isinstance(error, Exception) else EngineBusy(_BUSY, retry_after=2)
        flight.set_exception(shared)
        flight.exception()  # nobody may be waiting for it


class _InPieces(Response):
    """Sends piece after piece, each once the client has taken the ones before."""

    def __init__(self, written: Written, in_hand: AbstractContextManager[None]) -> None:
        super().__init__(headers=dict(written.headers), media_type=written.media_type)
        self._pieces = written.pieces
        self._in_hand = in_hand
        self.headers["content-length"] = str(sum(map(len, written.pieces)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._in_hand:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            for piece in _cut(self._pieces):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


def _cut(pieces: Sequence[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for begin in range(0, len(piece), _PIECE):
            yield piece[begin : begin + _PIECE]
