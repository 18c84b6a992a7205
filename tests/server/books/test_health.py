"""How a book fares: its states of the last 15 minutes, what broke it, how busy it is."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from support.clocks import START, HandClock
from twap_server.books.health import MOST_STATES, WINDOW, BookHealth
from twap_server.books.live import LiveBook
from twap_server.books.pulse import Pulse
from twap_server.books.registry import BookRegistry
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.errors import FeedError
from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.status import CollectedBook
from twap_server.exchanges.chain import Chain

BTC = InstrumentId("binance", "BTC-USDT")


class Kept:
    """A book of a registry, its clock, and what is known of it."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.registry = BookRegistry()
        self.health = BookHealth(self.registry, self.clock)
        self.number = 1
        self.begin()

    def begin(self) -> None:
        self.book = LiveBook(BTC, Chain(holds=True))
        self.registry.add(self.book)
        self.connect()
        self.health.look()

    def connect(self) -> None:
        self.book.pulse = Pulse(self.clock)
        self.book.resync("synchronising")

    def live(self) -> None:
        levels = {"bids": [("1", "1")], "asks": [("2", "1")]}
        self.book.on_snapshot(BookSnapshot(symbol="BTC-USDT", last_id=self.number, **levels), self.now)
        self.change()

    def change(self, times: int = 1) -> None:
        for _ in range(times):
            self.number += 1
            ids = {"first_id": self.number, "last_id": self.number}
            self.book.on_change(BookChange(symbol="BTC-USDT", bids=[("1", "2")], asks=[], **ids), self.now)

    def gap(self) -> None:
        self.number += 5
        with pytest.raises(FeedError):
            self.change()

    @property
    def now(self) -> Nanos:
        return self.clock.now()

    async def seconds(self, count: int, *, changes: int = 0) -> None:
        """So many seconds in which the book changes so often, and is looked at after each."""
        assert self.book.pulse is not None
        for _ in range(count):
            await self.clock.advance(1)
            self.book.pulse.heard_at = self.clock.monotonic()
            self.change(changes)
            self.health.look()

    @property
    def told(self) -> CollectedBook:
        (one,) = self.health.of("binance")
        return one

    @property
    def states(self) -> list[str]:
        return [str(state.status) for state in self.told.history]


@pytest.fixture
def kept() -> Iterator[Kept]:
    yield Kept()


async def test_a_book_that_was_just_begun(kept: Kept) -> None:
    told = kept.told
    assert (told.instrument, str(told.status), told.reason) == (BTC, "resyncing", "synchronising")
    assert (told.changes, told.changes_per_second, told.last_change, told.lag) == (0, None, None, None)
    assert (told.resyncs, told.reconnects, told.since) == (0, 0, START)
    assert kept.states == ["resyncing"]
    assert kept.health.of("kraken") == []


async def test_states_follow_one_another_with_their_times_and_reasons(kept: Kept) -> None:
    await kept.clock.advance(1)
    kept.live()
    await kept.clock.advance(1)
    kept.gap()
    first, second, third = kept.told.history
    assert [str(one.status) for one in (first, second, third)] == ["resyncing", "live", "resyncing"]
    assert [one.time - START for one in (first, second, third)] == [0, SECOND, 2 * SECOND]
    assert second.reason == "" and third.reason == kept.told.reason != ""
    assert kept.told.since == third.time


async def test_a_gap_is_a_resync_and_another_connection_is_none(kept: Kept) -> None:
    kept.live()
    kept.gap()
    kept.live()
    assert (kept.told.resyncs, kept.told.reconnects) == (1, 0)
    kept.book.mark_stale("the connection is gone")
    kept.connect()
    kept.live()
    assert (kept.told.resyncs, kept.told.reconnects) == (1, 1)
    assert kept.states == ["resyncing", "live", "resyncing", "live", "stale", "resyncing", "live"]


async def test_a_connection_that_takes_over_a_live_book_is_a_reconnect(kept: Kept) -> None:
    kept.live()
    other = LiveBook(BTC, Chain(holds=True))
    other.pulse = Pulse(kept.clock)
    other.resync("synchronising")
    levels = {"bids": [("1", "1")], "asks": [("2", "1")]}
    other.on_snapshot(BookSnapshot(symbol="BTC-USDT", last_id=9, **levels), kept.now)
    other.on_change(BookChange(symbol="BTC-USDT", first_id=10, last_id=10, **levels), kept.now)
    kept.book.take_over(other)
    assert (kept.told.resyncs, kept.told.reconnects) == (0, 1)
    assert kept.states == ["resyncing", "live"]


