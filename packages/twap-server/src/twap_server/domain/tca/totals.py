"""Add up the costs of many orders, exactly: amounts of one quote currency, and basis points of all."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Self

from twap_server.domain import exact
from twap_server.domain.exact import ZERO
from twap_server.domain.tca.forecast import ForecastTotals, TradingCost, trading_cost
from twap_server.domain.tca.headline import CostFigures, in_bps


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one closed order adds; without figures it is pending."""

    order_id: str
    quote: str
    filled: Decimal
    notional: Decimal
    fees: Decimal = ZERO
    forecast_bps: Decimal | None = None
    is_known: bool = False
    shortfall: Decimal | None = None
    reference: Decimal | None = None
    spread: Decimal | None = None
    depth: Decimal | None = None
    decision_price: Decimal | None = None

    def with_figures(self, figures: CostFigures) -> Self:
        """The same, its costs known."""
        return replace(
            self,
            is_known=True,
            shortfall=figures.shortfall,
            reference=figures.reference,
            spread=figures.spread,
            depth=figures.depth,
            decision_price=figures.decision_price,
        )

    @property
    def trading(self) -> TradingCost | None:
        """What its forecast is compared with."""
        return trading_cost(
            spread=self.spread,
            depth=self.depth,
            fees=self.fees,
            filled=self.filled,
            decision_price=self.decision_price,
        )


@dataclass(slots=True)
class CostTotals:
    """Of all orders added so far."""

    orders: int = 0
    filled_orders: int = 0
    pending: int = 0
    """Orders whose costs are not known yet: their notional counts, their costs do not."""
    unpriced: int = 0
    """Orders whose shortfall cannot be told, for a price was never measured."""
    notional: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """By quote currency, as the two below."""
    shortfall: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    reference: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    bps: list[Decimal] = field(default_factory=list)
    forecasts: dict[str, ForecastTotals] = field(default_factory=lambda: defaultdict(ForecastTotals))
    """By quote currency, where an order has both a forecast and a cost."""

    def add(self, one: Tally) -> None:
        """Count one more order."""
        self.orders += 1
        self.filled_orders += bool(one.filled)
        self.notional[one.quote] = exact.add(self.notional[one.quote], one.notional)
        bps = in_bps(one.shortfall, one.reference)
        if not one.is_known:
            self.pending += 1
        elif bps is None or one.shortfall is None or one.reference is None:
            self.unpriced += 1
        else:
            self.bps.append(bps)
            self.shortfall[one.quote] = exact.add(self.shortfall[one.quote], one.shortfall)
            self.reference[one.quote] = exact.add(self.reference[one.quote], one.reference)
        if one.forecast_bps is not None and (trading := one.trading) is not None:
            self.forecasts[one.quote].add(one.forecast_bps, trading)

    @property
    def bps_by_quote(self) -> Mapping[str, Decimal]:
        """The shortfall over what was to be traded: the mean of the orders' weighted by their size."""
        return {
            quote: exact.basis_points(self.shortfall[quote], whole) for quote, whole in self.reference.items()
        }

    @property
    def mean_bps(self) -> Decimal | None:
        """The same of all, where all are of one quote currency; None: amounts of several have no sum."""
        return next(iter(self.bps_by_quote.values())) if len(self.reference) == 1 else None

    @property
    def median_bps(self) -> Decimal | None:
        """Half of the orders cost less; None without any."""
        if not self.bps:
            return None
        ordered, half = sorted(self.bps), len(self.bps) // 2
        return ordered[half] if len(ordered) % 2 else exact.midpoint(ordered[half - 1], ordered[half])

    @property
    def worst_bps(self) -> Decimal | None:
        """Of the order that cost most; None without any."""
        return max(self.bps, default=None)
