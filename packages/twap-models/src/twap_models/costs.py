"""Define what closed orders cost, in lists and in sum: the headline figures of their execution reports."""

from decimal import Decimal

from pydantic import Field

from twap_models.base import ResponseModel
from twap_models.enums import OrderStatus, Side
from twap_models.fields import Figure, UtcDatetime

_ZERO = Decimal(0)


class OrderCost(ResponseModel):
    """What one closed order cost; a positive figure is a cost. The figures are those of its report."""

    token_id: str
    order_id: str = ""
    exchange: str
    symbol: str = Field(description="As it was submitted.")
    instrument: str | None = Field(default=None, description="Canonical BASE-QUOTE.")
    side: Side
    status: OrderStatus
    quantity: Figure = Field(description="Of the last plan; base currency.")
    filled_quantity: Figure
    average_price: Figure | None = None
    notional: Figure = Field(description="Of what was filled; quote currency.")
    fees: Figure = Field(description="Quote currency.")
    decision_price: Figure | None = None
    arrival_price: Figure | None = None
    shortfall: Figure | None = Field(default=None, description="Implementation shortfall, quote currency.")
    shortfall_bps: Figure | None = Field(
        default=None, description="Of the quantity valued at the decision price, as the parts below."
    )
    delay_bps: Figure | None = None
    timing_bps: Figure | None = None
    spread_bps: Figure | None = None
    latency_bps: Figure | None = None
    depth_bps: Figure | None = None
    opportunity_bps: Figure | None = None
    fees_bps: Figure | None = None
    slippage_bps: Figure | None = Field(default=None, description="Average price against arrival price.")
    twap_slippage_bps: Figure | None = Field(default=None, description="Against the market's TWAP.")
    vwap_slippage_bps: Figure | None = Field(default=None, description="Against the market's VWAP.")
    participation_percent: Figure | None = Field(default=None, description="Of what the market traded.")
    forecast_bps: Figure | None = Field(
        default=None,
        description="What spread, depth and fees were expected to be at acceptance, as a preview of that "
        "moment shows it: of what the slices would fill, valued at the mid; an amendment leaves it. null: no "
        "book was live, nothing would fill, its list was too large, or an older server accepted it.",
    )
    trading_bps: Figure | None = Field(
        default=None,
        description="What they came to: spread, depth and fees of what was filled, "
        "valued at the decision price.",
    )
    started: UtcDatetime
    ended: UtcDatetime
    pending: bool = Field(
        default=False, description="Its costs are not computed yet: ask again. Until then they are null."
    )


class CostForecast(ResponseModel):
    """What was expected of orders when they were accepted, and what they came to: means weighted by size."""

    orders: int = Field(description="Those with both figures; of no others anything is counted.")
    forecast_bps: Figure = Field(description="Of what was filled, valued at the decision prices.")
    trading_bps: Figure = Field(description="Likewise: spread, depth and fees.")


class CostSummary(ResponseModel):
    """Over all closed orders that the filter fits."""

    orders: int = 0
    filled_orders: int = Field(default=0, description="Of them, those that filled anything.")
    pending: int = Field(
        default=0, description="Of them, those whose costs are not computed yet: ask again. Their costs miss."
    )
    unpriced: int = Field(
        default=0, description="Of them, those without a shortfall, for a price was never measured."
    )
    notional_by_quote: dict[str, Figure] = {}
    shortfall_by_quote: dict[str, Figure] = {}
    shortfall_bps_by_quote: dict[str, Figure] = Field(
        default={},
        description="Shortfall over the quantities valued at their decision prices: the mean of the orders' "
        "basis points, weighted by size.",
    )
    shortfall_bps: Figure | None = Field(
        default=None, description="The same of all; null with several quote currencies, or none."
    )
    median_bps: Figure | None = Field(default=None, description="Of the orders' shortfall_bps.")
    worst_bps: Figure | None = Field(default=None, description="The largest of them.")
    forecast_by_quote: dict[str, CostForecast] = {}


class CostPage(ResponseModel):
    """Closed orders, newest end first, and what all of them come to."""

    orders: list[OrderCost]
    summary: CostSummary | None = Field(
        default=None, description="Over all that the filter fits, not the page; null on later pages."
    )
    next: str | None = Field(default=None, description="`after` of the next page; null: there is none.")