async def test_a_connection_that_takes_over_before_its_book_is_whole_is_a_reconnect(kept: Kept) -> None:
    kept.live()
    other = LiveBook(BTC, Chain(holds=True))
    other.pulse = Pulse(kept.clock)
    other.resync("synchronising")
    kept.book.take_over(other)
    assert (kept.told.resyncs, kept.told.reconnects) == (0, 1)
    assert kept.states == ["resyncing", "live", "resyncing"]


async def test_a_gap_after_silence_is_a_resync(kept: Kept) -> None:
    kept.live()
    await kept.clock.advance(5)
    kept.health.look()
    kept.gap()
    assert kept.states == ["resyncing", "live", "stale", "resyncing"]
    assert (kept.told.resyncs, kept.told.reconnects) == (1, 0)


async def test_the_rate_is_that_of_the_last_ten_seconds(kept: Kept) -> None:
    kept.live()
    await kept.seconds(20, changes=7)
    assert kept.told.changes_per_second == 7
    await kept.seconds(5)
    assert kept.told.changes_per_second == Decimal("3.5")
    await kept.seconds(6)
    assert kept.told.changes_per_second == 0
    await kept.seconds(1, changes=2)
    assert kept.told.changes_per_second == Decimal("0.2")
    assert kept.told.changes == kept.book.seq == 144


async def test_silence_shows_within_a_second_though_nobody_tells_of_it(kept: Kept) -> None:
    kept.live()
    for _ in range(5):
        await kept.clock.advance(1)
        kept.health.look()
    assert kept.states == ["resyncing", "live", "stale"]
    assert "delivered nothing" in kept.told.reason
    assert kept.told.history[-1].time - START == 4 * SECOND
    assert kept.told.resyncs == 0


async def test_the_first_entry_is_the_state_when_the_window_began(kept: Kept) -> None:
    kept.live()
    await kept.seconds(60)
    kept.gap()
    kept.live()
    await kept.seconds(WINDOW // SECOND - 30)
    begin, *later = kept.told.history
    assert (str(begin.status), begin.time) == ("live", kept.now - WINDOW)
    assert [str(one.status) for one in later] == ["resyncing", "live"]
    await kept.seconds(60)
    (only,) = kept.told.history
    assert (str(only.status), only.time) == ("live", kept.now - WINDOW)
    assert kept.told.since == START + 60 * SECOND


async def test_a_book_that_flaps_is_remembered_within_bounds(kept: Kept) -> None:
    kept.live()
    for _ in range(300):
        await kept.seconds(1)
        kept.gap()
        kept.live()
    assert len(kept.told.history) == MOST_STATES
    assert kept.told.history[-1].time == kept.now
    assert kept.told.resyncs == 300


async def test_a_book_that_is_given_up_is_forgotten_and_begins_anew(kept: Kept) -> None:
    kept.live()
    kept.gap()
    kept.live()
    kept.registry.remove(BTC)
    assert kept.health.of("binance") == []
    await kept.clock.advance(5)
    kept.begin()
    assert (kept.told.resyncs, kept.states) == (0, ["resyncing"])
    assert kept.told.changes > 0, "seq never goes back"


async def test_a_book_that_was_down_when_it_was_given_up_is_forgotten_too(kept: Kept) -> None:
    kept.live()
    kept.gap()
    kept.book.mark_down("refused")
    kept.registry.remove(BTC)
    kept.begin()
    assert (kept.told.resyncs, kept.states) == (0, ["resyncing"])


async def test_what_is_kept_of_books_that_are_gone_is_nothing(kept: Kept) -> None:
    kept.book.mark_down("refused")
    kept.registry.remove(BTC)
    kept.health.look()
    assert kept.health._watched == {}


async def test_books_come_by_symbol(kept: Kept) -> None:
    kept.registry.add(LiveBook(InstrumentId("binance", "ADA-USDT"), Chain(holds=True)))
    kept.registry.add(LiveBook(InstrumentId("kraken", "BTC-USDT"), Chain(holds=True)))
    assert [one.instrument.symbol for one in kept.health.of("binance")] == ["ADA-USDT", "BTC-USDT"]
