"""Define TWAP orders: what a user sends and what the server answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import AliasChoices, Field, model_validator
from pydantic_core import PydanticCustomError

from twap_models.base import RequestModel, ResponseModel
from twap_models.enums import (
    Carry,
    Fidelity,
    FillState,
    LateStart,
    OrderStatus,
    RejectReason,
    Side,
    SliceOutcome,
    Strategy,
    Urgency,
)
from twap_models.fields import (
    Amount,
    Duration,
    ExchangeName,
    Figure,
    KnownSliceReason,
    Moment,
    Number,
    Price,
    Quantity,
    SymbolText,
    TokenId,
    ToldPrice,
    ToldQuantity,
    UtcDatetime,
)
from twap_models.realism import OrderRealism, ProfileName, RealismChoice, RealismFigures
from twap_models.strategies import AUTO, PARAMETERS, Profile, StrategyParameters


def _wrong(field: str, message: str) -> PydanticCustomError:
    """An error of the whole that names the field to change."""
    return PydanticCustomError("value_error", "{message}", {"message": message, "field": field})


class TwapOrderRequest(RequestModel):
    """One TWAP order. Give ``end_time`` or ``duration``, and ``interval`` or ``slices``."""

    token_id: TokenId
    exchange: ExchangeName
    symbol: SymbolText
    side: Side = Side.BUY
    quantity: Quantity
    price: Price | None = Field(
        default=None,
        validation_alias=AliasChoices("price", "limit_price"),
        description="Limit: never buy above, never sell below. Absent: no limit.",
    )
    start_time: Moment | None = Field(default=None, description="Absent: now.")
    end_time: Moment | None = None
    duration: Duration | None = None
    interval: Duration | None = Field(
        default=None, description='Seconds between slices, or text such as "5m".'
    )
    slices: int | None = Field(default=None, ge=1, le=1_000_000)
    carry: Carry = Carry.CATCH_UP
    late_start: LateStart = LateStart.COMPRESS
    max_slippage_bps: Number | None = Field(
        default=None, description="Walk no further than this from the mid."
    )
    randomize: Number | None = Field(
        default=None,
        description="Percent, 0 to 50, by which size and time of a slice may move inside its bucket.",
    )
    participation_cap: Number | None = Field(
        default=None,
        description="Percent, up to 100: most that a slice takes of what was traded since the one before.",
    )
    fidelity: Fidelity = Fidelity.DEPTH
    realism: RealismChoice | None = Field(
        default=None,
        description="What a real order meets on its way: a profile (`ideal`, `local`, `remote`, `adverse`) "
        "or figures of its own. Absent: as the server's settings say.",
    )

    if TYPE_CHECKING:  # what is taken, for type checkers; the fields say what becomes of it

        def __init__(
            self,
            *,
            token_id: str,
            exchange: str,
            symbol: str,
            quantity: Amount,
            side: Side | str = ...,
            price: Amount | None = ...,
            limit_price: Amount | None = ...,
            start_time: datetime | str | None = ...,
            end_time: datetime | str | None = ...,
            duration: timedelta | Amount | None = ...,
            interval: timedelta | Amount | None = ...,
            slices: int | None = ...,
            carry: Carry | str = ...,
            late_start: LateStart | str = ...,
            max_slippage_bps: Amount | None = ...,
            randomize: Amount | None = ...,
            participation_cap: Amount | None = ...,
            fidelity: Fidelity | str = ...,
            realism: ProfileName | RealismFigures | Mapping[str, Any] | None = ...,
        ) -> None: ...

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.end_time is not None and self.duration is not None:
            raise _wrong("duration", "give end_time or duration, not both")
        if self.end_time is None and self.duration is None:
            raise _wrong("end_time", "end_time or duration is missing")
        if self.interval is not None and self.slices is not None:
            raise _wrong("slices", "give interval or slices, not both")
        if self.interval is None and self.slices is None:
            raise _wrong("interval", "interval or slices is missing")
        return self


class StrategyOrderRequest(TwapOrderRequest):
    """One order that is spread by any strategy: the same fields, and the parameters of that strategy."""

    strategy: Strategy = Strategy.TWAP
    volume_profile: Profile | None = Field(
        default=None,
        description="vwap: `auto` (default), the market's usual volume by time of day; or weights of equal "
        "parts of the window.",
    )
    volume_days: int | None = Field(
        default=None, ge=1, le=30, description="vwap, `auto`: days of closed candles; default 14."
    )
    risk_aversion: Number | None = Field(
        default=None, description="is: λ per quote currency; needs a live book and closed candles."
    )
    half_life: Duration | None = Field(
        default=None, description="is: 1/κ; after it 37 % of the order is left, of a long window."
    )
    urgency: Urgency | None = Field(
        default=None, description="is: the window has 1, 3 or 6 half-lives; default `medium`."
    )
    volatility: Number | None = Field(
        default=None, description="is: σ, percent a day; absent: from closed candles."
    )
    temporary_impact: Number | None = Field(
        default=None,
        description="is: η, quote currency per base currency a second; absent: from the live book.",
    )
    permanent_impact: Number | None = Field(
        default=None,
        description="is: γ, quote currency per base currency; absent: from spread and a day's volume.",
    )
    participation: Number | None = Field(
        default=None, description="pov: percent of all that is traded, ours included."
    )

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            token_id: str,
            exchange: str,
            symbol: str,
            quantity: Amount,
            side: Side | str = ...,
            price: Amount | None = ...,
            limit_price: Amount | None = ...,
            start_time: datetime | str | None = ...,
            end_time: datetime | str | None = ...,
            duration: timedelta | Amount | None = ...,
            interval: timedelta | Amount | None = ...,
            slices: int | None = ...,
            carry: Carry | str = ...,
            late_start: LateStart | str = ...,
            max_slippage_bps: Amount | None = ...,
            randomize: Amount | None = ...,
            participation_cap: Amount | None = ...,
            fidelity: Fidelity | str = ...,
            realism: ProfileName | RealismFigures | Mapping[str, Any] | None = ...,
            strategy: Strategy | str = ...,
            volume_profile: Sequence[Amount] | Literal["auto"] | None = ...,
            volume_days: int | None = ...,
            risk_aversion: Amount | None = ...,
            half_life: timedelta | Amount | None = ...,
            urgency: Urgency | str | None = ...,
            volatility: Amount | None = ...,
            temporary_impact: Amount | None = ...,
            permanent_impact: Amount | None = ...,
            participation: Amount | None = ...,
        ) -> None: ...

    @model_validator(mode="after")
    def _parameters_of_the_strategy(self) -> Self:
        for name, owner in _OWNERS.items():
            if owner is not self.strategy and getattr(self, name) is not None:
                raise _wrong(name, f"{name} belongs to strategy {owner}, this order has {self.strategy}")
        if self.strategy is Strategy.POV and self.participation is None:
            raise _wrong("participation", "participation is missing: strategy pov needs it, in percent")
        for name in ("temporary_impact", "permanent_impact"):
            if getattr(self, name) is not None and self.risk_aversion is None:
                raise _wrong(name, f"{name} goes with risk_aversion: without it nothing depends on it")
        chosen = [name for name in _EITHER if getattr(self, name) is not None]
        if len(chosen) > 1:
            raise _wrong(chosen[1], f"give one of {', '.join(_EITHER)}, not {' and '.join(chosen)}")
        if self.volume_days is not None and self.volume_profile not in (None, AUTO):
            raise _wrong("volume_days", "volume_days goes with volume_profile auto, not with weights")
        return self


_OWNERS = {name: owner for owner, names in PARAMETERS.items() for name in names}
"""Which strategy a parameter belongs to."""
_EITHER = ("risk_aversion", "half_life", "urgency")
"""What says how fast an ``is`` order trades."""


class TwapOrderAmendment(RequestModel):
    """What to change of an open order; at least one field. ``price: null`` takes the limit away."""

    quantity: Quantity | None = Field(default=None, description="The new total, at least what is filled.")
    price: Price | None = Field(default=None, validation_alias=AliasChoices("price", "limit_price"))
    end_time: Moment | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            quantity: Amount | None = ...,
            price: Amount | None = ...,
            limit_price: Amount | None = ...,
            end_time: datetime | str | None = ...,
        ) -> None: ...

    @model_validator(mode="after")
    def _something(self) -> Self:
        if "price" not in self.model_fields_set and self.quantity is None and self.end_time is None:
            raise _wrong("quantity", "nothing to change: give quantity, price or end_time")
        return self


class Slice(ResponseModel):
    """One due part of an order."""

    index: int
    due_time: UtcDatetime
    outcome: SliceOutcome
    reason: KnownSliceReason | None = None
    wanted_quantity: Figure
    filled_quantity: Figure
    average_price: ToldPrice | None = None


class Fill(ResponseModel):
    """One execution against one level of one exchange's book."""

    fill_id: str
    slice: int
    time: UtcDatetime
    exchange: str
    price: ToldPrice
    quantity: ToldQuantity
    fee: Figure = Field(description="Quote currency.")


