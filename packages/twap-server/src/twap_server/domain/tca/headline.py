"""Choose the figures of an execution report that are kept once an order has closed, and shown in lists.

They do not change any more once the last sample of the order's market is recorded: ``SETTLED_AFTER`` its end.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from twap_models.enums import Side
from twap_server.domain import exact
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.sample import MARK_OUTS
from twap_server.domain.tca.benchmarks import benchmarks
from twap_server.domain.tca.prices import mids_of, prices
from twap_server.domain.tca.report import execution_of
from twap_server.domain.tca.shortfall import costs

SETTLED_AFTER: Final = (max(MARK_OUTS) + 30) * SECOND
"""The last mark-out is measured by then, and recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFigures:
    """Of a closed order; quote currency, positive is a cost. None: what it needs was not measured."""

    decision_price: Decimal | None
    arrival_price: Decimal | None
    shortfall: Decimal | None
    delay: Decimal | None
    timing: Decimal | None
    spread: Decimal | None
    latency: Decimal | None
    depth: Decimal | None
    opportunity: Decimal | None
    reference: Decimal | None
    """The quantity valued at the decision price: what basis points are basis points of."""
    slippage_bps: Decimal | None
    """Of the average price against the arrival price."""
    twap_slippage_bps: Decimal | None
    vwap_slippage_bps: Decimal | None
    participation_percent: Decimal | None

    def bps(self, amount: Decimal | None) -> Decimal | None:
        """An amount in basis points, as the report gives it."""
        return in_bps(amount, self.reference)


def in_bps(amount: Decimal | None, reference: Decimal | None) -> Decimal | None:
    """An amount in basis points of the reference; None where there is none."""
    return None if amount is None or not reference else exact.basis_points(amount, reference)


def figures_of(record: OrderRecord) -> CostFigures:
    """Compute them, as the report does; what else it has is left out."""
    order, mids = record.order, mids_of(record)
    priced = prices(order, mids)
    cost = costs(execution_of(order), record, priced)
    market = benchmarks(record, mids, priced)
    return CostFigures(
        decision_price=priced.decision.value if priced.decision else None,
        arrival_price=priced.arrival.value if priced.arrival else None,
        shortfall=cost.implementation_shortfall,
        delay=cost.delay,
        timing=cost.timing,
        spread=cost.spread,
        latency=cost.latency,
        depth=cost.depth,
        opportunity=cost.opportunity,
        reference=cost.reference,
        slippage_bps=market.arrival_slippage_bps,
        twap_slippage_bps=market.market_twap_slippage_bps,
        vwap_slippage_bps=market.market_vwap_slippage_bps,
        participation_percent=market.participation_percent,
    )


def is_settled(ended: Nanos, now: Nanos) -> bool:
    """Whether the figures of an order that ended then change no more."""
    return now >= ended + SETTLED_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFilter:
    """Which of a user's closed orders are wanted; None: any. Rejected ones never began: never them."""

    exchange: str | None = None
    symbols: Collection[str] | None = None
    """Canonical."""
    side: Side | None = None
    start: Nanos | None = None
    """Ended then or later."""
    end: Nanos | None = None
    """Ended before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedOrder:
    """A closed order, and its figures where they are kept."""

    order: Order
    figures: CostFigures | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """A closed order whose figures are not kept yet."""

    order_id: str
    token_id: str
    slices: int
    """How many have ended."""
    ended: Nanos
