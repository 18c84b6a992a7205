"""The ticker: one message per second and book, built once, no burst after a pause."""

import asyncio

from server.api.fakes import HandClock, HandMarket
from twap_server.api.book_source import BookSource
from twap_server.api.ticker import BookTicker
from twap_server.feed.bus import BookTopic, Bus, Frame, Inbox
from twap_server.feed.mailbox import Mailbox

TOPIC = BookTopic("binance", "BTC-USDT", "BTCUSDT")


class CountingSource(BookSource):
    """Counts how often a book is encoded."""

    made = 0

    def frame(self, topic: BookTopic) -> Frame:
        self.made += 1
        return super().frame(topic)


async def test_cadence_without_catching_up() -> None:
    clock, bus = HandClock(), Bus()
    source = CountingSource(HandMarket(), clock)
    inboxes: list[Inbox] = [Mailbox(capacity=1) for _ in range(3)]
    for inbox in inboxes:
        bus.subscribe_book(TOPIC, inbox)
    ticker = BookTicker(source, bus, clock)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(ticker.run())
        await settle()
        counts = []
        for seconds in (0.5, 0.5, 1, 7.3, 0.6, 0.1):
            await clock.advance(seconds)
            await settle()
            counts.append(source.made)
        running.cancel()
    assert counts == [0, 1, 2, 3, 3, 4], "after 7.3 s one message; the next on the full second"
    for inbox in inboxes:
        assert isinstance(await inbox.get(), Frame)
    assert all(len(inbox) == 0 for inbox in inboxes), "the newest won"


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
