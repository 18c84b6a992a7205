"""What ends a connection costs its own instrument only, which is not asked for again and again."""

from random import Random

import pytest

from support.clocks import HandClock
from support.collector.parts import collecting, until
from support.kraken import LoopbackKraken
from twap_server.collector.backoff import KeyedBackoff
from twap_server.collector.suspects import CLOSES, TOO_LARGE, Suspects
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId

COINS = ("AAA", "BTC", "ETH", "ZZZ")
BOOKS = [InstrumentId("kraken", f"{coin}-USD") for coin in COINS]


def made():
    clock = HandClock(Nanos(0))
    return clock, Suspects(clock, KeyedBackoff(clock, Random(1), initial_ms=300_000, cap_s=3600))


def test_the_only_one_that_is_waited_for_is_set_aside_ever_longer():
    clock, suspects = made()
    waits = []
    for _ in range(6):
        suspects.blame(["B"], TOO_LARGE, is_sure=True)
        until = suspects.aside_until("B")
        waits.append((until - clock.time) / SECOND)
        assert suspects.askable(["A", "B"], waits=False) == ["A"]
        assert not suspects.are_suspected(["B"])
        clock.time = until
        assert suspects.aside_until("B") is None
    assert 150 <= waits[0] <= 300 and waits[0] < waits[2] < waits[4] and waits[5] <= 3600
    assert suspects.askable(["A", "B"], waits=False) == ["A"], "others first"
    assert suspects.askable(["B"], waits=True) == [], "alone"
    assert suspects.askable(["B"], waits=False) == ["B"]
    suspects.clear("B")
    assert suspects.askable(["A", "B"], waits=True) == ["A", "B"]


def test_of_several_each_is_asked_for_alone():
    _, suspects = made()
    suspects.blame(["A", "B"], TOO_LARGE, is_sure=True)
    assert suspects.askable(["A", "B", "C"], waits=False) == ["C"]
    assert suspects.askable(["A", "B"], waits=False) == ["A"]
    assert suspects.are_suspected(["B"]) and not suspects.are_suspected(["C"])
    suspects.clear("A")
    assert suspects.askable(["B"], waits=False) == ["B"]


def test_one_that_is_waited_for_when_a_connection_is_lost_once_is_only_suspected():
    _, suspects = made()
    suspects.blame(["B"], CLOSES, is_sure=False)
    assert suspects.aside_until("B") is None
    assert suspects.askable(["A", "B"], waits=False) == ["A"], "others first"
    suspects.blame(["A", "B"], CLOSES, is_sure=False)
    assert suspects.aside_until("B") is None, "it may be either"
    suspects.blame(["B"], CLOSES, is_sure=False)
    assert suspects.aside_until("B") is not None and suspects.words_of("B") == CLOSES


def test_one_whose_book_came_is_suspected_no_more():
    _, suspects = made()
    suspects.blame(["B"], CLOSES, is_sure=False)
    suspects.clear("B")
    suspects.blame(["B"], CLOSES, is_sure=False)
    assert suspects.aside_until("B") is None


@pytest.mark.parametrize("huge", COINS)
async def test_the_one_that_is_too_large_is_set_aside_and_its_neighbours_stay_live(huge):
    venue = LoopbackKraken(*COINS)
    venue.huge[f"{huge}/USD"] = 30_000
    culprit = InstrumentId("kraken", f"{huge}-USD")
    others = [one for one in BOOKS if one != culprit]
    async with venue.serving(), collecting(venue.urls, max_message_bytes=20_000) as market:
        for one in BOOKS:
            market.hold(one, "test")
        view = await until(
            lambda: (view := market.view(culprit, 1)) and "set aside until" in view.reason and view
        )
        assert view.status is BookStatus.DOWN and "more at once than we take" in view.reason
        for one in others:
            await market.wait_live(one, 10)
        asked = venue.connections
        assert asked <= 4
        for _ in range(3):
            await venue.change(f"{others[0].symbol[:3]}/USD")
            await until(
                lambda: (
                    market.view(others[0], 1).bids[0].quantity
                    == venue.pairs[f"{others[0].symbol[:3]}/USD"].changes
                )
            )
        assert (venue.connections, len(venue.sockets)) == (asked, 1)


async def test_our_own_closing_says_so():
    venue = LoopbackKraken("BTC")
    venue.huge["BTC/USD"] = 30_000
    book = InstrumentId("kraken", "BTC-USD")
    async with (
        venue.serving(),
        collecting(venue.urls, max_message_bytes=20_000, backoff_initial_ms=2_000) as market,
    ):
        market.hold(book, "test")
        view = await until(lambda: (view := market.view(book, 1)) and "1009" in view.reason and view)
        assert view.reason == "we closed the connection: more came at once than we take (code 1009)"
