"""Define an order's preview: slices, broken rules, expected cost, which exchange would take it."""

from pydantic import Field

from twap_models.base import RequestModel, ResponseModel
from twap_models.enums import GoLiveRule, GoLiveVerdict, RejectReason, Side, Strategy
from twap_models.fields import (
    Duration,
    Figure,
    KnownSliceReason,
    Supply,
    Told,
    ToldPrice,
    ToldQuantity,
    UtcDatetime,
)
from twap_models.realism import ExpectedRealism, OrderRealism
from twap_models.strategies import StrategyParameters


class ComparisonOptions(RequestModel):
    """What a comparison of strategies may be told beside the orders."""

    supply: Supply | None = None


class BrokenRule(ResponseModel):
    """One rule of this server that the order breaks."""

    reason: RejectReason
    field: str = Field(description="The field of the request to change.")
    detail: str = Field(description="In words: field, value, rule, and the nearest value that would do.")
    nearest: Told | None = Field(
        default=None,
        description="The nearest value that would do, an interval in seconds; null: none, or not known.",
    )


class PlannedSlice(ResponseModel):
    """One slice as the schedule has it."""

    index: int
    due_time: UtcDatetime
    quantity: ToldQuantity


class CostEstimate(ResponseModel):
    """What taking a quantity would cost against the book as it is. Quote currency; positive is a cost.

    ``total`` = ``spread`` + ``depth`` + ``fees``, to the last digit.
    """

    filled_quantity: ToldQuantity
    unfilled_quantity: ToldQuantity = Field(
        description="What the displayed depth within limit and slippage cap does not give."
    )
    average_price: ToldPrice | None = None
    spread: Figure = Field(description="s·Σ(touch − mid)·x")
    depth: Figure = Field(description="s·Σ(price − touch)·x")
    fees: Figure
    total: Figure
    total_bps: Figure | None = Field(
        default=None, description="Of the filled quantity valued at the mid; half-even to 4 decimals."
    )
    stopped_by: KnownSliceReason | None = Field(
        default=None, description="What ended the walk before all was taken."
    )


class ExpectedCost(ResponseModel):
    """The order's cost against the live book of this moment."""

    mid: ToldPrice
    touch: ToldPrice = Field(description="Best price of the side the order takes.")
    book_status: str
    book_age_ms: int | None = None
    slices: CostEstimate = Field(
        description="Every slice walked through this book alone, as if it refilled in between."
    )
    sweep: CostEstimate = Field(description="The whole quantity at once.")


class GoLiveFinding(ResponseModel):
    """One rule of an exchange's own TWAP, answered."""

    rule: GoLiveRule
    ok: bool | None = Field(default=None, description="null: it cannot be said, `message` says why.")
    yours: str
    limit: str
    message: str = ""
    nearest: Told | None = Field(default=None, description="The nearest value this rule takes.")
    nearest_of: str = Field(
        default="",
        description="What to set to it: duration, interval (s), end (s from now), quantity, randomize (%).",
    )
    source: str
    url: str
    as_of: str = Field(description="When the source said so: a date, `after` a date, or `undated`.")


class GoLiveCheck(ResponseModel):
    """Whether an exchange's own TWAP would take the order. `accepted` only if every rule was checked."""

    exchange: str
    market: str
    verdict: GoLiveVerdict
    rules: list[GoLiveFinding]


class CurvePoint(ResponseModel):
    """How much should be filled by when."""

    time: UtcDatetime
    quantity: ToldQuantity


class StrategyComparison(ResponseModel):
    """One strategy for the same order: what it is expected to cost, and how far from that it may come."""

    strategy: Strategy | str
    strategy_parameters: StrategyParameters | None = None
    expected_cost_bps: Figure | None = Field(
        default=None, description="Spread, depth and fees on the books of this moment; null: no live book."
    )
    risk_bps: Figure | None = Field(
        default=None,
        description="One standard deviation of the cost if prices move as they did; null: not known.",
    )
    curve: list[CurvePoint] = Field(default=[], description="At most 101 points, from the start.")
    note: str = Field(default="", description="What is not known, or not so.")


class ImpactForecast(ResponseModel):
    """What the order costs, spread evenly, by volume and volatility of the last 14 days; no book is read.

    After Almgren, Thum, Hauptmann and Li 2005, who fitted it to US stocks: a rule of thumb here. ``X`` is the
    quantity, ``V`` what a day trades, ``T`` the window in days, ``σ`` the volatility, ``Θ`` the supply.
    """

    share_percent: Figure = Field(description="X/V: the order's share of what a day trades.")
    day_volume: ToldQuantity
    volatility: Figure = Field(description="σ: standard deviation of the day's return, percent.")
    temporary_bps: Figure = Field(description="0.142·σ·(X/VT)^0.6: for trading that fast; none of it lasts.")
    lasting_bps: Figure | None = Field(
        default=None,
        description="0.314·σ·(X/V)·(Θ/V)^0.25: how far the price stays moved; null: no `supply` was given.",
    )
    cost_bps: Figure | None = Field(
        default=None, description="`temporary_bps` and half of `lasting_bps`; null: no `supply` was given."
    )


class OrderPreview(ResponseModel):
    """What would become of an order if it were submitted now. Nothing was stored."""

    token_id: str
    exchange: str
    symbol: str = Field(description="As the caller sent it.")
    instrument: str | None = None
    side: Side
    quantity: ToldQuantity = Field(description="Rounded to the lot where the order can be planned.")
    limit_price: ToldPrice | None = None
    accepted: bool = Field(description="Whether it would be accepted: no rule is broken.")
    broken: list[BrokenRule] = Field(
        default=[], description="Every rule it breaks; a submission is told the first."
    )
    warnings: list[str] = []
    start_time: UtcDatetime | None = Field(
        default=None, description="Effective start; null, as all of the plan, where no plan can be made."
    )
    end_time: UtcDatetime | None = None
    interval: Duration | None = None
    slice_count: int = 0
    slices: list[PlannedSlice] = Field(default=[], description="The first 1000; `slice_count` counts all.")
    expected_cost: ExpectedCost | None = None
    cost_reason: str = Field(default="", description="Why there is no expected cost.")
    go_live: list[GoLiveCheck] = []
    realism: str | OrderRealism = "ideal"
    on_the_way: ExpectedRealism | None = Field(
        default=None, description="What its slices would meet under that realism, and which fees apply."
    )
    strategy: Strategy | str = Strategy.TWAP
    strategy_parameters: StrategyParameters | None = None
    curve: list[CurvePoint] = Field(
        default=[], description="At most 101 points of what should be filled by when, from the start."
    )
    strategies: list[StrategyComparison] = Field(
        default=[], description="All strategies side by side, where `compare` asks for it."
    )
    impact_forecast: ImpactForecast | None = Field(
        default=None, description="Beside them; null: volume or volatility of the market are not known."
    )
