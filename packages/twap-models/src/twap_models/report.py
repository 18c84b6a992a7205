"""Define the execution report of an order: its cost, the benchmarks, and the alternatives.

Everywhere: ``s`` is +1 for a buy and -1 for a sell, and a positive figure is a cost. Amounts are quote
currency and exact; prices that are quotients are rounded half-even to 12 decimals, basis points and percents
to 4. ``null`` says that something it needs was not measured, and ``notes`` say what.
"""

from decimal import Decimal

from pydantic import Field

from twap_models.base import ResponseModel
from twap_models.enums import OrderStatus, Side, Strategy
from twap_models.fields import Figure, UtcDatetime
from twap_models.strategies import StrategyParameters

_ZERO = Decimal(0)


class Cost(ResponseModel):
    """One cost, as an amount and in basis points of the quantity valued at the decision price."""

    amount: Figure | None = Field(default=None, description="Quote currency, exact.")
    bps: Figure | None = Field(default=None, description="10000 · amount / (Q·P_d), to 4 decimals.")


class Costs(ResponseModel):
    """Implementation shortfall and its parts, which sum to it to the last digit (of the amounts)."""

    implementation_shortfall: Cost = Field(
        default=Cost(), description="s·(Σp·x − X·P_d) + s·(Q − X)·(P_e − P_d) + F"
    )
    delay: Cost = Field(default=Cost(), description="s·X·(P_a − P_d): before the first slice.")
    timing: Cost = Field(
        default=Cost(), description="s·Σ(mid − P_a)·x: the market moved until each slice was sent."
    )
    spread: Cost = Field(default=Cost(), description="s·Σ(touch − mid)·x, when each slice was sent.")
    latency: Cost = Field(
        default=Cost(amount=_ZERO, bps=_ZERO),
        description="s·Σ(touch when it arrived − touch when it was sent)·x: 0 where nothing takes time.",
    )
    depth: Cost = Field(default=Cost(), description="s·Σ(p − touch)·x: levels behind the best one.")
    opportunity: Cost = Field(default=Cost(), description="s·(Q − X)·(P_e − P_d): what was not filled.")
    fees: Cost = Field(default=Cost(), description="F")


class MarkOut(ResponseModel):
    """What the fills were worth some time later. Positive: the mid then stood worse than what was paid."""

    seconds: int = Field(description="After each fill.")
    fills: int = Field(description="How many were measured, at most one second late.")
    quantity: Figure = Field(description="Base currency of those.")
    amount: Figure | None = Field(
        default=None, description="s·Σ(p − mid later)·x, quote currency; null when none was measured."
    )
    bps: Figure | None = Field(default=None, description="Of those fills' notional.")


class Drift(ResponseModel):
    """Target less filled once each slice was done. Positive: behind the schedule."""

    slices: int
    max: Figure = Field(description="The largest in magnitude, base currency.")
    max_percent: Figure = Field(description="The same in percent of the quantity.")
    rms: Figure = Field(description="Root mean square over the slices, base currency, to 12 decimals.")
    rms_percent: Figure


class BookAge(ResponseModel):
    """Milliseconds since the book's last change when a slice met it; nearest rank over those slices."""

    slices: int
    p50: Figure
    p95: Figure


class ExchangeFigures(ResponseModel):
    """What was filled on one exchange."""

    exchange: str
    fills: int
    quantity: Figure = Field(description="Base currency.")
    notional: Figure = Field(description="Quote currency.")
    average_price: Figure
    fees: Figure
    share_percent: Figure = Field(description="Of all that was filled.")


class Counterfactual(ResponseModel):
    """The same quantity executed otherwise, measured by the same formula and the same prices."""

    filled_quantity: Figure
    notional: Figure
    average_price: Figure | None = None
    fees: Figure | None = None
    implementation_shortfall: Cost = Cost()
    difference: Cost = Field(
        default=Cost(), description="The order's shortfall less this one's. Positive: the order cost more."
    )


