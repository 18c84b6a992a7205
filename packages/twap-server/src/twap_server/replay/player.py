"""Play a recording to the collector: its frames at their times, as if they came over a WebSocket.

In: frames in order. Out: a ``Connection`` per session, all of which hear the same frames. Frames that come
while nobody is connected are lost, as they would be live.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from twap_server.clock import VirtualClock
from twap_server.collector.config import CollectorConfig
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.market.errors import FeedError
from twap_server.exchanges.base import Exchange
from twap_server.recordings.frames import RecordedFrame
from twap_server.replay.unreadable import NOBODY, UnreadableMessages
from twap_server.replay.virtual import FAR, ReplayLoop

_MOST_WAITING = 10_000
_NO_MORE: RecordedFrame = (FAR, b"", 0, "")


class Tape:
    """The frames that are still to come."""

    __slots__ = ("_following", "_frames", "_line", "at", "failure", "line", "taken")

    def __init__(self, frames: Iterator[RecordedFrame]) -> None:
        """Read the first one.

        Raises:
            InvalidRequest: the recording cannot be read.
        """
        self._frames = frames
        self.at, self._following, self._line, _ = next(frames, _NO_MORE)
        self.taken = 0
        self.line = 0
        """Of the frame taken last."""
        self.failure: InvalidRequest | None = None
        """Why the recording cannot be read any further."""

    def take(self, clock: VirtualClock) -> bytes:
        """Take the next frame out; the clock then shows its moment."""
        raw, clock.moment, self.line = self._following, self.at, self._line
        self.taken += 1
        try:
            self.at, self._following, self._line, _ = next(self._frames, _NO_MORE)
        except InvalidRequest as error:  # for whoever plays it, not for whoever happens to read now
            self.failure = error
            self.at, self._following, self._line, _ = _NO_MORE
        return raw


class TapePlayer:
    """One recording, played once, on a ``ReplayLoop`` made with this player and its clock."""

    def __init__(self, frames: Iterator[RecordedFrame]) -> None:
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
        self._listeners: list[Listener] = []

    def on_unreadable(self, error: FeedError) -> None:
        """Count the message that was given out last: it could not be read."""
        if self.reading:
            self.unread.note(self.reading, str(error))

    def play(self, until: Nanos) -> bool:
        """Wake the listeners if there is a frame for them; without any, let it pass."""
        if self.tape.at <= until:
            if not any(one.wake() for one in self._listeners):
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
        listener = Listener(self)
        self._listeners.append(listener)
        try:
            yield listener
        finally:
            self._listeners.remove(listener)

    def take(self, taker: "Listener | None") -> bytes:
        """Take the next frame; whoever else listens hears it too."""
        raw, line = self.tape.take(self.clock), self.tape.line
        if taker is None and not self._listeners:
            self.unread.note(line, NOBODY)
        if taker is None or len(self._listeners) > 1:
            for other in self._listeners:
                if other is not taker:
                    other.hear(raw, line)
        self.reading = line
        return raw


class Listener:
    """One connection to the recording."""

    acknowledges = False

    def __init__(self, player: TapePlayer) -> None:
        """Made inside the loop only."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ReplayLoop), "a recording plays on its own loop"
        self._player, self._tape, self._loop = player, player.tape, loop
        self._waiting: deque[tuple[bytes, int]] = deque(maxlen=_MOST_WAITING)
        self._woken: asyncio.Future[None] = loop.create_future()
        self._woken.set_result(None)  # nobody waits yet

    async def receive(self) -> tuple[bytes]:
        """Wait for the next frame: each alone, for each has its own moment and its own line."""
        while True:
            if self._waiting:
                raw, self._player.reading = self._waiting.popleft()
                return (raw,)
            if self._tape.at <= self._loop.horizon:
                return (self._player.take(self),)
            self._woken = self._loop.create_future()
            await self._woken

    async def send(self, text: str) -> None:
        """Say nothing: the recording has asked somebody else."""

    async def reply(self, text: str) -> None:
        """Say nothing: the recording has asked somebody else."""

    def hear(self, raw: bytes, line: int) -> None:
        """Take in a frame that another listener took."""
        self._waiting.append((raw, line))
        self.wake()

    def wake(self) -> bool:
        """Look again for something to receive; False where nobody waits for it."""
        if self._woken.done():
            return False
        self._woken.set_result(None)
        return True
