"""A replica in memory and virtual time: what is lost is noticed, what is not told is not trusted."""

import asyncio

import pytest

from support.clocks import ALONE
from support.cluster_market import BTC, SUBJECTS, SYMBOL, levels_of, live_pair, many, pair, reader
from twap_models.enums import Side, SliceReason
from twap_server.domain.clock import SECOND
from twap_server.domain.errors import BookUnavailable
from twap_server.domain.market.events import BookSnapshot, BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.ownership import ExchangePart
from twap_server.engine.market.eligibility import why_not_tradable

pytestmark = ALONE
TWO_PULSES_S = 0.51


async def test_changes_reach_the_reader_with_status_times_and_a_number_that_is_the_same_everywhere():
    async with live_pair() as made:
        made.played.change([("10.5", "2")], [("11.0", "0"), ("11.5", "3")])
        await asyncio.sleep(0.001)
        book, told = made.market.live_book(BTC), made.played.book()
        assert levels_of(book) == levels_of(told) == ([("10.5", "2"), ("10.0", "1")], [("11.5", "3")])
        assert (book.ts_exchange, book.ts_received) == (told.ts_exchange, told.ts_received)
        assert (book.status, book.lag) == (BookStatus.LIVE, told.lag)
        assert book.seq == (1 << 32) + told.seq
        made.played.book().mark_stale("cut")
        await asyncio.sleep(0.001)
        assert made.view() == (BookStatus.STALE, "cut")
        made.played.book().mark_down("banned", is_barred=True)
        await asyncio.sleep(0.001)
        assert made.view() == (BookStatus.DOWN, "banned")
        assert book.is_barred


async def test_a_lost_change_is_noticed_by_the_next_and_the_book_healed():
    async with live_pair() as made:
        seen = []
        made.market.registry.listen(lambda one: seen.append(made.market.live_book(one).status))
        made.network.loss = 1
        made.played.change([("10.5", "2")], [])
        made.network.loss = 0
        made.played.change([("10.6", "2")], [])
        await asyncio.sleep(0.01)
        assert seen == [BookStatus.RESYNCING, BookStatus.LIVE]
        assert levels_of(made.market.live_book(BTC)) == levels_of(made.played.book())


async def test_a_lost_last_change_is_noticed_within_two_pulses():
    async with live_pair() as made:
        made.network.loss = 1
        made.played.change([("10.5", "2")], [])
        made.network.loss = 0
        await asyncio.sleep(TWO_PULSES_S)
        assert levels_of(made.market.live_book(BTC)) == levels_of(made.played.book())
        assert made.is_live


async def test_what_is_on_its_way_while_a_pulse_comes_is_not_lost():
    async with live_pair() as made:
        made.network.delay_s = 0.2
        seen = []
        made.market.registry.listen(lambda one: seen.append(made.market.live_book(one).status))
        for _ in range(500):
            made.played.change([("10.5", "2")], [])
            await asyncio.sleep(0.02)
        assert seen == []


async def test_a_collector_that_says_nothing_is_not_trusted_after_two_seconds():
    async with live_pair() as made:
        seen = []
        made.market.registry.listen(lambda one: seen.append(made.market.view(one, 1).status))
        made.far.cut()
        await asyncio.sleep(1.7)
        assert made.is_live
        await asyncio.sleep(0.6)
        assert made.view() == (BookStatus.STALE, "no word from the collector for 2 s")
        book = made.market.live_book(BTC)
        refusal = why_not_tradable(
            book, status="trading", limited=False, now=made.clock.now(), max_age=10 * SECOND
        )
        assert refusal is SliceReason.STALE_BOOK
        assert seen == [BookStatus.STALE], "who listens is told"
        assert made.market.exchanges()[0].reason == "no word from the collector for 2 s"
        made.far.mend()
        await asyncio.sleep(TWO_PULSES_S)
        assert made.is_live
        assert made.market.exchanges()[0].reason == ""


async def test_the_silence_of_the_exchange_goes_on_by_the_readers_clock():
    async with live_pair() as made:
        made.played.is_mute = True
        await asyncio.sleep(2.8)
        assert made.is_live
        await asyncio.sleep(0.3)
        assert made.view() == (BookStatus.STALE, "the connection has delivered nothing for 3 s")
        assert made.market.live_book(BTC).is_silent
        made.played.is_mute = False
        await asyncio.sleep(0.5)
        assert made.is_live


