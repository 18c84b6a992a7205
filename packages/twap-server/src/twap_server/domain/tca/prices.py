"""Collect the mids during an order, and the three of them from which its costs are measured.

A mid was measured by every sample, and by every slice that met a book. Between two measurements the earlier
one stands, but not for ever: where measuring stopped (a restart, say) nothing is known.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from twap_server.domain import exact
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.record import OrderRecord

_LEAST_HOLD = 3 * SECOND
_LATE = 5 * SECOND
_HOLDS = 100
"""A mid stands at most a hundredth of the window: three periods of the samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A mid and when it was measured; None says that no book could be trusted then."""

    time: Nanos
    mid: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A price and when it was."""

    time: Nanos
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What the costs are measured from; None where it was never measured."""

    decision: Price | None
    """``P_d``: the mid at acceptance, else the first one measured after it."""
    arrival: Price | None
    """``P_a``: the first mid measured at or after the effective start."""
    end: Price | None
    """``P_e``: the last mid measured up to the order's end; for an order at work the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWeighted:
    """A time-weighted mid, as a quotient: exact until somebody rounds it."""

    area: Decimal
    """Σ mid × nanoseconds it stood."""
    covered: Decimal
    """Nanoseconds with a mid, above 0."""
    whole: Decimal
    """Nanoseconds of the interval."""


def mids_of(record: OrderRecord) -> tuple[Measured, ...]:
    """Every measurement, in time order."""
    found = [Measured(time=sample.time, mid=sample.mid) for sample in record.samples]
    found += [
        Measured(time=one.decided, mid=one.mid)
        for one in record.slices
        if one.decided is not None and one.touch is not None
    ]
    return tuple(sorted(found, key=lambda one: one.time))


def prices(order: Order, mids: Sequence[Measured]) -> Prices:
    """Choose the three prices."""
    terms = order.terms
    decision = (
        Price(time=terms.created, value=terms.decision_price)
        if terms.decision_price is not None
        else first_at(mids, terms.created)
    )
    return Prices(
        decision=decision, arrival=first_at(mids, terms.start), end=_last_until(mids, end_of(order))
    )


def end_of(order: Order) -> Nanos | None:
    """Up to when measurements count: when it ended, but soon after its plan's end; None while at work.

    Whoever notes the end comes a little late (and a lot late, when the server was down).
    """
    if order.status.is_open:
        return None
    latest = Nanos(order.plan.end + _LATE)
    ended = order.progress.ended
    return latest if ended is None else min(ended, latest)


def first_at(mids: Sequence[Measured], moment: int, *, within: int | None = None) -> Price | None:
    """The first mid measured at or after ``moment``, at most ``within`` nanoseconds later."""
    for at in range(bisect_left(mids, moment, key=_time_of), len(mids)):
        one = mids[at]
        if within is not None and one.time > moment + within:
            return None
        if one.mid is not None:
            return Price(time=one.time, value=one.mid)
    return None


def longest_hold(order: Order) -> int:
    """For how many nanoseconds a mid stands when no other follows."""
    return max(_LEAST_HOLD, (order.plan.end - order.terms.start) // _HOLDS)


def time_weighted(order: Order, mids: Sequence[Measured]) -> TimeWeighted | None:
    """The time-weighted mid from the effective start to the end, as far as it is covered; None without."""
    start, end = order.terms.start, end_of(order)
    until = min(order.plan.end, end if end is not None else mids[-1].time if mids else start)
    longest = longest_hold(order)
    area, covered = exact.ZERO, 0
    for one, following in pairwise([*mids, Measured(time=until, mid=None)]):
        held = min(following.time, until, one.time + longest) - max(one.time, start)
        if one.mid is not None and held > 0:
            area = exact.add(area, exact.multiply(one.mid, Decimal(held)))
            covered += held
    if not covered:
        return None
    return TimeWeighted(area=area, covered=Decimal(covered), whole=Decimal(until - start))


def _time_of(one: Measured) -> int:
    return one.time


def _last_until(mids: Sequence[Measured], end: Nanos | None) -> Price | None:
    for one in reversed(mids):
        if one.mid is not None and (end is None or one.time <= end):
            return Price(time=one.time, value=one.mid)
    return None
