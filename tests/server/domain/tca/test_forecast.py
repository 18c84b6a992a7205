"""What was expected against what it came to: spread, depth and fees over what was filled, exact."""

from decimal import Decimal
from typing import Any

import pytest

from twap_server.domain.tca.forecast import ForecastTotals, TradingCost, trading_cost

KNOWN: dict[str, Any] = {
    "spread": Decimal(1), "depth": Decimal("-0.5"), "fees": Decimal(2), "filled": Decimal(4),
    "decision_price": Decimal(100),
}  # fmt: skip


def test_it_is_spread_depth_and_fees_over_what_was_filled() -> None:
    made = trading_cost(**KNOWN)
    assert made == TradingCost(amount=Decimal("2.5"), value=Decimal(400))
    assert made.bps == Decimal("62.5")


@pytest.mark.parametrize(
    "missing", [{"spread": None}, {"depth": None}, {"filled": Decimal(0)}, {"decision_price": None}]
)
def test_nothing_is_guessed(missing: dict[str, Any]) -> None:
    assert trading_cost(**KNOWN | missing) is None


def test_means_are_weighted_by_what_was_filled() -> None:
    totals = ForecastTotals()
    totals.add(Decimal(10), TradingCost(amount=Decimal(3), value=Decimal(1_000)))
    totals.add(Decimal(2), TradingCost(amount=Decimal(1), value=Decimal(9_000)))
    assert (totals.orders, totals.expected_bps, totals.trading_bps) == (2, Decimal("2.8"), 4)
