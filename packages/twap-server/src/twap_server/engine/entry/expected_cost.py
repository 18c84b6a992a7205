"""Say what an order is expected to cost on the books of one moment.

In: the order's terms, its plan, those books. Out: an estimate, or None where no book of it is live. A
preview shows all of it; with an order that is accepted its basis points are recorded.
"""

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from twap_models.enums import Carry, Fidelity, Side
from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import FINE, ZERO
from twap_server.domain.execution.matching import PriceBounds, slippage_bound
from twap_server.domain.execution.pre_trade_cost import (
    BudgetSpent,
    Estimate,
    Moment,
    WalkBudget,
    all_slices,
    estimate,
)
from twap_server.domain.orders.schedule import Schedule, schedule_of
from twap_server.domain.orders.strategies import BookFacts, CurveWindow
from twap_server.domain.orders.terms import OrderRequest, OrderTerms, Plan
from twap_server.engine.market.snapshot import Quotes


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCost:
    """Expected cost against the live books of one moment."""

    mid: Decimal
    touch: Decimal
    book_time: Nanos | None
    """When the oldest of the books last changed."""
    slices: Estimate
    sweep: Estimate


def expected_cost(
    terms: OrderRequest | OrderTerms,
    schedule: Schedule,
    quotes: Quotes,
    *,
    limit: Decimal | None,
    elapsed: int,
) -> ExpectedCost | None:
    """What the slices of a schedule would cost, and all of it at once.

    Args:
        terms: of the order, asked for or accepted.
        schedule: of its plan.
        quotes: the books.
        limit: of its plan.
        elapsed: slices that were over when it came: with ``carry=skip`` they are missed, and cost nothing.
    """
    moment = quotes.moment(terms.side)
    if moment is None:
        return None
    bounds = _bounds(terms, moment, limit)
    return ExpectedCost(
        mid=moment.mid,
        touch=moment.touch,
        book_time=quotes.book_time,
        slices=all_slices(schedule, moment, bounds, terms.fidelity, skipped=_skipped(terms, elapsed)),
        sweep=estimate(schedule.quantity, moment, bounds, terms.fidelity),
    )


def forecast_bps(
    request: OrderRequest,
    plan: Plan,
    quotes: Quotes,
    *,
    lot_size: Decimal,
    elapsed: int,
    budget: WalkBudget,
) -> Decimal | None:
    """What a preview of this moment would show as the cost of the slices, in basis points.

    It is measured against the mid of these books: spread, depth and fees of what the slices would fill, over
    that quantity valued at the mid. None: no book is live, nothing would fill, or
    the budget is spent. It walks the books once, however many slices, and waits for nothing;
    whatever number a book takes it can calculate with.
    """
    moment = quotes.moment(request.side)
    if moment is None:
        return None
    schedule = schedule_of(plan, lot_size=lot_size, randomize=ZERO, seed=b"")
    bounds = _bounds(request, moment, plan.limit)
    skipped = _skipped(request, elapsed)
    with suppress(BudgetSpent):
        slices = all_slices(schedule, moment, bounds, request.fidelity, skipped=skipped, budget=budget)
        return slices.total_bps
    return None


def book_facts(quotes: Quotes, side: Side, window: CurveWindow) -> BookFacts | None:
    """What the books of a moment say of an order's impact; None where none is live.

    A mean slice is walked through the displayed depth, whatever the order's limit.
    """
    moment = quotes.moment(side)
    if moment is None:
        return None
    mean = FINE.divide(window.quantity, Decimal(window.slices))
    walked = estimate(mean, moment, PriceBounds(side=side), Fidelity.DEPTH)
    beyond = FINE.divide(walked.depth, walked.filled) if walked.filled else ZERO
    return BookFacts(
        mid=moment.mid, half_spread=abs(exact.subtract(moment.touch, moment.mid)), depth_cost=beyond
    )


def _bounds(terms: OrderRequest | OrderTerms, moment: Moment, limit: Decimal | None) -> PriceBounds:
    cap = slippage_bound(terms.side, moment.mid, terms.max_slippage_bps)
    return PriceBounds(side=terms.side, limit=limit, cap=cap)


def _skipped(terms: OrderRequest | OrderTerms, elapsed: int) -> int:
    return elapsed if terms.carry is Carry.SKIP else 0
