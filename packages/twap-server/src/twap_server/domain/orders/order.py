"""Describe a TWAP order: terms, plan, progress, slices, fills and events.

Every value here is frozen: a decision makes a new ``Order``, which replaces the old one only after it was
recorded. States and outcomes: contract section 3. The values are msgspec structs: each slice makes half a
dozen of them, and a frozen dataclass of the same fields takes ten times as long to make.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from twap_models.enums import FillState, OrderEventType, OrderStatus, SliceOutcome, SliceReason
from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.orders.schedule import Schedule, schedule_of
from twap_server.domain.orders.terms import OrderTerms, Plan


class OrderProgress(Struct, frozen=True, kw_only=True, gc=False):
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
    traded: Decimal = ZERO
    """What others traded since the order began, where its curve follows that; as far as it was measured."""
    version: int = 0
    """Rises by one with each recorded change; the store refuses a write over another version."""


class Fill(Struct, frozen=True, kw_only=True, gc=False):
    """One execution against one level."""

    fill_id: str
    slice_index: int
    time: Nanos
    exchange: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    """Quote currency."""
    book_seq: int = 0
    """Which state of that exchange's book was filled from."""
    book_time: Nanos = Nanos(0)
    """When that book's last change was received."""


def numbered(fills: Iterable[Fill]) -> Iterator[tuple[int, Fill]]:
    """Each fill with its number within its slice, from 0; ``fills`` in the order in which they happened."""
    number, before = 0, -1
    for fill in fills:
        number = number + 1 if fill.slice_index == before else 0
        before = fill.slice_index
        yield number, fill


class Sent(Struct, frozen=True, kw_only=True, gc=False):
    """What a slice saw when it was sent to the exchanges, where that takes time."""

    time: Nanos
    latency: int
    """Nanoseconds, as drawn."""
    mid: Decimal | None
    touch: Decimal | None
    """Best price on the side it takes."""


class SliceResult(Struct, frozen=True, kw_only=True, gc=False):
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
    target: Decimal = ZERO
    """Where the curve wanted the order to be once this slice was done."""
    mid: Decimal | None = None
    """Mid of the books it met; None when it met none."""
    touch: Decimal | None = None
    """Best price on the side it takes, at that moment."""
    touch_exchange: str = ""
    traded: Decimal | None = None
    """Traded since the slice before, where the order caps its participation or follows the volume."""
    book_time: Nanos | None = None
    """When the oldest of the books it met last changed."""
    sent: Sent | None = None
    """None where it met its books at the moment it was sent, or was not sent at all."""

    @property
    def decided_at(self) -> Nanos:
        """When it was decided; where that was not recorded, when it was due."""
        return self.decided or self.due

    @property
    def sent_at(self) -> Nanos:
        """When it was sent: where that took no time, when it was decided."""
        return self.decided_at if self.sent is None else self.sent.time

    @property
    def sent_mid(self) -> Decimal | None:
        """Mid when it was sent."""
        return self.mid if self.sent is None else self.sent.mid

    @property
    def sent_touch(self) -> Decimal | None:
        """Best price on the side it takes when it was sent."""
        return self.touch if self.sent is None else self.sent.touch