async def test_pulses_that_come_ever_later_are_not_trusted():
    """As of a reader that cannot keep up: each pulse comes, none of them tells of now."""
    async with live_pair() as made:
        made.network.delay_s = 0
        told = []
        await made.near.listen(SUBJECTS.pulse("binance"), told.append)
        await asyncio.sleep(0.26)
        made.far.cut()
        (body,) = told[-1:]
        for _ in range(12):
            await asyncio.sleep(0.25)
            made.network.tell("collector", SUBJECTS.pulse("binance"), body)
        await asyncio.sleep(0.001)
        assert made.view() == (BookStatus.STALE, "no word from the collector for 3 s")


async def test_a_new_owner_is_followed_and_the_old_one_ignored():
    async with live_pair() as made:
        old, seq = made.collector, made.market.live_book(BTC).seq
        made.far.cut()
        made.succeed("second", epoch=2)
        await asyncio.sleep(2)
        await made.market.wait_live(BTC, 5)
        made.played.change([("10.7", "4")], [])
        await asyncio.sleep(0.001)
        book = made.market.live_book(BTC)
        assert levels_of(book) == levels_of(made.played.book())
        assert book.seq > seq
        shown, seq = levels_of(book), book.seq
        old.messenger.mend()  # it was paused, and does not know yet that it was replaced
        old.market.follow()
        for _ in range(20):
            old.market.change([("10.9", "9")], [])
            await asyncio.sleep(0.1)
            assert made.is_live
        assert (levels_of(book), book.seq) == (shown, seq)
        made.collector.messenger.cut()
        await asyncio.sleep(2.5)
        assert made.view()[0] is BookStatus.STALE, "the old owner's pulses count for nothing"


async def test_nats_back_after_a_loss_begins_every_book_anew():
    async with live_pair() as made:
        made.near.cut()
        made.played.change([("10.5", "2")], [])
        await asyncio.sleep(0.1)
        assert made.is_live, "two seconds have not passed"
        made.near.mend()
        assert made.view()[0] is BookStatus.RESYNCING
        await asyncio.sleep(0.01)
        assert made.is_live
        assert levels_of(made.market.live_book(BTC)) == levels_of(made.played.book())


async def test_level_epochs_are_those_of_one_process():
    async with live_pair() as made:
        book = made.market.live_book(BTC).book
        ask, bid = book.best_ask().price, book.best_bid().price
        asks, bids = book.ensure_level_epoch(Side.BUY, ask), book.ensure_level_epoch(Side.SELL, bid)
        made.played.change([("10.0", "5")], [("11.0", "0")])
        made.played.change([], [("11.0", "1")])
        await asyncio.sleep(0.001)
        assert book.ensure_level_epoch(Side.BUY, ask) > asks, "it was removed: this is another level"
        assert book.ensure_level_epoch(Side.SELL, bid) == bids
        made.network.loss = 1
        made.played.change([("10.1", "1"), ("10.0", "0"), ("9.0", "1")], [])
        made.network.loss = 0
        await asyncio.sleep(TWO_PULSES_S)
        assert made.is_live
        assert book.level_epoch(Side.SELL, bid) is None, "a snapshot after a gap does not have it"


async def test_a_large_book_that_takes_the_place_of_another_is_asked_for_while_that_one_is_shown():
    async with live_pair() as made:
        seen = []
        made.market.registry.listen(lambda one: seen.append(made.market.live_book(one).status))
        bids = [(f"{9 - at / 1000:.3f}", "1") for at in range(3_000)]
        other, now = made.played.built(SYMBOL), made.clock.now()
        other.on_snapshot(BookSnapshot(symbol=SYMBOL, bids=bids, asks=[("11.0", "1")]), now)
        made.played.book().take_over(other)
        made.played.change([], [("11.1", "1")])
        await asyncio.sleep(0.01)
        assert seen == [], "readers notice nothing"
        assert levels_of(made.market.live_book(BTC)) == levels_of(made.played.book())


