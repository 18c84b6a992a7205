"""Candles: sums of trades, without holes, on the venues' interval boundaries."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_server.venue.candles import CandleStore, VenueTrade, minutes
from twap_server.venue.protocols.binance.wire import INTERVALS

MINUTE = 60_000
BASE = 1_700_000_040_000 // MINUTE * MINUTE


def trade(number: int, offset_ms: int, price: int = 100, qty: int = 1, *, buys: bool = True) -> VenueTrade:
    return VenueTrade(id=number, price=price, qty=qty, time=(BASE + offset_ms) * 10**6, taker_buys=buys)


@given(st.lists(st.tuples(st.integers(0, 3_600_000), st.integers(1, 9), st.integers(1, 9)), min_size=1))
def test_every_interval_holds_every_trade_once(drawn: list[tuple[int, int, int]]) -> None:
    store = CandleStore()
    for number, (offset, price, qty) in enumerate(sorted(drawn)):
        store.add(trade(number, offset, price, qty, buys=number % 2 == 0))
    for interval in INTERVALS.values():
        rows = store.rows(interval, now_ms=BASE + 3_600_000)
        assert sum(row.volume for row in rows) == sum(qty for _, _, qty in drawn)
        assert sum(row.count for row in rows) == len(drawn)
        assert max(row.high for row in rows) == max(price for _, price, _ in drawn)
        assert min(row.low for row in rows) == min(price for _, price, _ in drawn)
        for row, following in itertools.pairwise(rows):
            assert interval.next(row.open_ms) == following.open_ms


def test_minutes_without_trades_repeat_the_close() -> None:
    store = CandleStore()
    store.add(trade(1, 0, price=7))
    store.add(trade(2, 3 * MINUTE, price=9))
    rows = store.rows(minutes(1), now_ms=BASE + 5 * MINUTE)
    assert [row.close for row in rows] == [7, 7, 7, 9, 9, 9]
    assert [row.volume for row in rows] == [1, 0, 0, 1, 0, 0]


def test_paging_by_start_end_and_limit() -> None:
    store = CandleStore()
    for number in range(10):
        store.add(trade(number, number * MINUTE))
    now = BASE + 10 * MINUTE - 1

    def opens(**options: int) -> list[int]:
        rows = store.rows(minutes(1), now_ms=now, **options)
        return [(row.open_ms - BASE) // MINUTE for row in rows]

    assert opens(limit=3) == [7, 8, 9]
    assert opens(start_ms=BASE, limit=3) == [0, 1, 2]
    assert opens(start_ms=BASE + 2 * MINUTE + 1, limit=2) == [3, 4]
    assert opens(end_ms=BASE + 4 * MINUTE, limit=2) == [3, 4]
    assert opens(start_ms=BASE + MINUTE, end_ms=BASE + 2 * MINUTE) == [1, 2]
    assert opens(start_ms=now + MINUTE) == []


@pytest.mark.parametrize(
    ("name", "start"),
    [("1w", datetime(2023, 11, 13, tzinfo=UTC)), ("1M", datetime(2023, 11, 1, tzinfo=UTC))],
)
def test_weeks_begin_on_monday_and_months_on_the_first(name: str, start: datetime) -> None:
    assert INTERVALS[name].floor(BASE) == int(start.timestamp() * 1_000)
    following = datetime.fromtimestamp(INTERVALS[name].next(INTERVALS[name].floor(BASE)) / 1_000, UTC)
    assert following == (
        datetime(2023, 11, 20, tzinfo=UTC) if name == "1w" else datetime(2023, 12, 1, tzinfo=UTC)
    )
