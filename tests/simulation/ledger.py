"""A naive model of everything that was recorded, recomputed from the writes alone: I1, I2, I6, I7, I9, I10.

It is fed each transaction at the moment it takes effect in the database, and never asks the engine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction

from simulation.curves import most_by_slice
from simulation.violation import Violation
from twap_models.enums import Carry, OrderStatus, SliceOutcome
from twap_server.domain.orders.order import Fill, Order, OrderProgress, SliceResult
from twap_server.domain.orders.terms import OrderTerms, Plan
from twap_server.domain.orders.write import OrderWrite

_GRACE_NS = 5_000_000_000
_ENDED = frozenset(
    {OrderStatus.FILLED, OrderStatus.EXPIRED, OrderStatus.CANCELED, OrderStatus.FAILED, OrderStatus.REJECTED}
)


@dataclass(slots=True)
class Recorded:
    """One order as recorded."""

    terms: OrderTerms
    plan: Plan
    progress: OrderProgress
    slices: dict[int, SliceResult] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.progress.status not in _ENDED


class Ledger:
    """Every order ever recorded in this run."""

    def __init__(self, *, fee: Callable[[str], Decimal]) -> None:
        """Args: fee: an exchange's taker fee as a share of the notional."""
        self.orders: dict[str, Recorded] = {}
        self.by_token: dict[tuple[str, str], str] = {}
        self.open: dict[str, Recorded] = {}
        self.seqs: dict[str, int] = {}
        self.fill_ids: set[str] = set()
        self.fills = 0
        self.slices = 0
        self.events = 0
        self._fee = fee

    def take_in(self, write: OrderWrite) -> Recorded:
        """Check one write against all that came before, then keep it.

        Raises:
            Violation: it breaks an invariant.
        """
        order = write.order
        record = self._begin(order) if write.is_new else self._go_on(order)
        if {fill.slice_index for fill in write.fills} - {result.index for result in write.slices}:
            raise Violation("I2", f"{_name(order)}: a fill without its slice")
        for result in write.slices:
            self._take_slice(record, result, [f for f in write.fills if f.slice_index == result.index])
        record.progress = order.progress
        self._check_totals(order, record)
        self._take_events(write)
        if record.is_open:
            self.open[order.terms.order_id] = record
        else:
            self.open.pop(order.terms.order_id, None)
        return record

    def overdue(self, wall: int, *, up_ns: Callable[[str], int]) -> None:
        """I9: orders whose end passed while the engine was up.

        Args:
            wall: wall time now.
            up_ns: how long nothing has kept the engine from ending a user's orders.
        """
        for record in self.open.values():
            late, up = wall - record.plan.end, up_ns(record.terms.user_id)
            if min(late, up) > _GRACE_NS:
                raise Violation(
                    "I9",
                    f"{record.terms.token_id}: still {record.progress.status} "
                    f"{late / 1e9:.1f} s after its end, engine up for {up / 1e9:.1f} s",
                )

    def _begin(self, order: Order) -> Recorded:
        terms = order.terms
        key = (terms.user_id, terms.token_id)
        if key in self.by_token or terms.order_id in self.orders:
            raise Violation("I10", f"{_name(order)}: token or order id recorded twice")
        self.by_token[key] = terms.order_id
        record = self.orders[terms.order_id] = Recorded(terms, order.plan, order.progress)
        return record

    def _go_on(self, order: Order) -> Recorded:
        record = self.orders.get(order.terms.order_id)
        if record is None:
            raise Violation("I8", f"{_name(order)}: a change of an order that was never recorded")
        before = record.progress
        if not record.is_open:
            raise Violation("I9", f"{_name(order)}: was {before.status}, became {order.progress.status}")
        if order.progress.version != before.version + 1:
            raise Violation("I2", f"{_name(order)}: version {order.progress.version} after {before.version}")
        if order.progress.next_slice < before.next_slice:
            raise Violation("I2", f"{_name(order)}: slices went back")
        if order.terms != record.terms:
            raise Violation("I2", f"{_name(order)}: its terms changed")
        if order.plan.revision not in (record.plan.revision, record.plan.revision + 1):
            raise Violation("I2", f"{_name(order)}: revision {order.plan.revision}")
        if order.plan.revision == record.plan.revision and order.plan != record.plan:
            raise Violation("I2", f"{_name(order)}: its plan changed without a revision")
        record.plan = order.plan
        return record

    def _take_slice(self, record: Recorded, result: SliceResult, fills: Sequence[Fill]) -> None:
        name = record.terms.token_id
        if result.index in record.slices:
            raise Violation("I2", f"{name}: slice {result.index} has two outcomes")
        record.slices[result.index] = result
        self.slices += 1
        if result.outcome is not SliceOutcome.FILLED and result.reason is None:
            raise Violation("I2", f"{name}: slice {result.index} is {result.outcome} without a reason")
        if _sum(f.quantity for f in fills) != result.filled or result.filled > result.wanted:
            raise Violation("I1", f"{name}: slice {result.index} says {result.filled} of {result.wanted}")
        for fill in fills:
            self._take_fill(record, result, fill)
        self._check_curve(record, result)
        cap = record.terms.participation_cap
        if fills and cap is not None and result.filled * 100 > cap * (result.traded or 0):
            raise Violation("I4", f"{name}: slice {result.index} took more than its share of {result.traded}")
        if fills and record.progress.status is OrderStatus.PAUSED:
            raise Violation("I9", f"{name}: slice {result.index} filled while paused")

    def _take_fill(self, record: Recorded, result: SliceResult, fill: Fill) -> None:
        terms, plan, name = record.terms, record.plan, record.terms.token_id
        if fill.fill_id in self.fill_ids:
            raise Violation("I2", f"{name}: fill {fill.fill_id} recorded twice")
        self.fill_ids.add(fill.fill_id)
        self.fills += 1
        record.fills.append(fill)
        if fill.quantity <= 0 or fill.price <= 0:
            raise Violation("I1", f"{name}: a fill of {fill.quantity} at {fill.price}")
        if not terms.start <= fill.time <= plan.end:
            raise Violation("I6", f"{name}: filled at {fill.time}, outside {terms.start}..{plan.end}")
        if fill.book_time > fill.time:
            raise Violation("I6", f"{name}: filled at {fill.time}, before its book of {fill.book_time}")
        if plan.limit is not None and (fill.price - plan.limit) * terms.side.sign > 0:
            raise Violation("I4", f"{name}: {terms.side} at {fill.price}, limit {plan.limit}")
        with localcontext(prec=120):
            if fill.fee != fill.price * fill.quantity * self._fee(fill.exchange):
                raise Violation("I7", f"{name}: fee {fill.fee}")

    def _check_curve(self, record: Recorded, result: SliceResult) -> None:
        if record.terms.carry is Carry.LAST or not result.filled:
            return
        if Fraction(_sum(f.quantity for f in record.fills)) > most_by_slice(record, result.index):
            raise Violation("I1", f"{record.terms.token_id}: slice {result.index} filled past the curve")

    def _check_totals(self, order: Order, record: Recorded) -> None:
        progress, plan = order.progress, order.plan
        with localcontext(prec=120):
            filled = _sum(f.quantity for f in record.fills)
            notional = sum((f.price * f.quantity for f in record.fills), Decimal(0))
            fees = _sum(f.fee for f in record.fills)
            average = None if not filled else (notional / filled).quantize(Decimal("1e-12"))
        if not 0 <= filled <= plan.quantity:
            raise Violation("I1", f"{_name(order)}: filled {filled} of {plan.quantity}")
        if (filled, notional, fees) != (progress.filled, progress.notional, progress.fees):
            raise Violation("I7", f"{_name(order)}: totals are not the sums of the fills")
        if order.average_price != average:
            raise Violation("I7", f"{_name(order)}: average {order.average_price} instead of {average}")
        is_full = filled == plan.quantity
        if plan.slice_count and is_full != (progress.status is OrderStatus.FILLED):
            raise Violation("I7", f"{_name(order)}: {progress.status} with {filled} of {plan.quantity}")
        if (progress.status in _ENDED) != (progress.ended is not None):
            raise Violation("I9", f"{_name(order)}: {progress.status} ended at {progress.ended}")

    def _take_events(self, write: OrderWrite) -> None:
        user = write.order.terms.user_id
        for event in write.events:
            expected = self.seqs.get(user, 0) + 1
            if event.seq != expected:
                raise Violation("I15", f"{_name(write.order)}: event {event.seq} instead of {expected}")
            self.seqs[user] = event.seq
            self.events += 1
        if not write.events:
            raise Violation("I15", f"{_name(write.order)}: a change without an event")
        last = write.events[-1].order.progress
        if (last.status, last.filled) != (write.order.progress.status, write.order.progress.filled):
            raise Violation("I15", f"{_name(write.order)}: the last event is not the state")


def _sum(values: "object") -> Decimal:
    with localcontext(prec=120):
        return sum(values, Decimal(0))  # type: ignore[call-overload, no-any-return]


def _name(order: Order) -> str:
    return f"order {order.terms.token_id}"
