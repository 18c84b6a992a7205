"""The ticker: one message a second and reader, in its phase; built once a turn; no burst after a pause."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from support.api.fakes import HandMarket, NobodyTook, view
from support.clocks import HandClock
from twap_server.api.stream.book_messages import BookSource
from twap_server.api.stream.book_publisher import BookPublisher
from twap_server.books.counters import BookCounters
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.feed.bus import BookTopic, Bus, EncodedMessage, Inbox
from twap_server.feed.mailbox import Mailbox
from twap_server.feed.phases import PHASES

TOPIC = BookTopic("binance", "BTC-USDT", "BTCUSDT")
BOOK = InstrumentId("binance", "BTC-USDT")


class CountingSource(BookSource):
    """Counts how often a book is encoded."""

    made = 0

    def frame(self, topic: BookTopic) -> EncodedMessage:
        self.made += 1
        return super().frame(topic)


class Stage:
    """A ticker at work on a clock moved by hand, and its readers."""

    def __init__(self, readers: int) -> None:
        self.clock, self.bus, self.market = HandClock(), Bus(), HandMarket()
        self.source = CountingSource(
            self.market,
            self.clock,
            BookCounters(),
            max_spread=Decimal("0.05"),
            own_impact=NobodyTook(),
        )
        self.inboxes: list[Inbox] = [Mailbox(capacity=1) for _ in range(readers)]
        for inbox in self.inboxes:
            self.bus.subscribe_book(TOPIC, inbox)
        self.publisher = BookPublisher(self.source, self.bus, self.clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.publisher.run())
            await settle()
            yield
            running.cancel()

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await settle()

    async def delivered(self) -> list[Inbox]:
        """Who has a book; it is taken out."""
        found = [inbox for inbox in self.inboxes if len(inbox)]
        for inbox in found:
            assert isinstance(await inbox.get(), EncodedMessage)
            assert len(inbox) == 0, "the newest won"
        return found


async def test_cadence_without_catching_up() -> None:
    stage = Stage(3)
    async with stage.running():
        counts = []
        for seconds in (0.5, 0.5, 1, 7.3, 0.6, 0.1):
            await stage.advance(seconds)
            counts.append(stage.source.made)
    assert counts == [0, 1, 2, 3, 3, 4], "after 7.3 s one message; the next on the full second"
    assert await stage.delivered() == stage.inboxes


async def test_each_of_many_gets_one_message_a_second_always_in_the_same_phase() -> None:
    stage = Stage(1_000)
    phases: dict[int, list[int]] = defaultdict(list)
    async with stage.running():
        await stage.advance(0.9)
        assert not await stage.delivered()
        for step in range(3 * PHASES):
            await stage.advance(0.1)
            for inbox in await stage.delivered():
                phases[id(inbox)].append(step % PHASES)
    assert all(len(steps) == 3 and len(set(steps)) == 1 for steps in phases.values())
    sizes = [sum(steps[0] == phase for steps in phases.values()) for phase in range(PHASES)]
    assert sizes == [100] * PHASES
    assert stage.source.made == 3 * PHASES, "once for all readers of a turn"


async def test_an_announcement_reaches_everybody_at_once_and_is_not_overtaken_by_an_older_book() -> None:
    stage = Stage(1_000)
    taken: dict[int, list[str]] = defaultdict(list)

    class Watched(Mailbox[object, EncodedMessage]):
        def put_book(self, topic: object, book: EncodedMessage) -> None:
            taken[id(self)].append(json.loads(book.text)["status"])
            if len(taken) == 300 and stage.market.books[BOOK].status is BookStatus.LIVE:
                stage.market.books[BOOK] = view(status=BookStatus.DOWN)
                stage.publisher.announce(BOOK)

    readers = [Watched(capacity=1) for _ in range(1_000)]
    for inbox in stage.inboxes:
        stage.bus.unsubscribe_book(TOPIC, inbox)
    for reader in readers:
        stage.bus.subscribe_book(TOPIC, reader)  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as group:
        following = group.create_task(stage.publisher.follow_announcements())
        await stage.publisher.tick()
        await settle()
        following.cancel()
    assert len(taken) == 1_000
    assert {statuses[0] for statuses in taken.values()} == {"live", "down"}
    for statuses in taken.values():
        assert statuses[-1] == "down"
        assert statuses == sorted(statuses, reverse=True), "live, and never again once down was told"


async def test_who_leaves_while_a_book_is_given_out_gets_none() -> None:
    stage = Stage(600)
    async with asyncio.TaskGroup() as group:
        giving = group.create_task(stage.publisher.tick())
        await asyncio.sleep(0)
        assert 0 < sum(map(len, stage.inboxes)) < 600
        stage.bus.unsubscribe_book(TOPIC, stage.inboxes[-1])
        await giving
    assert await stage.delivered() == stage.inboxes[:-1]


async def settle() -> None:
    for _ in range(100):
        await asyncio.sleep(0)
