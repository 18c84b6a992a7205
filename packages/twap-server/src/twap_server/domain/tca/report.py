"""Compute the execution report of one order (contract section 6): its costs, exact to the last digit.

In: all that is recorded of the order. Out: figures. Pure, and nothing is guessed: a figure whose input was
never measured is None, and a note says why.

Signs: ``s`` is +1 for a buy, -1 for a sell; a positive figure is always a cost. Amounts are quote currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from twap_models.enums import OrderStatus
from twap_server.domain import exact
from twap_server.domain.orders.order import Fill, Order
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.tca.adherence import BookAge, Drift, book_age, by_outcome, by_reason, drift
from twap_server.domain.tca.benchmarks import Benchmarks, MarkOut, benchmarks, mark_outs
from twap_server.domain.tca.counterfactuals import Counterfactuals, counterfactuals
from twap_server.domain.tca.forecast import TradingCost, trading_cost
from twap_server.domain.tca.notes import notes
from twap_server.domain.tca.prices import Prices, mids_of, prices
from twap_server.domain.tca.shortfall import Costs, Execution, costs


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeFigures:
    """What was filled on one exchange."""

    exchange: str
    fills: int
    quantity: Decimal
    notional: Decimal
    average_price: Decimal
    fees: Decimal
    share_percent: Decimal
    """Of all that was filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An order's execution report; ``final`` once the order has ended."""

    final: bool
    prices: Prices
    costs: Costs
    trading: TradingCost | None
    """Of what was filled: what the order's forecast is compared with."""
    benchmarks: Benchmarks
    mark_outs: tuple[MarkOut, ...]
    drift: Drift | None
    slices_by_outcome: Mapping[str, int]
    slices_by_reason: Mapping[str, int]
    book_age: BookAge | None
    exchanges: tuple[ExchangeFigures, ...]
    counterfactuals: Counterfactuals
    notes: tuple[str, ...]


def report(record: OrderRecord) -> Report:
    """Make the report of an order, ended or still at work."""
    order = record.order
    mids = mids_of(record)
    priced = prices(order, mids)
    done = execution_of(order)
    cost = costs(done, record, priced)
    measured = benchmarks(record, mids, priced)
    return Report(
        final=not order.status.is_open,
        prices=priced,
        costs=cost,
        trading=trading_cost(
            spread=cost.spread,
            depth=cost.depth,
            fees=cost.fees,
            filled=done.filled,
            decision_price=priced.decision.value if priced.decision else None,
        ),
        benchmarks=measured,
        mark_outs=mark_outs(record, mids),
        drift=drift(record),
        slices_by_outcome=by_outcome(record),
        slices_by_reason=by_reason(record),
        book_age=book_age(record.slices),
        exchanges=_exchanges(record.fills),
        counterfactuals=counterfactuals(record, priced, cost, done),
        notes=notes(record, priced, measured),
    )


def execution_of(order: Order) -> Execution:
    """What the order did; a rejected one was never to be executed, so it has nothing to fill."""
    rejected = order.status is OrderStatus.REJECTED
    return Execution(
        side=order.terms.side,
        quantity=exact.ZERO if rejected else order.plan.quantity,
        filled=order.progress.filled,
        notional=order.progress.notional,
        fees=order.progress.fees,
    )


def _exchanges(fills: Sequence[Fill]) -> tuple[ExchangeFigures, ...]:
    names = dict.fromkeys(fill.exchange for fill in fills)
    whole = exact.total(fill.quantity for fill in fills)
    return tuple(_exchange(name, [f for f in fills if f.exchange == name], whole) for name in names)


def _exchange(name: str, fills: Sequence[Fill], whole: Decimal) -> ExchangeFigures:
    quantity = exact.total(fill.quantity for fill in fills)
    notional = exact.total(exact.multiply(fill.price, fill.quantity) for fill in fills)
    return ExchangeFigures(
        exchange=name,
        fills=len(fills),
        quantity=quantity,
        notional=notional,
        average_price=exact.ratio(notional, quantity),
        fees=exact.total(fill.fee for fill in fills),
        share_percent=exact.percent(quantity, whole),
    )
