"""Plays a recording to the collector: its frames at their moments, as if they came over a WebSocket.

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
from twap_server.exchanges.base import Exchange
from twap_server.replay.answers import answers
from twap_server.replay.recording import Frame
from twap_server.replay.virtual import FAR, ReplayLoop

_MOST_WAITING = 10_000


class Tape:
    """The frames that are still to come."""

    __slots__ = ("_clock", "_following", "_frames", "at", "taken")

    def __init__(self, frames: Iterator[Frame]) -> None:
        """Read the first one.

        Raises:
            InvalidRequest: there is none, or the recording cannot be read.
        """
        self._frames = frames
        first = next(frames, None)
        if first is None:
            raise InvalidRequest("the recording holds no message of a WebSocket", field="recording")
        self.at, self._following = first
        self.taken = 0

    def take(self, clock: VirtualClock) -> bytes:
        """Take the next frame out; the clock then shows its moment."""
        raw, clock.moment = self._following, self.at
        self.taken += 1
        self.at, self._following = next(self._frames, (FAR, b""))
        return raw


class TapePlayer:
    """One recording, played once, on a ``ReplayLoop`` made with this player and its clock."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        """Take up the recording.

        Raises:
            InvalidRequest: it is empty, or cannot be read.
        """
        self.tape = Tape(frames)
        self.clock = VirtualClock(self.tape.at)
        self.ended = asyncio.Event()
        """Set once every frame was taken and dealt with."""
        self._listeners: list[Listener] = []

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
        listener = Listener(self, exchange.name)
        self._listeners.append(listener)
        try:
            yield listener
        finally:
            self._listeners.remove(listener)

    def take(self, taker: "Listener | None") -> bytes:
        """Take the next frame; whoever else listens hears it too."""
        raw = self.tape.take(self.clock)
        if taker is None or len(self._listeners) > 1:
            for other in self._listeners:
                if other is not taker:
                    other.hear(raw)
        return raw


class Listener:
    """One connection to the recording."""

    def __init__(self, player: TapePlayer, exchange: str) -> None:
        """Args: exchange: whose answers to give. Made inside the loop only."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ReplayLoop), "a recording plays on its own loop"
        self._player, self._tape, self._loop = player, player.tape, loop
        self._exchange = exchange
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._woken: asyncio.Future[None] = loop.create_future()
        self._woken.set_result(None)  # nobody waits yet

    async def receive(self) -> bytes:
        """Wait for the next frame."""
        while True:
            if self._waiting:
                return self._waiting.popleft()
            if self._tape.at <= self._loop.horizon:
                return self._player.take(self)
            self._woken = self._loop.create_future()
            await self._woken

    async def send(self, text: str) -> None:
        """Answer a request at once."""
        for answer in answers(self._exchange, text):
            self.hear(answer)

    def hear(self, raw: bytes) -> None:
        """Take in a frame that came by another way than ``receive``."""
        self._waiting.append(raw)
        self.wake()

    def wake(self) -> bool:
        """Look again for something to receive; False where nobody waits for it."""
        if self._woken.done():
            return False
        self._woken.set_result(None)
        return True
