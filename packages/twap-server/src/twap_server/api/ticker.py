"""The second hand of the stream: each second every subscribed book is encoded once and published."""

import asyncio

from twap_models.enums import AGGREGATE
from twap_server.api.book_source import BookSource
from twap_server.domain.clock import SECOND, Clock
from twap_server.domain.instrument import InstrumentId
from twap_server.feed.bus import BookTopic, Bus

_TOPICS_PER_TURN = 50
"""Books encoded before others get the event loop."""


class BookTicker:
    """Publishes books. Run ``run()`` in the process's root task group."""

    def __init__(self, source: BookSource, bus: Bus, clock: Clock) -> None:
        """Read from ``source``, publish on ``bus``."""
        self._source = source
        self._bus = bus
        self._clock = clock

    async def run(self) -> None:
        """Tick every second until cancelled; after a pause it goes on without catching up."""
        due = self._clock.monotonic() + SECOND
        while True:
            await self._clock.sleep((due - self._clock.monotonic()) / SECOND)
            await self.tick()
            late = max(0, self._clock.monotonic() - due)
            due += (late // SECOND + 1) * SECOND

    async def tick(self) -> None:
        """Publish every topic that somebody reads, once."""
        for number, topic in enumerate(self._bus.book_topics(), start=1):
            self._bus.publish_book(topic, self._source.frame(topic))
            if number % _TOPICS_PER_TURN == 0:
                await asyncio.sleep(0)

    def announce(self, instrument: InstrumentId) -> None:
        """Publish this instrument's topics now: its book stopped or began being live."""
        for topic in self._bus.book_topics():
            if _shows(topic, instrument):
                self._bus.publish_book(topic, self._source.frame(topic))


def _shows(topic: BookTopic, instrument: InstrumentId) -> bool:
    return topic.symbol == instrument.symbol and topic.exchange in (instrument.exchange, AGGREGATE)
