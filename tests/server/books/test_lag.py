"""Two ages of a book: since receipt, and from the exchange's time to receipt. Measured, never guessed."""

from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest

from twap_server.books.consolidated import consolidate
from twap_server.books.live import LiveBook
from twap_server.collector.clock_lag import ClockLag
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.chain import Chain
from twap_server.exchanges.kraken.sequencer import KrakenSequencer

NOW = Nanos(1_800_000_000 * SECOND)


FETCHED = partial(Chain, holds=True)


def book(sequencer=FETCHED):
    return LiveBook(InstrumentId("binance", "BTC-USDT"), sequencer())


def change(number, *, at):
    levels = {"bids": [("1", "1")], "asks": [("2", "1")]}
    return BookChange(symbol="BTC-USDT", first_id=number, last_id=number, ts_exchange=at, **levels)


def snapshot(last_id=0, *, at=0):
    return BookSnapshot(
        symbol="BTC-USDT", bids=[("1", "1")], asks=[("2", "1")], last_id=last_id, ts_exchange=Nanos(at)
    )


def test_a_rest_snapshot_has_no_exchange_time_and_a_change_has():
    live = book()
    live.on_snapshot(snapshot(1), NOW)
    assert (live.ts_exchange, live.lag) == (0, None)
    live.on_change(change(2, at=NOW - 8_500 * MILLISECOND), NOW)
    assert live.lag == live.view(1).lag == 8_500 * MILLISECOND
    live.on_change(change(3, at=Nanos(NOW + SECOND)), NOW)
    assert live.lag == -SECOND, "clocks may differ the other way"
    live.on_snapshot(snapshot(3), NOW)
    assert live.lag is None


def test_what_waited_for_the_snapshot_tells_no_lag():
    live = book()
    live.on_change(change(2, at=NOW), NOW)
    live.on_snapshot(snapshot(1), Nanos(NOW + 5 * SECOND))
    assert (live.ts_exchange, live.lag) == (NOW, None)


def test_the_time_of_a_snapshot_is_that_of_the_last_change_before_it():
    live = book(KrakenSequencer)
    live.on_snapshot(snapshot(at=NOW - 3_600 * SECOND), NOW)
    assert (live.ts_exchange, live.lag) == (NOW - 3_600 * SECOND, None)
    live.on_change(change(0, at=Nanos(0)), NOW)
    assert live.lag is None, "a change without a time"


def test_a_lag_is_taken_over_with_the_book():
    old, following = book(), book()
    following.on_snapshot(snapshot(1), NOW)
    old.take_over(following)
    assert old.lag is None
    following = book()
    following.on_snapshot(snapshot(1), NOW)
    following.on_change(change(2, at=NOW - SECOND), NOW)
    old.take_over(following)
    assert old.lag == SECOND


@pytest.mark.parametrize(
    ("lags", "worst"), [((SECOND, 3 * SECOND), 3 * SECOND), ((None, -5), -5), ((None, None), None)]
)
def test_of_merged_books_the_worst_counts(lags, worst):
    live = book()
    live.on_snapshot(snapshot(1), NOW)
    live.on_change(change(2, at=NOW), NOW)
    views = {
        name: replace(live.view(1), lag=lag, ts_exchange=Nanos(0 if lag is None else 7))
        for name, lag in zip(("binance", "kraken"), lags, strict=True)
    }
    merged = consolidate(views, 1, max_spread=Decimal("0.05"))
    assert (merged.lag, merged.ts_exchange) == (worst, 0 if worst is None else 7)


def noted(clock, *lags, at=0):
    return clock.note([round(lag * SECOND) for lag in lags], Nanos(round(at * SECOND)))


def test_the_least_lag_of_ten_seconds_tells_how_far_clocks_differ():
    clock = ClockLag()
    assert not noted(clock, 5, 0.2, at=0)
    assert (clock.least, clock.warning) == (0.2 * SECOND, "")
    assert not noted(clock, 8.5, at=9)
    assert noted(clock, 8.7, 9, at=10)
    assert clock.least == 8.5 * SECOND
    assert clock.warning.startswith(
        "changes arrive 8.5 s after the exchange's time of them: this server's clock"
    )
    assert not noted(clock, at=12), "told once"


def test_a_warning_ends_when_the_clocks_agree_and_does_not_flicker():
    clock = ClockLag()
    assert noted(clock, 1.1, at=0)
    assert not noted(clock, 0.9, at=20)
    assert noted(clock, 0.7, at=40)
    assert not noted(clock, 0.95, at=60)
    assert clock.warning == ""


def test_a_clock_behind_is_told_and_silence_tells_nothing():
    clock = ClockLag()
    assert noted(clock, -1.5, -1.2, at=0)
    assert clock.warning == "this server's clock is 1.5 s or more behind the exchange's"
    assert not noted(clock, at=10)
    assert (clock.least, clock.warning) == (None, "")
