"""Compare what orders were expected to cost when they were accepted with what they came to.

The forecast knows spread, depth and fees, not where prices go, and is told of what would be filled. So it is
compared with spread, depth and fees of what was filled, over that quantity valued at the decision price.
"""

from dataclasses import dataclass
from decimal import Decimal

from twap_server.domain import exact
from twap_server.domain.exact import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingCost:
    """What trading itself cost; quote currency, a positive figure is a cost."""

    amount: Decimal
    """Spread, depth and fees."""
    value: Decimal
    """What was filled, valued at the decision price; above 0."""

    @property
    def bps(self) -> Decimal:
        """The amount in basis points of the value."""
        return exact.basis_points(self.amount, self.value)


def trading_cost(
    *,
    spread: Decimal | None,
    depth: Decimal | None,
    fees: Decimal,
    filled: Decimal,
    decision_price: Decimal | None,
) -> TradingCost | None:
    """Put it together; None where nothing was filled, or a price was never measured."""
    if spread is None or depth is None or not filled or not decision_price:
        return None
    return TradingCost(
        amount=exact.total([spread, depth, fees]), value=exact.multiply(filled, decision_price)
    )


@dataclass(slots=True)
class ForecastTotals:
    """Of orders with both a forecast and a cost, all of one quote currency."""

    orders: int = 0
    _expected: Decimal = ZERO
    """Basis points times value."""
    _amount: Decimal = ZERO
    _value: Decimal = ZERO

    def add(self, forecast_bps: Decimal, cost: TradingCost) -> None:
        """Count one more order."""
        self.orders += 1
        self._expected = exact.add(self._expected, exact.multiply(forecast_bps, cost.value))
        self._amount = exact.add(self._amount, cost.amount)
        self._value = exact.add(self._value, cost.value)

    @property
    def expected_bps(self) -> Decimal:
        """Mean of the forecasts, weighted by what was filled."""
        return exact.mean(self._expected, self._value)

    @property
    def trading_bps(self) -> Decimal:
        """What the same orders came to."""
        return exact.basis_points(self._amount, self._value)
