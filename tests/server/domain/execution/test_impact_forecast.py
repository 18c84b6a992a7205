"""The forecast from volume and volatility gives what its paper prints, and bends as a power law does."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution.impact_forecast import ImpactForecast

DAY = 86_400 * SECOND
IBM = {"day_volume": "6561000", "volatility": "1.57", "quantity": "656100"}
DRI = {"day_volume": "1929000", "volatility": "2.26", "quantity": "192900"}


def forecast(days: str, *, quantity: str, day_volume: str, volatility: str) -> ImpactForecast:
    return ImpactForecast(
        quantity=Decimal(quantity),
        duration=Nanos(int(Decimal(days) * DAY)),
        day_volume=Decimal(day_volume),
        volatility=Decimal(volatility),
    )


@pytest.mark.parametrize(
    ("stock", "supply", "days", "lasting", "cost"),
    [
        (IBM, 1_728_000_000, "0.1", "19.860", "32.22"),
        (IBM, 1_728_000_000, "0.2", "19.860", "24.64"),
        (IBM, 1_728_000_000, "0.5", "19.860", "18.42"),
        (DRI, 168_000_000, "0.1", "21.679", "42.93"),
        (DRI, 168_000_000, "0.2", "21.679", "32.01"),
        (DRI, 168_000_000, "0.5", "21.679", "23.06"),
    ],
)
def test_it_gives_what_the_paper_prints(
    stock: dict[str, str], supply: int, days: str, lasting: str, cost: str
) -> None:
    made, existing = forecast(days, **stock), Decimal(supply)
    assert round(made.lasting_bps(existing), 3) == Decimal(lasting)
    assert round(made.cost_bps(existing), 2) == Decimal(cost)
    assert made.share_percent == 10


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 10**6))
def test_its_parts_sum_and_twice_the_quantity_moves_the_price_twice_as_far(
    quantity: int, volume: int, supply: int
) -> None:
    made = forecast("0.25", quantity=str(quantity), day_volume=str(volume), volatility="3")
    double = forecast("0.25", quantity=str(2 * quantity), day_volume=str(volume), volatility="3")
    existing = Decimal(supply)
    half = made.lasting_bps(existing) / 2
    assert abs(made.cost_bps(existing) - made.temporary_bps - half) <= Decimal("0.0001")
    assert abs(double.lasting_bps(existing) - 2 * made.lasting_bps(existing)) <= Decimal("0.0002")
    assert double.temporary_bps <= 2 * made.temporary_bps + Decimal("0.0001"), "concave: less than twice"
