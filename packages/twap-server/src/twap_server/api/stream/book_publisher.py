"""Send each reader of a book that book once a second, at the reader's own moment of the second.

A book is read, encoded and framed once for all readers served in one turn of the event loop; a turn is short,
so that others get the loop in between. Nothing encoded is kept over a turn: nobody is sent a book older than
one already sent, and ``ts_sent`` is the moment of sending.
"""

import asyncio

from twap_models.enums import AGGREGATE
from twap_server.api.stream.book_messages import BookSource
from twap_server.domain.clock import SECOND, Clock
from twap_server.domain.market.instrument import InstrumentId
from twap_server.feed.bus import BookTopic, Bus
from twap_server.feed.phases import PHASES

_PHASE = SECOND // PHASES
_READERS_PER_TURN = 250
"""About three milliseconds of sending."""


class BookPublisher:
    """Publishes books. Run ``run()`` in the process's root task group."""

    def __init__(self, source: BookSource, bus: Bus, clock: Clock) -> None:
        """Read from ``source``, publish on ``bus``."""
        self._source = source
        self._bus = bus
        self._clock = clock
        self._announced: dict[BookTopic, None] = {}
        self._any_announced = asyncio.Event()

    async def run(self) -> None:
        """Serve each phase of every second, and what is announced, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.follow_announcements())
            group.create_task(self._serve_phases())

    async def tick(self, phase: int | None = None) -> None:
        """Publish every topic once, to its readers of this phase; without one, to all."""
        for topic in self._bus.book_topics():
            await self._publish(topic, phase)

    def announce(self, instrument: InstrumentId) -> None:
        """Publish this instrument's topics as soon as possible: its book stopped or began being live."""
        for topic in self._bus.book_topics():
            if _shows(topic, instrument):
                self._announced[topic] = None
                self._any_announced.set()

    async def follow_announcements(self) -> None:
        """Publish what was announced, to all its readers, until cancelled."""
        while True:
            await self._any_announced.wait()
            while self._announced:
                topic = next(iter(self._announced))
                del self._announced[topic]
                await self._publish(topic, None)
            self._any_announced.clear()

    async def _serve_phases(self) -> None:
        """After a pause each phase is served once and then goes on in its time, without catching up."""
        begin, step = self._clock.monotonic() + SECOND, 0
        while True:
            await self._clock.sleep((begin + step * _PHASE - self._clock.monotonic()) / SECOND)
            passed = (self._clock.monotonic() - begin) // _PHASE
            step = max(step, passed - PHASES + 1)
            await self.tick(step % PHASES)
            step += 1

    async def _publish(self, topic: BookTopic, phase: int | None) -> None:
        readers = list(self._bus.readers(topic, phase))
        for first in range(0, len(readers), _READERS_PER_TURN):
            turn = readers[first : first + _READERS_PER_TURN]
            self._bus.publish_book(topic, self._source.frame(topic), turn)
            await asyncio.sleep(0)


def _shows(topic: BookTopic, instrument: InstrumentId) -> bool:
    return topic.symbol == instrument.symbol and topic.exchange in (instrument.exchange, AGGREGATE)
