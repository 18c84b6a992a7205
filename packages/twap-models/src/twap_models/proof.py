"""Define what an order's decisions can be recomputed from, beside a recording of the market.

Moments and lengths of time are whole nanoseconds, moments since the Unix epoch: names end in ``_ns``.
"""

from pydantic import Field

from twap_models.base import ResponseModel
from twap_models.enums import Carry, Fidelity, OrderStatus, Side, SliceOutcome, Strategy
from twap_models.fields import Figure, KnownSliceReason
from twap_models.realism import OrderRealism


class ProofMarket(ResponseModel):
    """A market that the order may fill on, with its rules as they were when the order was accepted."""

    exchange: str
    symbol: str = Field(description="Canonical.")
    tick_size: Figure
    price_digits: int
    whole_prices: bool
    lot_size: Figure
    min_quantity: Figure
    min_notional: Figure
    fee: Figure = Field(description="Taker fee, as a share of the notional.")


class ProofCurve(ResponseModel):
    """What a plan's quantity is spread by; what its kind does not need is absent."""

    kind: str = Field(description="linear, at_once, volume_profile, decay or participation.")
    anchor_ns: int | None = Field(default=None, description="Of a volume_profile: when a period begins.")
    period_ns: int | None = Field(default=None, description="That its weights cover.")
    weights: list[int] | None = Field(default=None, description="Of equal parts of the period.")
    kappa: Figure | None = Field(default=None, description="Of a decay, a second.")
    percent: Figure | None = Field(default=None, description="Of a participation.")


class ProofPlan(ResponseModel):
    """One revision of the plan."""

    revision: int
    from_slice: int = Field(description="The first slice that was decided under it.")
    quantity: Figure
    limit_price: Figure | None = None
    start_ns: int
    end_ns: int
    interval_ns: int
    slice_count: int
    first: int = Field(description="The slice that is due at its start.")
    base: Figure = Field(description="Filled when it was made.")
    step: Figure = Field(description="What the curve wants comes in multiples of this; 0: of the lot.")
    curve: ProofCurve


class ProofSent(ResponseModel):
    """What a slice saw when it was sent, where that takes time."""

    time_ns: int
    latency_ns: int
    mid: Figure | None = None
    touch: Figure | None = None


class ProofSlice(ResponseModel):
    """What was decided of one slice, and what of the market went into it."""

    seq: int = Field(description="Of the event: your decisions were made in this order.")
    index: int
    due_ns: int
    decided_ns: int | None = None
    outcome: SliceOutcome
    reason: KnownSliceReason | None = None
    wanted_quantity: Figure
    filled_quantity: Figure
    notional: Figure
    target_quantity: Figure
    mid: Figure | None = None
    touch: Figure | None = None
    touch_exchange: str = ""
    traded_volume: Figure | None = None
    book_time_ns: int | None = Field(default=None, description="When the oldest book it met last changed.")
    sent: ProofSent | None = Field(default=None, description="Absent: it met its books when it was decided.")


class ProofFill(ResponseModel):
    """One fill."""

    slice: int
    number: int = Field(description="Within its slice, from 0.")
    exchange: str
    price: Figure
    quantity: Figure
    fee: Figure
    book_seq: int = Field(description="The number of the book's state, counted anew by each run of a server.")
    book_time_ns: int


class ProofTaken(ResponseModel):
    """What another order of yours took from a level of the same side within the memory of own impact."""

    seq: int
    time_ns: int
    exchange: str
    symbol: str
    price: Figure
    quantity: Figure
    book_time_ns: int | None = Field(default=None, description="When the book it took from last changed.")


class ProofSettings(ResponseModel):
    """The server's settings that decisions depend on, as they are now."""

    impact_half_life_ns: int
    max_book_age_ns: int
    max_book_wait_ns: int
    max_leg_spread: Figure


class OrderProof(ResponseModel):
    """All that ``twap-server verify`` needs beside the recording."""

    format: int = Field(description="1; another number means other fields.")
    token_id: str
    order_id: str
    user_id: str
    exchange: str
    instrument: str | None = None
    side: Side
    strategy: Strategy
    status: OrderStatus
    carry: Carry
    fidelity: Fidelity
    max_slippage_bps: Figure | None = None
    randomize: Figure
    participation_cap: Figure | None = None
    realism: str | OrderRealism = "ideal"
    lot_size: Figure
    created_ns: int
    start_ns: int
    filled_quantity: Figure
    notional: Figure
    fees: Figure
    markets: list[ProofMarket]
    plans: list[ProofPlan]
    slices: list[ProofSlice] = Field(description="Those that have ended, in order.")
    fills: list[ProofFill]
    taken: list[ProofTaken] = Field(description="Beside this order, in the order of their seq.")
    settings: ProofSettings
    sha256: str | None = Field(default=None, description="As the execution report says; null at work.")