class Order(Struct, frozen=True, kw_only=True, gc=False, eq=False):
    """Terms, plan and progress of one order."""

    terms: OrderTerms
    plan: Plan
    progress: OrderProgress
    drawn: tuple[OrderTerms, Plan, Schedule] | None = None
    """The schedule as it was drawn last, and from what: later versions of the order take it over."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Order):
            return NotImplemented
        return (self.terms, self.plan, self.progress) == (other.terms, other.plan, other.progress)

    def __hash__(self) -> int:
        return hash((self.terms, self.plan, self.progress))

    def __repr__(self) -> str:
        return f"Order(terms={self.terms!r}, plan={self.plan!r}, progress={self.progress!r})"

    @property
    def schedule(self) -> Schedule:
        """When each slice is due and how much the curve wants by then."""
        terms, plan, drawn = self.terms, self.plan, self.drawn
        if drawn is not None and drawn[0] is terms and drawn[1] is plan:
            return drawn[2]
        seed = terms.seed if terms.randomize else b""
        made = schedule_of(plan, lot_size=terms.lot_size, randomize=terms.randomize, seed=seed)
        force_setattr(self, "drawn", (terms, plan, made))
        return made

    @property
    def status(self) -> OrderStatus:
        """State of the order."""
        return self.progress.status

    @property
    def remaining(self) -> Decimal:
        """Quantity not filled yet."""
        return exact.subtract(self.plan.quantity, self.progress.filled)

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

    def begun(self) -> Self:
        """The order, its first slice about to be decided.

        Raises:
            ValueError: it has already ended.
        """
        self._refuse_ended()
        return self._with(status=OrderStatus.WORKING)

    def after_slice(self, result: SliceResult, fills: tuple[Fill, ...]) -> Self:
        """The order with this slice's outcome: Filled when nothing remains, else Working or Paused.

        Raises:
            ValueError: the order has ended, the outcome would fill more than the quantity, or it is not the
                next slice's.
        """
        self._refuse_ended()
        before = self.progress
        filled, notional, fees = before.filled, before.notional, before.fees
        for fill in fills:
            filled = exact.add(filled, fill.quantity)
            notional = exact.add(notional, exact.multiply(fill.price, fill.quantity))
            fees = exact.add(fees, fill.fee)
        if filled > self.plan.quantity:
            raise ValueError(f"order {self.terms.order_id}: fills exceed the quantity")
        if result.index != before.next_slice:
            raise ValueError(f"order {self.terms.order_id}: slice {result.index} is not next")
        done = filled == self.plan.quantity
        going_on = OrderStatus.PAUSED if before.status is OrderStatus.PAUSED else OrderStatus.WORKING
        return self.at(
            OrderProgress(
                status=OrderStatus.FILLED if done else going_on,
                filled=filled,
                notional=notional,
                fees=fees,
                next_slice=result.index + 1,
                reason=before.reason,
                detail=before.detail,
                ended=result.decided if done else None,
                traded=self._traded_by(result),
                version=before.version + 1,
            )
        )

    def _traded_by(self, result: SliceResult) -> Decimal:
        before = self.progress.traded
        if result.traded is None or not self.schedule.follows_volume:
            return before
        return exact.add(before, result.traded)

    def ended_as(self, status: OrderStatus, *, reason: str, at: Nanos, detail: str = "") -> Self:
        """The order ended early or at its end, with what it has.

        Raises:
            ValueError: it has already ended: terminal is final.
        """
        self._refuse_ended()
        return self._with(status=status, reason=reason, detail=detail, ended=at)

    def paused(self) -> Self:
        """The order, not filling until resumed.

        Raises:
            ValueError: it has already ended.
        """
        self._refuse_ended()
        return self._with(status=OrderStatus.PAUSED)

    def resumed(self) -> Self:
        """The order, filling again: Working once a slice was decided, Accepted before.

        Raises:
            ValueError: it has already ended.
        """
        self._refuse_ended()
        has_begun = self.progress.next_slice > 0
        return self._with(status=OrderStatus.WORKING if has_begun else OrderStatus.ACCEPTED)

    def amended(self, plan: Plan, *, at: Nanos) -> Self:
        """The order under another plan; Filled at once when that leaves nothing to fill.

        Raises:
            ValueError: it has already ended, or more is filled than the plan's quantity.
        """
        self._refuse_ended()
        if plan.quantity < self.progress.filled:
            raise ValueError(f"order {self.terms.order_id}: more is filled than the amended quantity")
        changed = replace(self, plan=plan)
        if changed.remaining:
            return changed._with()
        return changed._with(status=OrderStatus.FILLED, ended=at)

    def at(self, progress: OrderProgress) -> Self:
        """The order, that far."""
        return type(self)(terms=self.terms, plan=self.plan, progress=progress, drawn=self.drawn)

    def _with(self, **changes: Any) -> Self:
        return self.at(replace(self.progress, version=self.progress.version + 1, **changes))

    def _refuse_ended(self) -> None:
        if not self.status.is_open:
            raise ValueError(f"order {self.terms.order_id} has already ended as {self.status}")


class OrderEvent(Struct, frozen=True, kw_only=True, gc=False):
    """Something that happened to an order; ``seq`` is gap-free per user, from 1."""

    seq: int
    type: OrderEventType
    time: Nanos
    order: Order
    """The order right after it happened."""
    slice: SliceResult | None = None
    fills: tuple[Fill, ...] = ()
