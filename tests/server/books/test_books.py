"""Live books, demand, samples, consolidation, trades."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.clocks import LoopClock
from twap_models.enums import Side
from twap_server.books.consolidated import consolidate
from twap_server.books.counters import BookCounters
from twap_server.books.interest import BookInterest
from twap_server.books.live import LiveBook
from twap_server.books.registry import BookRegistry
from twap_server.domain.clock import MICROSECOND, Nanos
from twap_server.domain.market.errors import CrossedBook, SequenceGap, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    BookState,
    BookStatus,
    PriceLevel,
    Trade,
)
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.chain import Chain

BTC = InstrumentId("binance", "BTC-USDT")
ETH = InstrumentId("kraken", "ETH-USD")


def change(first, last=None, bids=(), asks=()):
    return BookChange(
        symbol="BTC-USDT", bids=list(bids), asks=list(asks), first_id=first, last_id=last or first
    )


def snapshot(last, bids=(("1", "1"),), asks=(("2", "1"),)):
    return BookSnapshot(symbol="BTC-USDT", bids=list(bids), asks=list(asks), last_id=last)


@pytest.fixture
def live():
    book = LiveBook(BTC, Chain(holds=True))
    book.on_change(change(10, 12, bids=[("1", "5")]), Nanos(1))
    book.on_snapshot(snapshot(11), Nanos(2))
    assert book.status is BookStatus.LIVE
    return book


class TestLiveBook:
    def test_it_starts_down_and_needs_both_snapshot_and_change(self):
        book = LiveBook(BTC, Chain(holds=True))
        assert book.status is BookStatus.DOWN
        book.resync("synchronising")
        book.on_snapshot(snapshot(11), Nanos(2))
        assert book.status is BookStatus.RESYNCING
        assert book.view(5).bids == ()
        book.on_change(change(12), Nanos(3))
        assert book.status is BookStatus.LIVE
        assert book.view(5).bids == ((1, 1),)

    def test_a_quiet_book_is_live_once_the_same_snapshot_came_twice(self):
        book = LiveBook(BTC, Chain(holds=True))
        book.resync("synchronising")
        for last, status in ((8, "resyncing"), (11, "resyncing"), (11, "live")):
            book.on_snapshot(snapshot(last), Nanos(2))
            assert book.status == status

    def test_an_old_change_on_a_book_taken_as_quiet_is_a_gap(self):
        book = LiveBook(BTC, Chain(holds=True))
        book.resync("synchronising")
        book.on_snapshot(snapshot(11), Nanos(2))
        book.on_snapshot(snapshot(11), Nanos(3))
        assert book.status is BookStatus.LIVE
        with pytest.raises(SequenceGap):
            book.on_change(change(1), Nanos(3))
        assert book.status is BookStatus.RESYNCING

    def test_waiting_changes_are_applied_on_top(self, live):
        assert live.view(1).bids == ((1, 5),)
        assert (live.seq, live.ts_received) == (1, 2)

    def test_a_gap_is_resyncing_before_it_is_raised_and_what_came_is_held(self, live):
        with pytest.raises(SequenceGap):
            live.on_change(change(15, bids=[("1.5", "1")]), Nanos(3))
        assert live.status is BookStatus.RESYNCING
        assert live.view(5) == BookState(
            status=BookStatus.RESYNCING,
            reason="update ids are missing",
            bids=(),
            asks=(),
            ts_exchange=live.ts_exchange,
            ts_received=Nanos(2),
            seq=1,
        )
        live.on_snapshot(snapshot(14), Nanos(4))
        assert live.view(1).bids == ((Decimal("1.5"), 1),)

    def test_a_crossed_or_locked_book_is_not_live(self, live):
        with pytest.raises(CrossedBook):
            live.on_change(change(13, bids=[("2", "1")]), Nanos(3))
        assert live.status is BookStatus.RESYNCING
        live.on_change(change(14), Nanos(3))
        assert live.status is BookStatus.RESYNCING
        with pytest.raises(CrossedBook):
            live.on_snapshot(snapshot(14, bids=[("3", "1")]), Nanos(4))
        live.on_change(change(15), Nanos(5))
        assert live.status is BookStatus.RESYNCING

    def test_a_wrong_price_is_a_resync(self, live):
        with pytest.raises(WireFormatError):
            live.on_change(change(13, bids=[("0", "1")]), Nanos(3))
        assert live.status is BookStatus.RESYNCING

    def test_a_wrong_quantity_is_a_resync(self, live):
        with pytest.raises(WireFormatError):
            live.on_change(change(13, bids=[("1", "1.2.3")]), Nanos(3))
        assert live.view(1).status is BookStatus.RESYNCING

    def test_stale_shows_what_was_last_known_but_a_broken_book_shows_nothing(self, live):
        live.mark_stale("gone")
        assert (live.status, live.view(1).bids) == (BookStatus.STALE, ((1, 5),))
        live.resync("synchronising")
        live.mark_stale("gone")
        assert (live.status, live.view(1).bids) == (BookStatus.DOWN, ())

    def test_quiet_books_are_confirmed(self, live):
        live.confirm(Nanos(9))
        assert (live.confirmed_at, live.ts_received) == (9, 2)
        live.mark_stale("gone")
        live.confirm(Nanos(10))
        assert live.confirmed_at == 9

    def test_one_side_may_be_empty(self, live):
        live.on_change(change(13, bids=[("1", "0")]), Nanos(3))
        assert live.status is BookStatus.LIVE
        assert live.view(1).bids == ()

    def test_taking_over_keeps_marks_and_seq(self, live):
        epoch = live.book.ensure_level_epoch(Side.BUY, Decimal(2))
        other = LiveBook(BTC, Chain(holds=True))
        other.on_snapshot(snapshot(20), Nanos(5))
        other.on_change(change(21), Nanos(6))
        before = live.seq
        live.take_over(other)
        assert live.seq > before
        live.on_change(change(22), Nanos(7))
        assert live.status is BookStatus.LIVE
        assert live.book.ensure_level_epoch(Side.BUY, Decimal(2)) == epoch

    def test_a_snapshot_that_nothing_has_proven_takes_no_mark(self, live):
        live.on_change(change(13, asks=[("3", "1"), ("4", "1")]), Nanos(3))
        epoch = live.book.ensure_level_epoch(Side.BUY, Decimal(3))
        live.resync("synchronising")
        live.on_snapshot(snapshot(12, asks=[("2", "1"), ("4", "1")]), Nanos(4))
        assert live.status is BookStatus.RESYNCING
        live.on_snapshot(snapshot(13, asks=[("2", "1"), ("3", "1"), ("4", "1")]), Nanos(5))
        live.on_change(change(14), Nanos(6))
        assert live.status is BookStatus.LIVE
        assert live.book.level_epoch(Side.BUY, Decimal(3)) == epoch

    def test_a_proven_snapshot_takes_the_marks_of_what_is_gone(self, live):
        live.on_change(change(13, asks=[("3", "1"), ("4", "1")]), Nanos(3))
        for price in (3, 4):
            live.book.ensure_level_epoch(Side.BUY, Decimal(price))
        live.resync("synchronising")
        live.on_snapshot(snapshot(14, asks=[("2", "1"), ("4", "1")]), Nanos(4))
        live.on_change(change(15), Nanos(5))
        assert live.book.level_epoch(Side.BUY, Decimal(3)) is None
        assert live.book.level_epoch(Side.BUY, Decimal(4)) is not None


def test_seq_and_marks_go_on_when_a_book_returns(live):
    registry = BookRegistry()
    registry.add(live)
    epoch = live.book.ensure_level_epoch(Side.BUY, Decimal(2))
    registry.remove(BTC)
    assert live.status is BookStatus.DOWN
    assert registry.view(BTC, 1) is None
    again = LiveBook(BTC, Chain(holds=True))
    registry.add(again)
    assert again.seq == live.seq
    assert registry.live_book(BTC) is again
    assert len(registry) == 1
    assert len(again.book) == 0
    again.on_change(change(20, asks=[("2", "1")]), Nanos(8))
    again.on_snapshot(snapshot(19), Nanos(9))
    assert again.book.level_epoch(Side.BUY, Decimal(2)) == epoch


@pytest.mark.looptime
async def test_demand_lingers_after_the_last_release():
    clock, told = LoopClock(), []
    interest = BookInterest(clock, linger_s=60)
    interest.listen(told.append)
    interest.hold(BTC, "a")
    interest.hold(BTC, "a")
    interest.hold(BTC, "b")
    interest.hold(ETH, "a")
    assert told == ["binance", "kraken"]
    interest.release(BTC, "a")
    interest.release(BTC, "nobody")
    await clock.sleep(100)
    assert interest.wanted("binance") == {"BTC-USDT"}
    interest.release(BTC, "b")
    await clock.sleep(59)
    assert interest.wanted("binance") == {"BTC-USDT"}
    assert (interest.count_with([]), interest.count_with([BTC, ETH])) == (2, 2), "who lingers counts"
    await clock.sleep(1)
    assert (interest.count_with([]), interest.count_with([BTC, ETH])) == (1, 2)
    assert interest.wanted("binance") == set()
    assert interest.wanted("kraken") == {"ETH-USD"}
    interest.hold(BTC, "c")
    assert told[-1] == "binance"


@pytest.mark.looptime
async def test_each_exchange_hears_of_the_end_of_its_own_demand():
    clock = LoopClock()
    interest = BookInterest(clock, linger_s=60)
    for instrument in (BTC, ETH):
        interest.hold(instrument, "a")
        assert not interest.lingers(instrument.exchange)
        interest.release(instrument, "a")
    await clock.sleep(61)
    assert interest.count_with([]) == 0
    assert interest.wanted("binance") == set()
    assert not interest.lingers("binance")
    assert interest.lingers("kraken"), "kraken's collector has not looked yet"
    assert interest.wanted("kraken") == set()
    assert not interest.lingers("kraken")


def view(status=BookStatus.LIVE, bids=(), asks=(), received=1):
    def levels(side):
        return tuple(PriceLevel(Decimal(price), Decimal(quantity)) for price, quantity in side)

    return BookState(
        status=status,
        reason="",
        bids=levels(bids),
        asks=levels(asks),
        ts_exchange=Nanos(received),
        ts_received=Nanos(received),
        seq=3,
    )


def test_consolidation_sums_per_price_and_names_sources_and_missing():
    merged = consolidate(
        {
            "a": view(bids=[("10", "1"), ("9", "1")], asks=[("11", "1")], received=5),
            "b": view(bids=[("10.0", "2"), ("8", "1")], asks=[("10", "4")], received=3),
            "c": view(BookStatus.STALE, bids=[("99", "1")]),
            "d": None,
        },
        2,
        max_spread=Decimal("0.05"),
    )
    assert [(one.price, one.quantity) for one in merged.bids] == [(10, 3), (9, 1)]
    assert merged.bids[0].sources == {"a": 1, "b": 2}
    assert [(one.price, one.quantity) for one in merged.asks] == [(10, 4), (11, 1)]
    assert merged.missing == {"c": BookStatus.STALE, "d": BookStatus.DOWN}
    assert merged.status is BookStatus.LIVE
    assert merged.ts_received == 3


def test_consolidation_of_nothing_live():
    views = {"c": view(BookStatus.STALE), "d": view(BookStatus.RESYNCING)}
    merged = consolidate(views, 5, max_spread=Decimal("0.05"))
    assert (merged.status, merged.bids, merged.asks) == (BookStatus.RESYNCING, (), ())


def two_sided(mid: str) -> BookState:
    return view(
        bids=[(str(Decimal(mid) * Decimal("0.999")), "1")], asks=[(str(Decimal(mid) * Decimal("1.001")), "1")]
    )


def test_what_may_be_another_asset_is_not_merged():
    views = {"binance": two_sided("0.1"), "kraken": two_sided("0.00007"), "other": two_sided("0.101")}
    merged = consolidate(views, 5, max_spread=Decimal("0.05"))
    assert {name for level in merged.bids for name in level.sources} == {"binance", "other"}
    assert merged.status is BookStatus.LIVE and merged.missing == {"kraken": BookStatus.LIVE}
    assert "prices disagree" in merged.reason and "kraken (mid 0.00007)" in merged.reason


def test_of_two_that_disagree_neither_is_shown():
    views = {"binance": two_sided("0.1"), "kraken": two_sided("0.00007"), "other": None}
    merged = consolidate(views, 5, max_spread=Decimal("0.05"))
    assert (merged.status, merged.bids, merged.asks) == (BookStatus.DOWN, (), ())
    assert set(merged.missing) == {"binance", "kraken", "other"}
    assert merged.reason.startswith("not live: other; prices disagree")


def test_a_book_without_a_mid_is_merged_with_no_other():
    one_sided = view(bids=[("0.00007", "1")])
    alone = consolidate({"kraken": one_sided, "other": None}, 5, max_spread=Decimal("0.05"))
    assert [level.price for level in alone.bids] == [Decimal("0.00007")]
    merged = consolidate({"binance": two_sided("0.1"), "kraken": one_sided}, 5, max_spread=Decimal("0.05"))
    assert {name for level in merged.bids for name in level.sources} == {"binance"}
    assert "kraken (mid none)" in merged.reason


def test_a_topic_counts_on_whoever_comes_and_goes():
    counters = BookCounters()
    a, b = view(), view()
    told = [
        counters.merged("BTC-USDT", views) for views in ({"a": a, "b": b}, {"a": a, "b": b}, {"a": a}, {})
    ]
    assert told == [1, 1, 2, 3], "it stays while nothing changed, and never falls"
    assert counters.merged("ETH-USDT", {"a": a}) == 1
    assert counters.merged("BTC-USDT", {"a": replace(a, status=BookStatus.STALE)}) == 4


@given(st.lists(st.integers(0, 9) | st.none(), max_size=20))
def test_a_book_that_is_removed_or_replaced_never_counts_back(counts):
    counters, before = BookCounters(), None
    for counted in counts:
        raw = 0 if counted is None else counted
        told = counters.single(BTC, replace(view(), seq=raw))
        if before is not None:
            assert told >= before[1]
            assert (told == before[1]) == (raw == before[0]), "it stays while nothing changed, and only then"
        before = (raw, told)


def test_a_merged_book_counts_each_change_once():
    counters, view_of = BookCounters(), lambda seq: replace(view(), seq=seq)
    told = [counters.merged("BTC-USDT", {"a": view_of(seq), "b": None}) for seq in (5, 5, 6, 4)]
    assert told == [1, 1, 2, 3]


def trade(number: int, quantity: str = "0.1", received: int | None = None) -> Trade:
    """Received so many microseconds after the epoch."""
    return Trade(
        symbol="BTC-USDT",
        trade_id=str(number),
        price=Decimal(2),
        quantity=Decimal(quantity),
        taker_side=Side.BUY,
        ts_exchange=Nanos(number),
        ts_received=Nanos((number + 5 if received is None else received) * MICROSECOND),
    )


def test_trades_are_bounded_and_summed():
    registry, told = BookRegistry(), []
    registry.trades.listen(lambda instrument, one: told.append(one))
    for number in range(11_001):
        registry.trades.add(BTC, trade(number))
    assert len(told) == 11_001
    assert registry.trades.volume_since(BTC, Nanos(0)) == Decimal("1000.1"), (
        "a thousand are forgotten at once"
    )
    assert registry.trades.volume_since(BTC, Nanos(11_001 * MICROSECOND)) == Decimal("0.4"), (
        "by time of receipt"
    )
    assert registry.trades.volume_since(BTC, Nanos(11_005 * MICROSECOND)) == 0
    assert registry.trades.totals(BTC) == (Decimal("1100.1"), Decimal("2200.2"))
    registry.trades.forget(BTC)
    assert registry.trades.volume_since(BTC, Nanos(0)) == 0
    registry.trades.add(BTC, trade(11_001))
    assert registry.trades.volume_since(BTC, Nanos(0)) == Decimal("0.1"), "what was forgotten stays forgotten"


def test_trades_received_at_one_moment_count_together():
    trades = BookRegistry().trades
    for number, (quantity, received) in enumerate([("1", 10), ("2", 20), ("3", 20), ("4", 15), ("5", 30)]):
        trades.add(BTC, trade(number, quantity, received))
    assert [trades.volume_since(BTC, Nanos(at * MICROSECOND)) for at in (0, 9, 10, 19, 20, 29, 30)] == [
        15, 15, 14, 14, 5, 5, 0,
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 20), st.decimals("0.00000001", "9", places=8)), max_size=60),
    st.integers(-1, 21),
)
def test_what_was_traded_since_is_the_sum_of_what_came_later(taken, since):
    trades, taken = BookRegistry().trades, sorted(taken)
    for number, (received, quantity) in enumerate(taken):
        trades.add(BTC, trade(number, str(quantity), received))
    later = sum((quantity for received, quantity in taken if received > since), Decimal(0))
    assert trades.volume_since(BTC, Nanos(since * MICROSECOND)) == later


def test_moments_are_those_of_a_recording_to_the_microsecond():
    """Who plays one remembers as many moments as the server did, and forgets the same."""
    live, played = BookRegistry().trades, BookRegistry().trades
    for number in range(30_000):
        one, at = trade(number), number * 700
        one.ts_received = Nanos(at)
        live.add(BTC, one)
        one.ts_received = Nanos(at - at % MICROSECOND)
        played.add(BTC, one)
    for since in (0, 5_000_000, 11_000_000, 11_000_500, 15_000_999, 20_000_000):
        assert live.volume_since(BTC, Nanos(since)) == played.volume_since(BTC, Nanos(since))


def test_the_newest_trades_are_kept_until_the_book_is_given_up():
    registry = BookRegistry()
    for number in range(150):
        registry.trades.add(BTC, trade(number))
    registry.trades.add(ETH, trade(1))
    assert [one.trade_id for one in registry.recent_trades.of(BTC)] == [str(one) for one in range(50, 150)]
    registry.remove(BTC)
    assert registry.recent_trades.of(BTC) == ()
    assert len(registry.recent_trades.of(ETH)) == 1
