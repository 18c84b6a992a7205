"""Compute what the same quantity would have cost on the same books, executed in three other ways.

* ``sweep``: one order over everything as soon as the schedule began, walked through the displayed books
  within the limit;
* ``naive_twap``: equal slices, whatever the order's curve and what ``randomize`` drew, each whole at the best
  price of the order's own slice, as if depth were endless (``fidelity=l1``); a slice that met no book, or a
  best price beyond the limit, gets nothing. None where the order was done before its last slices were due:
  nobody looked at their books;
* ``vwap``: everything at the market's traded VWAP.

Each is measured as the order itself is, by the same formula and the same three prices.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from twap_models.enums import OrderStatus
from twap_server.domain import exact
from twap_server.domain.exact import ZERO
from twap_server.domain.execution.matching import within
from twap_server.domain.orders.curves import LINEAR, Linear
from twap_server.domain.orders.order import SliceResult
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.sample import Sweep
from twap_server.domain.orders.schedule import Schedule, schedule_of
from twap_server.domain.tca.benchmarks import traded
from twap_server.domain.tca.prices import Prices
from twap_server.domain.tca.shortfall import Costs, Execution, shortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """Another execution of the same quantity."""

    filled: Decimal
    notional: Decimal
    average_price: Decimal | None
    fees: Decimal | None
    """None where it is not known which fee would have been paid."""
    implementation_shortfall: Decimal | None
    difference: Decimal | None
    """The order's shortfall less this one's: positive says that the order cost more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactuals:
    """The three; None where what it needs was not measured."""

    sweep: Counterfactual | None
    naive_twap: Counterfactual | None
    vwap: Counterfactual | None


def counterfactuals(record: OrderRecord, prices: Prices, costs: Costs, done: Execution) -> Counterfactuals:
    """Work the three out.

    Args:
        record: of the order.
        prices: what its costs were measured from.
        costs: of the order.
        done: what the order did, for its side and quantity.
    """

    def against(other: tuple[Decimal, Decimal, Decimal | None] | None) -> Counterfactual | None:
        return None if other is None else _measured(*other, prices=prices, costs=costs, done=done)

    return Counterfactuals(
        sweep=against(_sweep(record, done)),
        naive_twap=against(_naive_twap(record, done)),
        vwap=against(_vwap(record, done)),
    )


def sweep_of(record: OrderRecord) -> Sweep | None:
    """The sweep that was measured, if any."""
    return next((one.sweep for one in record.samples if one.sweep is not None), None)


def was_done_early(record: OrderRecord) -> bool:
    """Whether all was filled before the last slice, ahead of equal ones, as a sweep does.

    What equal slices would have paid then was not seen; a part of them is no comparison.
    """
    order = record.order
    if order.status is not OrderStatus.FILLED or isinstance(order.plan.curve, Linear):
        return False
    met = max((one.index for one in record.slices if one.touch is not None), default=-1)
    return 0 <= met < order.plan.slice_count - 1


def _measured(
    filled: Decimal,
    notional: Decimal,
    fees: Decimal | None,
    *,
    prices: Prices,
    costs: Costs,
    done: Execution,
) -> Counterfactual:
    cost = None
    if fees is not None:
        other = Execution(side=done.side, quantity=done.quantity, filled=filled, notional=notional, fees=fees)
        cost = shortfall(other, prices)
    own = costs.implementation_shortfall
    return Counterfactual(
        filled=filled,
        notional=notional,
        average_price=exact.ratio(notional, filled) if filled else None,
        fees=fees,
        implementation_shortfall=cost,
        difference=None if cost is None or own is None else exact.subtract(own, cost),
    )


def _sweep(record: OrderRecord, done: Execution) -> tuple[Decimal, Decimal, Decimal] | None:
    """Nothing where an amendment has left less to execute than was swept."""
    sweep = sweep_of(record)
    if sweep is None or sweep.filled > done.quantity:
        return None
    return sweep.filled, sweep.notional, sweep.fees


def _naive_twap(record: OrderRecord, done: Execution) -> tuple[Decimal, Decimal, Decimal | None] | None:
    if not any(one.touch is not None for one in record.slices) or was_done_early(record):
        return None
    limit, rates = record.order.plan.limit, _rates(record)
    reached = filled = notional = ZERO
    fees: Decimal | None = ZERO
    lines = _even_lines(record)
    for one in record.slices:
        target = next(line for line in lines if line.first <= one.index).target(one.index)
        part = min(exact.subtract(target, reached), exact.subtract(done.quantity, filled))
        reached = max(reached, target)
        if part <= ZERO or one.touch is None or not within(done.side, one.touch, limit):
            continue
        value = exact.multiply(part, one.touch)
        filled, notional = exact.add(filled, part), exact.add(notional, value)
        fees = _with_fee(fees, value, _rate_of(one, rates))
    return filled, notional, fees


def _even_lines(record: OrderRecord) -> list[Schedule]:
    """Equal slices of what each plan had left, the last plan first: a slice is of the first that has it."""
    order = record.order
    plans = [replace(plan, curve=LINEAR, step=ZERO) for plan in record.plans or (order.plan,)]
    return [
        schedule_of(plan, lot_size=order.terms.lot_size, randomize=ZERO, seed=b"") for plan in reversed(plans)
    ]


def _vwap(record: OrderRecord, done: Execution) -> tuple[Decimal, Decimal, Decimal | None] | None:
    """At the VWAP rounded to 12 decimals, the price that the report shows."""
    volume, traded_notional = traded(record.order, record.samples)
    if not volume or not done.quantity:
        return None
    notional = exact.multiply(done.quantity, exact.ratio(traded_notional, volume))
    return done.quantity, notional, _with_fee(ZERO, notional, _usual_rate(record))


def _rates(record: OrderRecord) -> dict[str, Decimal]:
    return {
        destination.instrument.exchange: destination.fee for destination in record.order.terms.destinations
    }


def _rate_of(one: SliceResult, rates: dict[str, Decimal]) -> Decimal | None:
    return rates.get(one.touch_exchange)


def _usual_rate(record: OrderRecord) -> Decimal | None:
    """The fee of its markets where they agree, else what the order itself paid on average."""
    rates, progress = set(_rates(record).values()), record.order.progress
    if len(rates) == 1:
        return rates.pop()
    return exact.ratio(progress.fees, progress.notional) if progress.notional else None


def _with_fee(fees: Decimal | None, value: Decimal, rate: Decimal | None) -> Decimal | None:
    return None if fees is None or rate is None else exact.add(fees, exact.multiply(value, rate))
