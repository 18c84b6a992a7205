"""Serve one WebSocket connection of a simulated exchange: send, read, and keep time.

A session renders events as they are published, in order with its answers, into an outbox; its writer
sends them through the line of faults. Subclasses know one venue's protocol. A consumer too slow for
a live market is cut off when the outbox is full, as venues do; a lossless source waits instead.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.websockets import WebSocket, WebSocketDisconnect

from twap_server.domain.clock import Clock
from twap_server.venue.faults import Fault, Kind, Line, OutgoingFrame
from twap_server.venue.source import Event, Source

LOSSLESS_BOUND = 64
OUTBOX_BOUND = 20_000
_FAULT_EVERY_S = (20.0, 30.0)


class SessionEndedError(Exception):
    """Ends the tasks of a session; never leaves it."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Close with a code; 0 cuts the connection without a word."""

    code: int
    reason: str = ""


Item = OutgoingFrame | Fault | Goodbye


class Outbox:
    """What waits to be sent, in order."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    def put(self, item: Item) -> None:
        """Add an item; beyond the bound the consumer is cut off."""
        if len(self._items) >= OUTBOX_BOUND:
            self._items.clear()
            item = Goodbye(0)
        self._items.append(item)
        self._filled.set()
        if len(self._items) >= LOSSLESS_BOUND:
            self._drained.clear()

    async def take(self) -> Item:
        """Wait for the next item."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        if len(self._items) < LOSSLESS_BOUND:
            self._drained.set()
        return item

    async def room(self) -> None:
        """Wait until few items wait."""
        await self._drained.wait()

    def release(self) -> None:
        """Let nobody wait any more."""
        self._drained.set()


class VenueSession(ABC):
    """One connection; ``run`` lasts as long as it does."""

    venue: ClassVar[str]

    def __init__(
        self,
        socket: WebSocket,
        *,
        source: Source,
        clock: Clock,
        faults: Iterable[Fault],
        number: int,
        done: Counter[str],
    ) -> None:
        self.number = number
        self.gone = asyncio.Event()
        self.outbox = Outbox()
        self.sent = 0
        self._socket = socket
        self._source = source
        self._clock = clock
        self._faults = tuple(faults)
        self._random = random.Random(number)
        self._line = Line(done)
        self._closing = False
        self._noticed = asyncio.Event()
        self._notice_s = 0.0

    def prepare(self) -> None:  # noqa: B027 - most have nothing to do
        """Begin, before anything is sent: what the address says, if anything."""

    @abstractmethod
    def subscriptions(self) -> list[str]:
        """Name what the client is subscribed to."""

    def greet(self) -> None:  # noqa: B027 - most say nothing
        """Put out what the venue says on connect."""

    @abstractmethod
    def receive(self, message: str) -> None:
        """Answer a client's message."""

    @abstractmethod
    def hear(self, event: Event) -> None:
        """Render an event of this venue if the client wants it."""

    def notice(self) -> str:
        """Write what the venue says before a planned close; empty where it says nothing."""
        return ""

    def chores(self) -> list[Coroutine[Any, Any, None]]:
        """Give the timed tasks of the protocol."""
        return []

    def announce_shutdown(self, seconds: float) -> None:
        """Give the notice of a planned close, if there is one; the close comes after so many seconds."""
        if self.notice():
            self._notice_s = seconds
            self._noticed.set()

    def say(self, text: str | bytes, kind: Kind = "data") -> None:
        """Put a message out."""
        self.outbox.put(OutgoingFrame(text, kind))

    def end(self, code: int, reason: str = "") -> None:
        """Close after what was put out before; nothing the client asks counts any more."""
        self._closing = True
        self.outbox.put(Goodbye(code, reason))

    async def run(self) -> None:
        """Serve the connection until either side ends it. Cancellation leaves nothing behind."""
        await self._socket.accept()
        self.prepare()
        self.greet()
        try:
            async with asyncio.TaskGroup() as group:
                for job in (self._read(), self._write(), self._shut_down(), *self.chores()):
                    group.create_task(job)
                for fault in self._faults:
                    group.create_task(self._repeat(fault))
        except* (SessionEndedError, WebSocketDisconnect):
            pass
        finally:
            self.gone.set()
            self.outbox.release()

    async def _shut_down(self) -> None:
        await self._noticed.wait()
        self.say(self.notice())
        await self._clock.sleep(self._notice_s)
        self.end(1001, "Server shutdown")

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise SessionEndedError
            text = message.get("text")
            if not self._closing:
                self.receive(text if text is not None else message["bytes"].decode(errors="replace"))

    async def _write(self) -> None:
        while True:
            item = await self.outbox.take()
            if isinstance(item, Goodbye):
                await self._leave(item)
            now = self._clock.monotonic()
            if isinstance(item, OutgoingFrame):
                await self._send(self._line.carry(item, now))
            elif isinstance(item, Fault):
                await self._send(self._line.strike(item, now))
                if self._line.take("disconnect"):
                    raise SessionEndedError
            pause = self._line.pause(now)
            if pause:
                await self._clock.sleep(pause)

    async def _send(self, texts: Iterable[str | bytes]) -> None:
        for text in texts:
            self.sent += 1
            if isinstance(text, str):
                await self._socket.send_text(text)
            else:
                await self._socket.send_bytes(text)

    async def _leave(self, goodbye: Goodbye) -> None:
        if goodbye.code:
            await self._socket.close(goodbye.code, goodbye.reason)
        raise SessionEndedError

    async def _repeat(self, fault: Fault) -> None:
        while True:
            await self._clock.sleep(self._random.uniform(*_FAULT_EVERY_S))
            self.outbox.put(fault)
