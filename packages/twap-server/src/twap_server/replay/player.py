"""Play recordings to the collector: their frames at their times, as if they came over WebSockets.

In: frames in order, of one exchange or several. Out: a ``Connection`` per session, all of which hear the same
frames of their exchange. Frames that come while nobody is connected to it are lost, as they would be live.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Final

from twap_server.clock import VirtualClock
from twap_server.collector.config import CollectorConfig
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.market.errors import FeedError
from twap_server.exchanges.base import Exchange
from twap_server.replay.origin import NEVER, NOWHERE, PlayedConnection, PlayedFrame
from twap_server.replay.unreadable import NOBODY, UnreadableMessages
from twap_server.replay.virtual import ReplayLoop

_MOST_WAITING = 10_000
_AT_ONCE: Final = 256
"""Frames that are read ahead."""
_NOBODY: "list[Listener]" = []
_NO_MORE: PlayedFrame = (NEVER, b"", 0, NOWHERE, NEVER)
_AT_NO_TIME: Final = Nanos(0)


class Tape:
    """The frames that are still to come, read some at a time."""

    __slots__ = (
        "_block", "_frames", "_place", "_why_ends", "at", "failure", "following", "line", "source", "taken",
    )  # fmt: skip

    def __init__(self, frames: Iterator[PlayedFrame]) -> None:
        """Read the first ones.

        Args:
            frames: in order.

        Raises:
            InvalidRequest: the first one cannot be read.
        """
        self._frames = frames
        self._block: list[PlayedFrame] = []
        """What was read, and after it ``_NO_MORE``."""
        self._place = 0
        self.at, self.following = NEVER, NOWHERE
        self._why_ends: InvalidRequest | None = None
        self.taken = 0
        """Messages, without the boundaries of connections."""
        self.line = 0
        """Of the frame taken last."""
        self.source = NOWHERE
        """Over which connection the frame taken last came; ``following``: the next one."""
        self.failure: InvalidRequest | None = None
        """Why the recording cannot be read any further."""
        self._read_on()
        if self.failure is not None:
            raise self.failure

    def take(self, clock: VirtualClock, until: Nanos = _AT_NO_TIME) -> bytes:
        """Take the next frame out; the clock then shows its moment.

        Args:
            clock: of the replay.
            until: leave out what its connection says again by then.
        """
        block, place = self._block, self._place
        at, raw, line, source, again = block[place]
        while again <= until and block[place + 1][3] is source:
            place += 1
            at, raw, line, _, again = block[place]
        if not source.is_boundary:
            self.taken += 1 + place - self._place
        clock.moment, self.line, self.source = at, line, source
        self._place = place = place + 1
        following = block[place]
        if following is _NO_MORE:
            self._read_on()
        else:
            self.at, self.following = following[0], following[3]
        return raw

    def _read_on(self) -> None:
        """Read the next block; what cannot be read is told when all before it was taken."""
        block: list[PlayedFrame] = []
        if self._why_ends is None:
            try:
                block.extend(islice(self._frames, _AT_ONCE))
            except InvalidRequest as error:  # for whoever plays it, not for whoever happens to read now
                self._why_ends = error
        if not block:
            self.failure = self._why_ends
        block.append(_NO_MORE)
        self._block, self._place = block, 0
        self.at, _, _, self.following, _ = block[0]


class TapePlayer:
    """Recordings, played once, on a ``ReplayLoop`` made with this player and its clock."""

    def __init__(self, frames: Iterator[PlayedFrame]) -> None:
        """Take up the recording.

        Args: frames: in order.

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

    def play(self, until: Nanos) -> bool:
        """Wake the listeners if there is a frame for them; without any, let it pass."""
        if self.tape.at <= until:
            if not self.wake_next():
                self.take(None)
            return True
        if self.tape.at == NEVER and not self.ended.is_set():
            self.ended.set()
            return True
        return False

    @asynccontextmanager
    async def open(
        self, exchange: Exchange, config: CollectorConfig, clock: Clock
    ) -> AsyncIterator["Listener"]:
        """Listen until the block ends."""
        listeners = self._listeners.setdefault(exchange.name, [])
        listener = Listener(self, exchange.name, listeners)
        listeners.append(listener)
        try:
            yield listener
        finally:
            listeners.remove(listener)

    def wake_next(self) -> bool:
        """Wake a listener of the exchange that the next frame is of; False where none waits for it."""
        return any(one.wake() for one in self._listeners.get(self.tape.following.exchange, _NOBODY))

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

    def __init__(self, player: TapePlayer, exchange: str, listeners: "Sequence[Listener]") -> None:
        """Made inside the loop only; listeners: all that listen to the exchange."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ReplayLoop), "a recording plays on its own loop"
        self._player, self._tape, self._loop = player, player.tape, loop
        self._exchange, self._listeners = exchange, listeners
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
            horizon = self._loop.horizon
            if tape.at <= horizon:
                if tape.following.exchange != self._exchange:
                    self._pass_on()
                elif len(self._listeners) > 1:  # each hears each frame
                    return (player.take(self),)
                else:  # nothing else happens until then: nobody looks before what says nothing is said again
                    raw = tape.take(player.clock, horizon)
                    player.reading, player.source = tape.line, tape.source
                    return (raw,)
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
