"""The made-up market, stepped by hand: no sockets, no waiting."""

import copy
import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twap_server.domain.clock import Nanos
from twap_server.venue.candles import VenueTrade, minutes
from twap_server.venue.market import MarketParameters, SyntheticSource
from twap_server.venue.source import BookEvent, Event, TradeEvent

START = 1_700_000_030 * 10**9
STEP = 10**8
SMALL = MarketParameters(history_minutes=5)


class StillClock:
    def now(self) -> Nanos:
        return Nanos(START)

    def monotonic(self) -> Nanos:
        return Nanos(0)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a step never sleeps")


def market(seed: int, parameters: MarketParameters = SMALL) -> SyntheticSource:
    return SyntheticSource(seed=seed, clock=StillClock(), parameters=parameters)


def play(source: SyntheticSource, steps: int) -> list[Event]:
    return [event for number in range(1, steps + 1) for event in source.step(START + number * STEP)]


def test_same_seed_gives_the_same_market() -> None:
    assert play(market(7), 50) == play(market(7), 50)
    assert play(market(7), 50) != play(market(8), 50)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**9))
def test_books_never_cross_and_spread_stays_a_few_ticks(seed: int) -> None:
    source = market(seed)
    for event in play_lazily(source, 150):
        book = source.pairs(event.venue)[event.symbol].book
        assert book.bids.best is not None
        assert book.asks.best is not None
        assert book.bids.best < book.asks.best
    for venue in ("binance", "kraken"):
        for pair in source.pairs(venue).values():
            assert pair.book.asks.price(0) - pair.book.bids.price(0) <= 6
            assert len(pair.book.bids) > 200


def play_lazily(source: SyntheticSource, steps: int) -> Iterator[Event]:
    for number in range(1, steps + 1):
        yield from source.step(START + number * STEP)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**9))
def test_the_changes_told_are_the_changes_of_the_book(seed: int) -> None:
    source = market(seed)
    mirrors = {
        (venue, symbol): copy.deepcopy(pair.book)
        for venue in ("binance", "kraken")
        for symbol, pair in source.pairs(venue).items()
    }
    for event in play_lazily(source, 60):
        if isinstance(event, BookEvent):
            mirror = mirrors[event.venue, event.symbol]
            mirror.apply(event.bids, event.asks)
            book = source.pairs(event.venue)[event.symbol].book
            assert mirror.bids.levels == book.bids.levels
            assert mirror.asks.levels == book.asks.levels


def test_binance_ids_chain_from_the_first_event() -> None:
    source = market(3)
    last = {symbol: pair.last_id for symbol, pair in source.pairs("binance").items()}
    chained = 0
    for event in play(source, 100):
        if isinstance(event, BookEvent) and event.venue == "binance":
            assert event.first_id == last[event.symbol] + 1
            assert event.last_id >= event.first_id
            last[event.symbol] = event.last_id
            chained += 1
    assert chained > 150


def test_candles_are_the_sum_of_the_trades() -> None:
    source = market(5, replace(SMALL, history_minutes=0))
    made: dict[tuple[str, str], list[VenueTrade]] = defaultdict(list)
    for event in play(source, 1_500):
        if isinstance(event, TradeEvent):
            made[event.venue, event.symbol] += event.trades
    assert len(made) == 4
    for (venue, symbol), trades in made.items():
        now_ms = (START + 1_500 * STEP) // 10**6
        rows = source.pairs(venue)[symbol].candles.rows(minutes(1), now_ms=now_ms)
        assert len(rows) >= 3
        assert sum(row.volume for row in rows) == sum(trade.qty for trade in trades)
        assert sum(row.quote for row in rows) == sum(trade.qty * trade.price for trade in trades)
        assert sum(row.count for row in rows) == len(trades)
        assert [trade.id for trade in trades] == list(range(trades[0].id, trades[0].id + len(trades)))
        for row in rows:
            inside = [t.price for t in trades if t.time // 10**6 // 60_000 * 60_000 == row.open_ms]
            if inside:
                assert (row.open, row.close) == (inside[0], inside[-1])
                assert (row.high, row.low) == (max(inside), min(inside))


def test_history_is_contiguous_and_leads_to_the_live_price() -> None:
    source = SyntheticSource(seed=1, clock=StillClock())
    for venue in ("binance", "kraken"):
        for pair in source.pairs(venue).values():
            rows = pair.candles.rows(minutes(1), now_ms=START // 10**6, limit=1_000)
            assert len(rows) == 1_000
            assert all(b.open_ms - a.open_ms == 60_000 for a, b in itertools.pairwise(rows))
            assert all(a.close == b.open for a, b in itertools.pairwise(rows[:-1]))
            assert abs(rows[-1].close - pair.book.bids.price(0)) <= 6


def test_the_two_venues_agree_on_the_price() -> None:
    source = market(11)
    play(source, 600)
    binance, kraken = source.pairs("binance")["BTCUSDT"], source.pairs("kraken")["BTC/USDT"]
    assert abs(binance.book.bids.price(0) - kraken.book.bids.price(0) * 10) < 100
    assert binance.book.bids.price(0) != 6_000_000


def test_half_a_bitcoin_in_twenty_slices_can_fill() -> None:
    source = market(13)
    for number in range(1, 200):
        list(source.step(START + number * STEP))
        for venue, symbol in (("binance", "BTCUSDT"), ("kraken", "BTC/USDT")):
            book = source.pairs(venue)[symbol].book
            for side in (book.bids, book.asks):
                assert sum(qty for _, qty in side.top(10)) > 25_000_000


@pytest.mark.parametrize("asset", ["BTC", "ETH"])
def test_a_long_walk_stays_near_where_it_began(asset: str) -> None:
    source = market(2)
    fair = source._fair[asset]
    for _ in range(100_000):
        fair.move(10.0)
    assert 0.5 < fair.value / fair.start < 1.5
