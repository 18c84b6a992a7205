"""Measure how closely an order kept to its schedule, how its slices ended, and how old its books were."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from twap_models.enums import SliceOutcome, SliceReason
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND
from twap_server.domain.exact import ZERO
from twap_server.domain.orders.order import SliceResult
from twap_server.domain.orders.record import OrderRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Target less filled after each slice: positive is behind. Percent of the order's quantity."""

    slices: int
    max: Decimal
    """The largest in magnitude, with its sign; base currency."""
    max_percent: Decimal
    rms: Decimal
    """Root mean square, base currency, rounded to 12 decimals."""
    rms_percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookAge:
    """Milliseconds since the book that a slice met had last changed, nearest rank."""

    slices: int
    p50: Decimal
    p95: Decimal


def drift(record: OrderRecord) -> Drift | None:
    """How far the order was from its curve; None before the first slice, or without recorded targets."""
    if not any(one.target for one in record.slices):
        return None
    filled, found = ZERO, list[Decimal]()
    for one in record.slices:
        filled = exact.add(filled, one.filled)
        found.append(exact.subtract(one.target, filled))
    quantity = record.order.plan.quantity
    largest, rms = max(found, key=Decimal.copy_abs), exact.root_mean_square(found)
    return Drift(
        slices=len(found),
        max=largest,
        max_percent=exact.percent(largest, quantity),
        rms=rms,
        rms_percent=exact.percent(rms, quantity),
    )


def by_outcome(record: OrderRecord) -> dict[str, int]:
    """Slices by outcome; those without one are ``pending``, or ``canceled`` once the order has ended."""
    counts = Counter(one.outcome.value for one in record.slices)
    left = SliceOutcome.PENDING if record.order.status.is_open else SliceOutcome.CANCELED
    counts[left.value] += _without_outcome(record)
    return {name: count for name, count in counts.items() if count}


def by_reason(record: OrderRecord) -> dict[str, int]:
    """Slices by reason; those that simply filled, and those to come, have none."""
    counts = Counter(one.reason.value for one in record.slices if one.reason is not None)
    if not record.order.status.is_open:
        counts[SliceReason.CANCELED.value] += _without_outcome(record)
    return {name: count for name, count in counts.items() if count}


def book_age(slices: Sequence[SliceResult]) -> BookAge | None:
    """Median and 95th percentile over the slices that met a book; None when none did."""
    ages = sorted(
        one.decided - one.book_time for one in slices if one.decided is not None and one.book_time is not None
    )
    if not ages:
        return None
    return BookAge(slices=len(ages), p50=_rank(ages, 50), p95=_rank(ages, 95))


def _rank(ages: Sequence[int], percentile: int) -> Decimal:
    nanos = ages[-(-len(ages) * percentile // 100) - 1]
    return exact.ratio(Decimal(nanos), Decimal(MILLISECOND))


def _without_outcome(record: OrderRecord) -> int:
    return max(0, record.order.plan.slice_count - record.order.progress.next_slice)
