"""Play recordings to the collector: their frames at their times, as if they came over WebSockets.

In: frames in order, of one exchange or several. Out: a ``Connection`` per session, all of which hear the same
frames of their exchange. Frames that come while nobody is connected to it are lost, as they would be live.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from twap_server.clock import VirtualClock
from twap_server.collector.config import CollectorConfig
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.market.errors import FeedError
from twap_server.exchanges.base import Exchange
from twap_server.replay.origin import NOWHERE, PlayedConnection, PlayedFrame
from twap_server.replay.unreadable import NOBODY, UnreadableMessages
from twap_server.replay.virtual import FAR, ReplayLoop

_MOST_WAITING = 10_000
_NOBODY: "list[Listener]" = []
_NO_MORE: PlayedFrame = (FAR, b"", 0, NOWHERE)


class Tape:
    """The frames that are still to come."""

    __slots__ = ("_following", "_frames", "_line", "at", "failure", "following", "line", "source", "taken")

    def __init__(self, frames: Iterator[PlayedFrame]) -> None:
        """Read the first one.

        Raises:
            InvalidRequest: the recording cannot be read.
        """
        self._frames = frames
        self.at, self._following, self._line, self.following = next(frames, _NO_MORE)
        self.taken = 0
        """Messages, without the boundaries of connections."""
        self.line = 0
        """Of the frame taken last."""
        self.source = NOWHERE
        """Over which connection the frame taken last came; ``following``: the next one."""
        self.failure: InvalidRequest | None = None
        """Why the recording cannot be read any further."""

    def take(self, clock: VirtualClock) -> bytes:
        """Take the next frame out; the clock then shows its moment."""
        raw, clock.moment, self.line = self._following, self.at, self._line
        source = self.source = self.following
        if not source.is_boundary:
            self.taken += 1
        try:
            self.at, self._following, self._line, self.following = next(self._frames, _NO_MORE)
        except InvalidRequest as error:  # for whoever plays it, not for whoever happens to read now
            self.failure = error
            self.at, self._following, self._line, self.following = _NO_MORE
        return raw


class TapePlayer:
    """Recordings, played once, on a ``ReplayLoop`` made with this player and its clock."""

    def __init__(self, frames: Iterator[PlayedFrame]) -> None:
        """Take up the recording.

        Raises:
            InvalidRequest: it cannot be read.
        """
        self.tape = Tape(frames)
        self.clock = VirtualClock(self.tape.at)
        self.ended = asyncio.Event()
        """Set once every frame was taken and dealt with."""
        self.unread = UnreadableMessages()
        self.reading = 0
        """The line of the message that was given out last, 0 before the first."""
        self.source = NOWHERE
        """Over which connection that message came."""
        self._listeners: dict[str, list[Listener]] = {}
        """By exchange."""

    def on_unreadable(self, error: FeedError) -> None:
        """Count the message that was given out last: it could not be read."""
        if self.reading:
            self.unread.note(self.source.path, self.reading, str(error))

    def heard(self) -> PlayedConnection:
        """Over which connection the message came that was given out last."""
        return self.source

    def play(self, until: Nanos) -> bool:
        """Wake the listeners if there is a frame for them; without any, let it pass."""
        if self.tape.at <= until:
            if not self.wake_next():
                self.take(None)
            return True
        if self.tape.at == FAR and not self.ended.is_set():
            self.ended.set()
            return True
        return False

    @asynccontextmanager
    async def open(
        self, exchange: Exchange, config: CollectorConfig, clock: Clock
    ) -> AsyncIterator["Listener"]:
        """Listen until the block ends."""
        listener = Listener(self, exchange.name)
        listeners = self._listeners.setdefault(exchange.name, [])
        listeners.append(listener)
        try:
            yield listener
        finally:
            listeners.remove(listener)

    def wake_next(self) -> bool:
        """Wake a listener of the exchange that the next frame is of; False where none waits for it."""
        return any(one.wake() for one in self._listeners.get(self.tape.following.exchange, ()))

    def take(self, taker: "Listener | None") -> bytes:
        """Take the next frame; whoever else listens to its exchange hears it too."""
        tape = self.tape
        raw, line, source = tape.take(self.clock), tape.line, tape.source
        listeners = self._listeners.get(source.exchange)
        if listeners is None:  # no order needs this exchange: nobody ever connects to it
            listeners = _NOBODY
        elif not listeners and not source.is_boundary:
            self.unread.note(source.path, line, NOBODY)
        if taker is None or len(listeners) > 1:
            for other in listeners:
                if other is not taker:
                    other.hear(raw, line, source)
        self.reading, self.source = line, source
        return raw


class Listener:
    """One connection to the recordings of an exchange."""

    acknowledges = False
    moment: Callable[[], Nanos] | None = None

    def __init__(self, player: TapePlayer, exchange: str) -> None:
        """Made inside the loop only."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ReplayLoop), "a recording plays on its own loop"
        self._player, self._tape, self._loop = player, player.tape, loop
        self._exchange = exchange
        self._waiting: deque[tuple[bytes, int, PlayedConnection]] = deque(maxlen=_MOST_WAITING)
        self._woken: asyncio.Future[None] = loop.create_future()
        self._woken.set_result(None)  # nobody waits yet

    async def receive(self) -> tuple[bytes]:
        """Wait for the next frame: each alone, for each has its own moment and its own line."""
        player, tape = self._player, self._tape
        while True:
            if self._waiting:
                raw, player.reading, player.source = self._waiting.popleft()
                return (raw,)
            if tape.at <= self._loop.horizon:
                if tape.following.exchange == self._exchange:
                    return (player.take(self),)
                self._pass_on()
            self._woken = self._loop.create_future()
            await self._woken

    def _pass_on(self) -> None:
        """Let a listener of another exchange take the next frame; nothing else wants to run before it."""
        loop = self._loop
        horizon = loop.horizon
        self._player.wake_next()
        loop.horizon = horizon

    async def send(self, text: str) -> None:
        """Say nothing: the recording has asked somebody else."""

    async def reply(self, text: str) -> None:
        """Say nothing: the recording has asked somebody else."""

    def hear(self, raw: bytes, line: int, source: PlayedConnection) -> None:
        """Take in a frame that another listener took."""
        self._waiting.append((raw, line, source))
        self.wake()

    def wake(self) -> bool:
        """Look again for something to receive; False where nobody waits for it."""
        if self._woken.done():
            return False
        self._woken.set_result(None)
        return True
