"""domain/orders/market_facts.py: means over the days that are there, whatever was asked for."""

from decimal import Decimal

import pytest

from twap_models.enums import Interval
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.market.events import Candle
from twap_server.domain.orders.market_facts import facts_of

WIDTH = 300 * SECOND


def candle(number: int, volume: str = "2", close: str = "100") -> Candle:
    return Candle(
        open_time=Nanos(number * WIDTH),
        close_time=Nanos((number + 1) * WIDTH - MILLISECOND),
        open=Decimal(100),
        high=Decimal(101),
        low=Decimal(99),
        close=Decimal(close),
        volume=Decimal(volume),
        closed=True,
    )


@pytest.mark.parametrize("many", [100, 288, 720, 4032])
def test_a_flat_market_is_flat_however_many_days_there_are(many: int) -> None:
    facts = facts_of([candle(number) for number in range(7, 7 + many)], Interval.M5, days=14)
    assert set(facts.day_volumes) == {Decimal(2)} and len(facts.day_volumes) == 288
    assert facts.day_volume == 576
    assert bool(facts.notice) is (many < 4032)


def test_an_interval_that_is_left_out_had_no_trade() -> None:
    facts = facts_of([candle(number) for number in range(576) if number != 5], Interval.M5, days=2)
    assert (facts.day_volumes[5], facts.day_volumes[6]) == (1, 2)


def test_volatility_is_of_hourly_closes() -> None:
    closes = ["101" if number // 12 % 2 else "100" for number in range(12 * 48)]
    made = [candle(number, close=close) for number, close in enumerate(closes)]
    facts = facts_of(made, Interval.M5, days=2)
    move = (Decimal(101) / 100).ln()
    assert facts.volatility is not None
    assert abs(facts.volatility - 100 * move * Decimal(24).sqrt()) < Decimal("0.2")
    assert facts_of(made[:100], Interval.M5, days=2).volatility is None, "eight closes say nothing"