class TwapOrder(ResponseModel):
    """An order as lists show it."""

    token_id: str
    symbol: str = Field(description="As the caller sent it.")
    side: Side
    quantity: ToldQuantity
    limit_price: ToldPrice | None = None
    status: OrderStatus
    creation_time: UtcDatetime
    instrument: str | None = Field(
        default=None, description="Canonical symbol; absent when it was not recognised."
    )
    exchange: str
    order_id: str
    start_time: UtcDatetime | None = None
    end_time: UtcDatetime | None = None
    interval: Duration | None = None
    slice_count: int = 0
    revision: int = Field(default=1, description="Rises with each amendment: what If-Match names.")
    filled_quantity: Figure = Decimal(0)
    remaining_quantity: Figure = Decimal(0)
    average_price: ToldPrice | None = Field(
        default=None, description="Σpq/Σq, rounded half-even to 12 decimals."
    )
    fill_state: FillState = FillState.NONE
    reason: RejectReason | str | None = Field(default=None, description="Why it was rejected or ended.")
    detail: str = Field(default="", description="The reason in words: field, value, what was expected.")
    warnings: list[str] = []
    strategy: Strategy | str = Strategy.TWAP
    strategy_parameters: StrategyParameters | None = Field(
        default=None, description="As they were asked for; null where the strategy has none."
    )
    realism: str | OrderRealism = Field(
        default="ideal", description="The profile it was accepted under, or its own figures."
    )

    @property
    def progress(self) -> Decimal:
        """Filled share of the quantity, 0 to 1."""
        return self.filled_quantity / self.quantity if self.quantity else Decimal(0)


class TwapOrderDetail(TwapOrder):
    """An order with its slices and fills: all of them, or a page. Its execution report has its own route."""

    slices: list[Slice] = []
    fills: list[Fill] = []
