"""A TWAP order: its terms (fixed when accepted), its progress, its slices, fills and events.

Every value here is frozen: a decision makes a new ``Order``, which replaces the old one only after it was
recorded. States and outcomes: contract section 3.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

from twap_models.enums import (
    Carry,
    Fidelity,
    FillState,
    LateStart,
    OrderEventType,
    OrderStatus,
    RejectReason,
    Side,
    SliceOutcome,
    SliceReason,
)
from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.instrument import InstrumentId
from twap_server.domain.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What a user asks for, before any rule was checked. Times are already absolute."""

    token_id: str
    exchange: str
    symbol: str
    """As the caller spelled it."""
    side: Side
    quantity: Decimal
    limit: Decimal | None
    start: Nanos | None
    """None means now."""
    end: Nanos
    interval: int | None
    """Nanoseconds between slices; exactly one of ``interval`` and ``slices`` is given."""
    slices: int | None
    carry: Carry
    late_start: LateStart
    max_slippage_bps: Decimal | None
    fidelity: Fidelity
    unsupported: str = ""
    """Name of an option of the contract that this version refuses; empty when none was used."""
    fingerprint: str = ""
    """Digest of the body after defaults and normalisation: tells a repeat from another order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """What was accepted (or rejected); never changes afterwards."""

    order_id: str
    user_id: str
    token_id: str
    fingerprint: str
    exchange: str
    symbol: str
    """As the caller spelled it."""
    instrument: InstrumentId | None
    """None when the symbol was not recognised."""
    side: Side
    quantity: Decimal
    limit: Decimal | None
    created: Nanos
    start: Nanos
    """Effective start."""
    end: Nanos
    interval: int
    """Nanoseconds between slices."""
    slice_count: int
    carry: Carry
    max_slippage_bps: Decimal | None
    fidelity: Fidelity
    lot_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    warnings: tuple[str, ...] = ()
    arrival_price: Decimal | None = None
    """Mid of the live book when the order was accepted."""

    @property
    def schedule(self) -> Schedule:
        """When each slice is due and how much the curve wants by then."""
        return Schedule(
            quantity=self.quantity,
            lot_size=self.lot_size,
            start=self.start,
            end=self.end,
            interval=self.interval,
            count=self.slice_count,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderProgress:
    """What has happened so far; replaced as a whole by each recorded decision."""

    status: OrderStatus
    filled: Decimal = ZERO
    notional: Decimal = ZERO
    """Σ price × quantity of the fills, exact, in quote currency."""
    fees: Decimal = ZERO
    next_slice: int = 0
    """Index of the first slice without an outcome."""
    reason: str = ""
    """RejectReason, or why it ended (``end_reached``, ``canceled_by_user``…)."""
    detail: str = ""
    ended: Nanos | None = None
    version: int = 0
    """Rises by one with each recorded change; the store refuses a write over another version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution against one level."""

    fill_id: str
    slice_index: int
    time: Nanos
    exchange: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    """Quote currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceResult:
    """How one slice ended."""

    index: int
    due: Nanos
    outcome: SliceOutcome
    reason: SliceReason | None
    wanted: Decimal
    filled: Decimal = ZERO
    notional: Decimal = ZERO
    decided: Nanos | None = None
    """When the outcome was decided."""
    mid: Decimal | None = None
    """Mid of the book it met; None when it met none."""
    book_seq: int = 0
    book_time: Nanos | None = None
    """When the book's last change was received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Terms and progress of one order."""

    terms: OrderTerms
    progress: OrderProgress

    @property
    def status(self) -> OrderStatus:
        """State of the order."""
        return self.progress.status

    @property
    def remaining(self) -> Decimal:
        """Quantity not filled yet."""
        return exact.subtract(self.terms.quantity, self.progress.filled)

    @property
    def average_price(self) -> Decimal | None:
        """Σpq/Σq rounded half-even to 12 decimals; None without fills."""
        if not self.progress.filled:
            return None
        return exact.ratio(self.progress.notional, self.progress.filled)

    @property
    def fill_state(self) -> FillState:
        """None, partial or full, whatever the status says."""
        if not self.progress.filled:
            return FillState.NONE
        return FillState.PARTIAL if self.remaining else FillState.FULL

    def after_slice(self, result: SliceResult, fills: tuple[Fill, ...]) -> Self:
        """The order once this slice's outcome is recorded; Filled when nothing remains, Working otherwise.

        Raises:
            ValueError: the outcome would fill more than the quantity, or is not the next slice's.
        """
        before = self.progress
        filled = exact.add(before.filled, exact.total(fill.quantity for fill in fills))
        if filled > self.terms.quantity:
            raise ValueError(f"order {self.terms.order_id}: fills exceed the quantity")
        if result.index != before.next_slice:
            raise ValueError(f"order {self.terms.order_id}: slice {result.index} is not next")
        notional = exact.total([before.notional, *(exact.multiply(f.price, f.quantity) for f in fills)])
        done = filled == self.terms.quantity
        return replace(
            self,
            progress=replace(
                before,
                status=OrderStatus.FILLED if done else OrderStatus.WORKING,
                filled=filled,
                notional=notional,
                fees=exact.total([before.fees, *(fill.fee for fill in fills)]),
                next_slice=result.index + 1,
                ended=result.decided if done else None,
                version=before.version + 1,
            ),
        )

    def ended_as(self, status: OrderStatus, *, reason: str, at: Nanos, detail: str = "") -> Self:
        """The order ended early or at its end, with what it has.

        Raises:
            ValueError: it has already ended: terminal is final.
        """
        if not self.status.is_open:
            raise ValueError(f"order {self.terms.order_id} has already ended as {self.status}")
        return replace(
            self,
            progress=replace(
                self.progress,
                status=status,
                reason=reason,
                detail=detail,
                ended=at,
                version=self.progress.version + 1,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """Something that happened to an order; ``seq`` is gap-free per user, from 1."""

    seq: int
    type: OrderEventType
    time: Nanos
    order: Order
    """The order right after it happened."""
    slice: SliceResult | None = None
    fills: tuple[Fill, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why a request is not accepted: names the field, the value, the rule and what would do."""

    reason: RejectReason
    detail: str