async def test_another_book_that_cannot_be_had_is_no_longer_hidden():
    async with live_pair() as made:
        bids = [(f"{9 - at / 1000:.3f}", "1") for at in range(3_000)]
        made.played.snapshot(SYMBOL, bids, [("11.0", "1")])
        made.network.refused = SUBJECTS.market(ExchangePart("binance"))
        await asyncio.sleep(0.75)
        assert made.view()[0] is BookStatus.RESYNCING
        made.network.refused = ""
        await asyncio.sleep(3)
        assert made.is_live
        assert levels_of(made.market.live_book(BTC)) == levels_of(made.played.book())


async def test_a_book_that_no_pulse_names_any_more_is_not_shown():
    async with live_pair() as made:
        made.network.loss = 1
        made.played.registry.remove(BTC)
        made.played.exchange.listed = {}
        made.network.loss = 0
        await asyncio.sleep(0.6)
        assert made.view()[0] in (BookStatus.RESYNCING, BookStatus.DOWN)
        with pytest.raises(BookUnavailable, match="does not collect it"):
            await made.market.wait_live(BTC, 1)


async def test_a_book_that_nobody_wants_any_more_is_given_up_on_both_sides():
    async with live_pair() as made:
        made.market.release(BTC, "order:1")
        await asyncio.sleep(2.5)
        assert made.market.live_book(BTC) is None
        assert len(made.played.registry) == 0
        made.market.hold(BTC, "order:2")
        await made.market.wait_live(BTC, 5)


async def test_a_reader_that_is_gone_wants_nothing_after_five_seconds():
    async with live_pair() as made:
        assert made.played.interest.is_of_an_order(BTC), "a book of an order comes first there, too"
        made.network.forget("reader")
        await asyncio.sleep(4)
        assert len(made.played.registry) == 1
        await asyncio.sleep(1.5)
        assert len(made.played.registry) == 0


async def test_a_collector_that_cannot_hear_forgets_nobody():
    async with live_pair() as made:
        made.far.cut()
        await asyncio.sleep(20)
        assert len(made.played.registry) == 1
        made.far.mend()
        await asyncio.sleep(TWO_PULSES_S)
        assert made.is_live
        made.network.forget("reader")
        await asyncio.sleep(6)
        assert len(made.played.registry) == 0


async def test_books_beyond_the_bound_of_all_readers_wait_and_those_of_orders_do_not():
    async with pair(instruments=many(5), max_books=2) as made:
        other = reader(made.network.node("other"), made.clock, node="other")
        following = made.group.create_task(other.run())
        first, second, third, fourth, fifth = (InstrumentId(BTC.exchange, one) for one in many(5))
        made.market.hold(first, "user")
        other.hold(first, "user")
        made.market.hold(second, "user")
        await made.market.wait_live(second, 5)
        other.hold(third, "user")
        with pytest.raises(BookUnavailable, match="as many books as it takes, and no order wants this one"):
            await other.wait_live(third, 3)
        await other.wait_live(first, 1)
        made.market.hold(fourth, "order:1")
        await made.market.wait_live(fourth, 5)
        other.hold(fourth, "user")
        await other.wait_live(fourth, 2)
        made.market.release(second, "user")
        made.market.release(fourth, "order:1")
        other.release(fourth, "user")
        await other.wait_live(third, 5)
        made.market.hold(fifth, "user")
        with pytest.raises(BookUnavailable, match="as many books as it takes"):
            await made.market.wait_live(fifth, 3)
        other.hold(fifth, "order:2")
        await made.market.wait_live(fifth, 3)
        following.cancel()


async def test_books_of_the_settings_are_the_collectors_and_cost_a_reader_nothing():
    async with pair() as made:
        market = reader(made.network.node("other"), made.clock, node="other", symbols=[SYMBOL])
        following = made.group.create_task(market.run())
        await asyncio.sleep(1)
        assert market.live_book(BTC) is None, "nobody looks at it here"
        assert market.is_held(BTC, but="anonymous:")
        assert market.books_with([BTC]) == 0
        market.hold(BTC, "anonymous:1")
        await market.wait_live(BTC, 5)
        assert market.books_with(()) == 0
        following.cancel()


async def test_messages_that_cannot_be_read_are_as_good_as_lost():
    async with live_pair() as made:
        made.network.tell("collector", SUBJECTS.book(BTC), b"\xff")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert made.view()[0] is BookStatus.RESYNCING
        await asyncio.sleep(0.5)
        assert made.is_live
