"""Whatever is lost or late: a book that is shown as live is the collector's, as it was at that number."""

import asyncio
from decimal import Decimal

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.cluster_market import BTC, SYMBOL, Pair, levels_of, live_pair
from twap_server.domain.exact import ZERO
from twap_server.domain.market.errors import FeedError
from twap_server.domain.market.events import BookStatus
from twap_server.domain.ownership import shown_seq

BIDS = [f"{price / 10:.1f}" for price in range(90, 100)]
ASKS = [f"{price / 10:.1f}" for price in range(110, 120)]
QUANTITIES = ("0", "1", "2.5")
LEVEL_COUNTS = (1, 3, 8)

SIDES = st.tuples(
    st.lists(st.tuples(st.sampled_from(BIDS), st.sampled_from(QUANTITIES)), max_size=4),
    st.lists(st.tuples(st.sampled_from(ASKS), st.sampled_from(QUANTITIES)), max_size=4),
)
CHANGES = st.tuples(st.just("change"), SIDES)
DEEDS = st.one_of(
    CHANGES,
    CHANGES,
    st.tuples(st.just("snapshot"), st.sampled_from(LEVEL_COUNTS)),
    st.tuples(st.just("large"), st.sampled_from(LEVEL_COUNTS)),
    st.tuples(st.just("gap"), st.none()),
    st.tuples(st.just("crossed"), st.none()),
    st.tuples(st.just("stale"), st.none()),
    st.tuples(st.just("truncate"), st.sampled_from(LEVEL_COUNTS)),
    st.tuples(st.just("count in"), st.sampled_from(("1", "0.01"))),
    st.tuples(st.just("take over"), st.sampled_from(LEVEL_COUNTS)),
    st.tuples(st.just("trade"), st.sampled_from(("1", "0.003"))),
    st.tuples(st.just("cut"), st.none()),
    st.tuples(st.just("mend"), st.none()),
    st.tuples(st.just("succeed"), st.none()),
)
WAITS = st.sampled_from((0, 0, 0, 0.003, 0.1, 0.3, 2.5))
STORY = st.lists(st.tuples(DEEDS, WAITS), min_size=1, max_size=25)


class Told:
    """One story, and what must hold all the time."""

    def __init__(self, made: Pair) -> None:
        self.made = made
        self.epoch, self.traded, self.true = 1, ZERO, ZERO
        self.begin = made.market.traded(BTC)[0]
        self.was_live = 0

    def do(self, deed: str, what: object) -> None:
        played = self.made.played
        if deed in ("cut", "mend", "succeed"):
            self.disturb(deed)
        elif played.registry.live_book(BTC) is None:
            return
        else:
            getattr(self, "do_" + deed.replace(" ", "_"))(what)

    def disturb(self, deed: str) -> None:
        match deed:
            case "cut":
                self.made.near.cut()
            case "mend" if not self.made.near.is_connected:
                self.made.near.mend()
            case "succeed":
                self.epoch += 1
                self.made.task.cancel()
                self.made.succeed(f"collector {self.epoch}", self.epoch)

    def do_change(self, sides) -> None:
        bids, asks = sides
        if self.made.played.book().status is BookStatus.LIVE:
            self.made.played.change(bids, asks)

    def do_snapshot(self, levels: int) -> None:
        bids = [(price, "3") for price in reversed(BIDS[-levels:])]
        self.made.played.snapshot(SYMBOL, bids, [(price, "3") for price in ASKS[:levels]])

    def do_large(self, levels: int) -> None:
        bids = [(f"{8 - at / 1000:.3f}", "1") for at in range(1_000 + levels)]
        self.made.played.snapshot(SYMBOL, bids, [("11.0", "1")])

    def do_gap(self, _: object) -> None:
        self.made.played.book().resync("a gap")

    def do_crossed(self, _: object) -> None:
        if self.made.played.book().status is BookStatus.LIVE:
            with pytest.raises(FeedError):
                self.made.played.change([("12.5", "1")], [("12.4", "1")])

    def do_stale(self, _: object) -> None:
        self.made.played.book().mark_stale("cut")

    def do_truncate(self, levels: int) -> None:
        self.made.played.book().truncate(levels)

    def do_count_in(self, scale: str) -> None:
        self.made.played.book().count_in(Decimal(scale))

    def do_take_over(self, levels: int) -> None:
        from twap_server.domain.market.events import BookSnapshot

        other = self.made.played.built(SYMBOL)
        bids = [(price, "7") for price in reversed(BIDS[-levels:])]
        asks = [(price, "7") for price in ASKS[:levels]]
        other.on_snapshot(BookSnapshot(symbol=SYMBOL, bids=bids, asks=asks), self.made.clock.now())
        self.made.played.book().take_over(other)

    def do_trade(self, quantity: str) -> None:
        self.true += Decimal(quantity)
        self.made.played.trade("10", quantity)

    def check(self) -> None:
        """A live book is the collector's; what was traded never goes down."""
        market = self.made.market
        traded = market.traded(BTC)[0]
        assert self.traded <= traded <= self.begin + self.true
        self.traded = traded
        view, book = market.view(BTC, 5), market.live_book(BTC)
        if view is None or view.status is not BookStatus.LIVE:
            return
        self.was_live += 1
        heard = market.source("binance")._replicas[SYMBOL]._book
        then = self.made.collector.history[heard.epoch, heard.number]
        assert then.status is BookStatus.LIVE
        assert (levels_of(book), book.book.scale) == (then.levels, then.scale)
        assert book.seq == shown_seq(heard.epoch, then.seq)

    async def wait(self, seconds: float) -> None:
        """Let time pass and look all the time."""
        for _ in range(max(1, round(seconds / 0.01))):
            self.check()
            await asyncio.sleep(0.01 if seconds else 0)

    async def end(self) -> None:
        """Nothing is lost any more: all is as the collector has it."""
        made = self.made
        made.network.loss = 0
        if not made.near.is_connected:
            made.near.mend()
        await self.wait(6)
        told, book = made.played.book(), made.market.live_book(BTC)
        assert book.status is told.status, (book.reason, told.reason)
        assert made.view()[0] is told.status
        if told.status is BookStatus.LIVE:
            assert levels_of(book) == levels_of(told)
        counted = made.market.traded(BTC)[0] - self.begin
        if self.epoch == 1:
            assert counted == self.true, "what was lost is made up for"


def tell(seed: int, loss: float, delay_s: float, depth: int, story) -> int:
    """Tell a story; return at how many looks the book was live."""

    async def run() -> int:
        async with live_pair(seed, depth=depth) as made:
            told = Told(made)
            made.network.loss, made.network.delay_s = loss, delay_s
            for (deed, what), wait in story:
                told.do(deed, what)
                await told.wait(wait)
            await told.end()
            return told.was_live

    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0, noop_cycles=1)) as runner:
        return runner.run(run())


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    loss=st.sampled_from((0, 0.02, 0.2, 0.6)),
    delay_s=st.sampled_from((0, 0.02, 0.2)),
    depth=st.sampled_from((0, 4)),
    story=STORY,
)
def test_a_live_replica_is_the_collectors_book_at_its_number(seed, loss, delay_s, depth, story) -> None:
    tell(seed, loss, delay_s, depth, story)


def test_a_busy_book_through_one_lost_message_in_fifty_is_live_most_of_the_time() -> None:
    change = (("change", ([("9.5", "1")], [("11.5", "2")])), 0.01)
    trade = (("trade", "0.5"), 0)
    story = [change, trade] * 1_000
    looks = tell(7, 0.02, 0.02, 0, story)
    assert looks > 900