class Counterfactuals(ResponseModel):
    """Other ways to execute, on the same books; null where what it needs was not measured."""

    sweep: Counterfactual | None = Field(
        default=None, description="One order over everything at the start, through the displayed depth."
    )
    naive_twap: Counterfactual | None = Field(
        default=None, description="Equal slices, each whole at its best price, as if depth were endless."
    )
    vwap: Counterfactual | None = Field(default=None, description="Everything at the market's traded VWAP.")


class ExecutionReport(ResponseModel):
    """An order's execution report. Its fills are simulated, against recorded states of real books."""

    token_id: str = ""
    exchange: str = ""
    instrument: str | None = None
    side: Side = Side.BUY
    strategy: Strategy | str = Strategy.TWAP
    strategy_parameters: StrategyParameters | None = None
    status: OrderStatus = OrderStatus.ACCEPTED
    final: bool = Field(
        default=False,
        description="The order has ended; only mark-outs may still come, for 60 s. Else all is so far.",
    )
    quantity: Figure = Field(default=_ZERO, description="Q, of the last plan; base currency.")
    filled_quantity: Figure = Field(default=_ZERO, description="X, base currency.")
    average_price: Figure | None = Field(default=None, description="Σp·x/X, to 12 decimals.")
    notional: Figure = Field(default=_ZERO, description="Σp·x, quote currency.")
    fees: Figure = Field(default=_ZERO, description="F, quote currency.")
    fills: int = 0
    decision_price: Figure | None = Field(
        default=None, description="P_d: the mid at acceptance, else the first one measured after it."
    )
    decision_price_time: UtcDatetime | None = None
    arrival_price: Figure | None = Field(
        default=None, description="P_a: the first mid measured at or after the effective start."
    )
    arrival_price_time: UtcDatetime | None = None
    end_price: Figure | None = Field(
        default=None, description="P_e: the last mid up to the end; of an order at work the latest."
    )
    end_price_time: UtcDatetime | None = None
    costs: Costs = Costs()
    forecast_bps: Figure | None = Field(
        default=None,
        description="What spread, depth and fees were expected to be at acceptance, as a preview of that "
        "moment shows it; null: no book was live, nothing would fill, or an older server accepted the order.",
    )
    trading_bps: Figure | None = Field(
        default=None,
        description="What they came to: (spread + depth + fees)/(X·P_d) in basis points.",
    )
    arrival_slippage_bps: Figure | None = Field(
        default=None, description="s·(average − P_a)/P_a in basis points."
    )
    market_twap: Figure | None = Field(
        default=None, description="Time-weighted mid from the effective start to the end."
    )
    market_twap_coverage_percent: Figure = Field(
        default=_ZERO, description="Share of that time in which a mid was known."
    )
    market_twap_slippage_bps: Figure | None = Field(
        default=None, description="s·(average − market_twap)/market_twap in basis points."
    )
    traded_volume: Figure = Field(
        default=_ZERO, description="Base currency that others traded meanwhile, as far as it was received."
    )
    market_vwap: Figure | None = Field(default=None, description="Their notional over their volume.")
    market_vwap_slippage_bps: Figure | None = Field(
        default=None, description="s·(average − market_vwap)/market_vwap in basis points."
    )
    participation_percent: Figure | None = Field(
        default=None, description="100 · X / traded_volume; null without trades."
    )
    mark_outs: list[MarkOut] = []
    drift: Drift | None = None
    book_age_ms: BookAge | None = None
    slices_by_outcome: dict[str, int] = {}
    slices_by_reason: dict[str, int] = {}
    exchanges: list[ExchangeFigures] = []
    counterfactuals: Counterfactuals = Counterfactuals()
    sha256: str | None = Field(
        default=None,
        description="Digest of the order's terms, plans, decisions and fills, once it has ended: the same "
        "facts give the same digest. The documentation of reports says of which text.",
    )
    notes: list[str] = Field(default=[], description="What is missing or unusual, and why; in words.")
