"""The order of what is told of one book: what comes before the whole book is held, and taken after it."""

from decimal import Decimal

import msgspec
import pytest

from support.clocks import HandClock
from support.cluster_market import BTC, levels_of
from twap_server.books.pulse import LEAST
from twap_server.cluster.collector_word import CollectorWord
from twap_server.cluster.heard_book import MOST_HELD, HeardBook
from twap_server.cluster.market_messages import (
    AnewTold,
    BookPulse,
    ChangeTold,
    StateTold,
    TradedSoFar,
    WholeBook,
)
from twap_server.cluster.replica_book import ReplicaBook
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.ownership import shown_seq


class Heard:
    """One book, and how often the whole of it was asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.clock = clock = HandClock()
        self.book = ReplicaBook(BTC, clock, CollectorWord(clock))
        self.heard = HeardBook(self.book, clock, self.ask)
        self.heard.begin(1)

    def ask(self) -> None:
        self.asked += 1

    def change(self, number: int, *, epoch: int = 1) -> None:
        """The best bid's quantity is the number."""
        self.heard.hear(ChangeTold(epoch, number, Nanos(1), Nanos(2), [("10", f"{number}")], []))


def whole(number: int, *, epoch: int = 1, status: BookStatus = BookStatus.LIVE) -> WholeBook:
    return WholeBook(
        epoch=epoch,
        number=number,
        seq=number,
        status=status,
        reason="",
        is_barred=False,
        awaits_first_change=False,
        bids=[("10", f"{number}")],
        asks=[("11", "1")],
        scale=Decimal(1),
        depth=0,
        ts_exchange=Nanos(1),
        ts_received=Nanos(2),
        age=0,
        is_of_changes=True,
    )


def pulse(number: int) -> BookPulse:
    """Of a collector whose last message had that number."""
    return BookPulse(BTC.symbol, number, 0, LEAST, 0, TradedSoFar())


@pytest.mark.parametrize("number", [3, 4, 5, 6, 8])
def test_what_is_held_is_taken_after_the_whole_book(number: int) -> None:
    one = Heard()
    asked = one.asked
    for held in (4, 5, 6, 7):
        one.change(held)
    one.heard.take_whole(whole(number))
    assert (one.heard.number, one.book.status, one.asked) == (max(number, 7), "live", asked)
    assert one.book.seq == shown_seq(1, max(number, 7))
    assert levels_of(one.book)[0] == [("10", f"{max(number, 7)}")]


def test_a_whole_book_that_is_too_old_is_asked_for_again() -> None:
    one = Heard()
    one.change(4)
    asked = one.asked
    one.heard.take_whole(whole(2))
    assert (one.book.status, one.asked) == ("resyncing", asked + 1)
    one.heard.take_whole(whole(3))
    assert (one.book.status, one.heard.number) == ("live", 4), "what was held still is"


def test_what_is_told_twice_or_late_changes_nothing() -> None:
    one = Heard()
    one.heard.take_whole(whole(5))
    one.change(6)
    for number in (6, 5, 4):
        one.change(number)
        one.heard.take_whole(whole(number))
    assert (one.heard.number, one.book.status, levels_of(one.book)[0]) == (6, "live", [("10", "6")])


def test_what_is_held_is_bounded() -> None:
    one = Heard()
    for number in range(1, MOST_HELD + 3):
        one.change(number)
    one.heard.take_whole(whole(0))
    assert one.book.status == "resyncing", "the first ones are not there any more"
    one.heard.take_whole(whole(MOST_HELD))
    assert (one.book.status, one.heard.number) == ("live", MOST_HELD + 2)


def test_a_whole_book_that_is_not_live_makes_none_live() -> None:
    one = Heard()
    one.heard.take_whole(whole(5, status=BookStatus.STALE))
    assert one.book.status is BookStatus.STALE
    one.change(6)
    assert one.book.status is BookStatus.LIVE, "the collector takes a change into a live book alone"
    one.heard.hear(StateTold(1, 7, BookStatus.RESYNCING, "a gap", False, False))
    assert (one.book.status, one.book.reason) == ("resyncing", "a gap")


def test_a_whole_book_of_an_old_owner_is_none() -> None:
    one = Heard()
    one.heard.take_whole(whole(5))
    one.heard.begin(2)
    one.heard.take_whole(whole(9))
    assert one.book.status == "resyncing"
    one.heard.take_whole(whole(1, epoch=2))
    assert (one.book.status, one.book.seq) == ("live", shown_seq(2, 1))
    one.change(2, epoch=1)
    assert one.heard.number == 1


@pytest.mark.parametrize("number", [4, 5, 6])
def test_after_silence_what_did_not_come_before_the_first_pulse_is_lost(number: int) -> None:
    one = Heard()
    one.heard.take_whole(whole(5))
    one.heard.compare(1, pulse(number), late=0, was_silent=True)
    assert one.book.status == ("resyncing" if number > 5 else "live")


def test_without_silence_it_may_be_on_its_way() -> None:
    one = Heard()
    one.heard.take_whole(whole(5))
    one.heard.compare(1, pulse(6), late=0, was_silent=False)
    assert one.book.status == "live"
    one.heard.compare(1, pulse(6), late=0, was_silent=False)
    assert one.book.status == "resyncing"


def test_after_silence_a_book_that_no_pulse_names_is_not_shown() -> None:
    one = Heard()
    one.heard.take_whole(whole(5))
    one.heard.not_listed(was_silent=False)
    assert one.book.status == "live"
    one.heard.not_listed(was_silent=True)
    assert one.book.status == "resyncing"


def test_after_silence_the_book_of_before_another_one_is_not_shown() -> None:
    one = Heard()
    one.heard.take_whole(whole(5))
    one.heard.hear(AnewTold(1, 6))
    assert one.book.status == "live"
    one.heard.compare(1, pulse(6), late=0, was_silent=True)
    assert one.book.status == "resyncing"


def test_a_collector_whose_clock_is_ahead_has_received_nothing_later_than_now() -> None:
    one = Heard()
    now = one.clock.now()
    late = msgspec.structs.replace(whole(5), ts_received=Nanos(now + 10**9))
    one.heard.take_whole(late)
    assert one.book.ts_received == now
    one.heard.hear(ChangeTold(1, 6, Nanos(1), Nanos(now + 10**9), [("10", "2")], []))
    assert one.book.ts_received == now


def test_a_whole_book_older_than_what_was_shown_is_not_taken() -> None:
    one = Heard()
    one.heard.take_whole(whole(5))
    one.change(6)
    one.heard.lose("messages were lost")
    asked = one.asked
    one.heard.take_whole(whole(5))  # asked for before, and answered late
    assert (one.book.status, one.heard.is_waiting) == ("resyncing", True)
    assert one.asked == asked + 1
    one.heard.take_whole(whole(8))
    assert (one.book.status, one.heard.number) == ("live", 8)
