"""Closed candles are kept exactly, known ranges join, and what was kept longest ago goes first."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.clocks import HandClock
from support.stores.candles import MemoryCandles
from twap_models.enums import Interval
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.events import Candle
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.known_candles import KnownRange, Series, joined
from twap_server.store.candles import SqlCandleStore
from twap_server.store.database import Database

MINUTE = 60 * SECOND
BTC = Series(InstrumentId("kraken", "BTC-USD"), Interval.M1)
ETH = Series(InstrumentId("kraken", "ETH-USD"), Interval.M1)


def at(minute: int) -> Nanos:
    return Nanos(1_700_000_040 * SECOND + minute * MINUTE)


def known(first: int, last: int) -> KnownRange:
    return KnownRange(at(first), at(last))


def candle(minute: int, price: str = "61831.100000000000000001") -> Candle:
    exact = Decimal(price)
    return Candle(
        open_time=at(minute),
        close_time=Nanos(at(minute + 1) - 1_000_000),
        open=exact,
        high=exact,
        low=exact,
        close=exact,
        volume=Decimal("0.00000001"),
        closed=True,
    )


def store(database: Database, *, most: int = 10_000) -> SqlCandleStore:
    return SqlCandleStore(database, HandClock(), most=most)


async def test_every_digit_is_kept(database: Database) -> None:
    kept = store(database)
    assert await kept.newest_range(BTC, at(5)) is None
    await kept.keep(BTC, known(0, 5), [candle(0), candle(3)])
    assert await kept.newest_range(BTC, at(3)) == known(0, 5)
    assert await kept.newest_range(BTC, Nanos(at(0) - 1)) is None
    assert await kept.newest_range(ETH, at(3)) is None
    found = await kept.read(BTC, known(1, 5))
    assert found == [candle(3)] and str(found[0].open) == "61831.100000000000000001"


async def test_what_touches_is_one_range_and_what_does_not_is_two(database: Database) -> None:
    kept = store(database)
    await kept.keep(BTC, known(0, 2), [candle(one) for one in (0, 1, 2)])
    await kept.keep(BTC, known(4, 6), [candle(one) for one in (4, 5, 6)])
    assert await kept.newest_range(BTC, at(3)) == known(0, 2)
    assert await kept.newest_range(BTC, at(9)) == known(4, 6)
    await kept.keep(BTC, known(3, 4), [candle(3), candle(4, "5")])
    assert await kept.newest_range(BTC, at(9)) == known(0, 6)
    found = await kept.read(BTC, known(0, 6))
    assert [one.open_time for one in found] == [at(one) for one in range(7)]
    assert found[4].open == 5, "the newer word counts"


async def test_many_are_kept_some_at_a_time(database: Database) -> None:
    kept = store(database)
    await kept.keep(BTC, known(0, 999), [candle(one) for one in range(0, 999, 2)])
    assert await kept.newest_range(BTC, at(999)) == known(0, 999)
    assert len(await kept.read(BTC, known(0, 999))) == 500


async def test_the_ranges_kept_longest_ago_go_first(database: Database) -> None:
    clock = HandClock()
    kept = SqlCandleStore(database, clock, most=5)
    await kept.keep(BTC, known(0, 2), [candle(one) for one in range(3)])
    clock.after(1)
    await kept.keep(ETH, known(0, 2), [candle(one) for one in range(3)])
    assert await kept.newest_range(BTC, at(9)) is None
    assert await kept.read(BTC, known(0, 2)) == []
    assert await kept.newest_range(ETH, at(9)) == known(0, 2)


RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=12)


@given(RANGES, st.integers(0, 80))
async def test_ranges_in_memory_are_those_of_a_plain_set(ranges: list[tuple[int, int]], before: int) -> None:
    memory, every = MemoryCandles(), set[int]()
    for first, more in ranges:
        await memory.keep(BTC, known(first, first + more), [])
        every |= set(range(first, first + more + 1))
    found = await memory.newest_range(BTC, at(before))
    firsts = [one for one in every if one - 1 not in every and one <= before]
    if not firsts:
        assert found is None
        return
    first = max(firsts)
    last = next(one for one in range(first, 200) if one + 1 not in every)
    assert found == known(first, last)


def test_ranges_that_do_not_touch_are_never_joined() -> None:
    with pytest.raises(AssertionError):
        joined([known(0, 1)], known(3, 4), step=MINUTE)
