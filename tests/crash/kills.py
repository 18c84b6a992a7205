"""When to kill: at random moments, and at those that hurt.

In: the world, its load, a seeded source of chance. Out: a dead server, and the name of the moment. The plan
is repeatable, the timing of a real machine is not.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from crash.journal import Wire
from crash.load import Load, User
from crash.world import Server

_NEVER_LATER_S = 3.0
MOMENTS = ("any time", "event told", "order sent", "list sent", "change sent", "commit")
_CHANGES = (("DELETE", "", b""), ("POST", "/pause", b""), ("PATCH", "", b'{"end_time": "+2s"}'))
Moment = Callable[[], Awaitable[None]]


class Killer:
    """Chooses a moment, waits for it and kills."""

    def __init__(self, server: Server, load: Load, *, rng: random.Random, pace: float, log: Path) -> None:
        """Args:
        pace: 1 leaves the server up to four seconds of life, less is shorter.
        log: the database's write-ahead log, a file or a folder of files: when it changes, something commits.
        """
        self._server, self._load, self._rng, self._pace = server, load, rng, pace
        self._left: list[asyncio.StreamWriter] = []
        self._log = log

    def choose(self, only: str = "") -> tuple[str, Moment]:
        """The next moment and how to wait for it; ``only`` names the one to take."""
        moments: dict[str, tuple[int, Moment]] = {
            "any time": (30, self._any_time),
            "event told": (15, self._event_told),
            "order sent": (15, self._order_sent),
            "list sent": (12, self._list_sent),
            "change sent": (10, self._change_sent),
            "commit": (20, self._commit),
        }
        weights = [weight for weight, _ in moments.values()]
        name = only or self._rng.choices(list(moments), weights)[0]
        return name, moments[name][1]

    def hang_up(self) -> None:
        """Drop the connections on which nobody waits for an answer."""
        for writer in self._left:
            writer.transport.abort()
        self._left.clear()

    async def _any_time(self) -> None:
        await self._live(0, 4)

    async def _event_told(self) -> None:
        """As soon as anybody is told of something: it must have been recorded."""
        await self._live(0.3, 2)
        seen = self._events()
        await _until(lambda: self._events() != seen)

    async def _commit(self) -> None:
        """As soon as the write-ahead log changes, within or right after a commit."""
        await self._live(0.3, 2)
        before = _stamp(self._log)
        await _until(lambda: _stamp(self._log) != before)
        await asyncio.sleep(self._rng.choice((0, 0, 0.001, 0.003)))

    async def _order_sent(self) -> None:
        """A request has left and its answer has not come."""
        await self._live(0.3, 2)
        await self._post(self._user(), count=1)
        await asyncio.sleep(self._rng.uniform(0, 0.02))

    async def _list_sent(self) -> None:
        """In the middle of a list."""
        await self._live(0.3, 1.5)
        await self._post(self._user(), count=self._rng.randint(20, 80))
        await asyncio.sleep(self._rng.uniform(0.005, 0.12))

    async def _change_sent(self) -> None:
        """Cancellations, pauses and amendments have left."""
        await self._live(0.3, 2)
        user = self._user()
        for token in list(user.open)[:3]:
            method, path, body = self._rng.choice(_CHANGES)
            if method == "PATCH":
                self._load.journal.amending(user.name, token)
            await self._send(user, method, f"/orders/{token}{path}", body)
        await asyncio.sleep(self._rng.uniform(0, 0.015))

    async def _live(self, least: float, most: float) -> None:
        await asyncio.sleep(self._rng.uniform(least, most) * self._pace)

    def _user(self) -> User:
        return self._rng.choice(self._load.users)

    def _events(self) -> int:
        return sum(map(len, self._load.journal.events.values()))

    async def _post(self, user: User, *, count: int) -> None:
        bodies = [
            _short(self._load.order(user)) if count > 1 else self._load.order(user) for _ in range(count)
        ]
        user.doubtful.append(self._load.journal.sent(user.name, bodies))
        await self._send(user, "POST", "/orders", json.dumps(bodies).encode())

    async def _send(self, user: User, method: str, path: str, body: bytes) -> None:
        """Write a whole request and wait for no answer; the connection stays until the server is dead."""
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self._server.port)
            self._left.append(writer)
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {user.key}\r\n"
            head += "If-Match: *\r\n" if method == "PATCH" else ""
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()


def _short(body: Wire) -> Wire:
    """A list is many orders: few slices each, or they would be all of the load."""
    return body | {"interval": "800ms", "duration": "3s"}


async def _until(happened: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _NEVER_LATER_S
    while not happened() and loop.time() < deadline:
        await asyncio.sleep(0)


def _stamp(log: Path) -> list[tuple[int, int]]:
    try:
        found = [path.stat() for path in (log.iterdir() if log.is_dir() else [log])]
    except FileNotFoundError:
        return []
    return [(one.st_size, one.st_mtime_ns) for one in found]
