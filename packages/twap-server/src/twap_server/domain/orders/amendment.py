"""Replan a working order: the past stays, the future follows the new quantity, end or limit price.

A changed limit alone leaves the schedule, unless slices would be too small at it. A changed quantity or end
spreads what is not filled yet from the next slice to the end, on the order's own grid of time: evenly, or as
the order's curve is over that window.
"""

from dataclasses import replace
from decimal import Decimal

from twap_server.domain import exact
from twap_server.domain.clock import SECOND, Nanos, to_text
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.exact import ZERO
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.rules import OrderLimits, sliced, with_rounding_told
from twap_server.domain.orders.strategies import redrawn
from twap_server.domain.orders.terms import Amendment, Plan
from twap_server.domain.orders.trading_rules import TradingRules


def amend(
    order: Order, wanted: Amendment, *, now: Nanos, limits: OrderLimits, reference: Decimal | None
) -> Plan:
    """Make the next revision of an open order's plan.

    Args:
        order: open.
        wanted: the changes.
        now: wall time.
        limits: bounds of one order.
        reference: a price to value what is left with where the order has no limit; None if unknown.

    Raises:
        InvalidRequest: a change breaks a rule; names the field, the value and what would do.
    """
    rules = _rules(order)
    plan = replace(order.plan, revision=order.plan.revision + 1, warnings=())
    if wanted.limit_set:
        plan = replace(plan, limit=_limit(order, wanted.limit, rules))
    smallest = rules.smallest(plan.limit if plan.limit is not None else reference)
    too_small = wanted.limit_set and _would_be_too_small(order, smallest)
    if wanted.end is None and wanted.quantity is None and not too_small:
        return with_rounding_told(plan, quantity=None, limit=wanted.limit)
    end = _end(order, wanted.end, now=now, limits=limits)
    quantity = _quantity(order, wanted.quantity, rules, smallest=smallest)
    plan = with_rounding_told(
        replace(plan, quantity=quantity, end=end), quantity=wanted.quantity, limit=wanted.limit
    )
    return _replanned(order, plan, now=now, limits=limits, smallest=smallest)


def is_made(order: Order, wanted: Amendment) -> bool:
    """Whether the order's plan is as the changes want it, on its grid."""
    plan, rules = order.plan, _rules(order)
    return (
        (wanted.quantity is None or plan.quantity == rules.floor_lot(wanted.quantity))
        and (wanted.end is None or plan.end == wanted.end)
        and (not wanted.limit_set or plan.limit == rules.safe_limit(wanted.limit, order.terms.side))
    )


def _would_be_too_small(order: Order, smallest: Decimal) -> bool:
    """Whether slices to come would be below the smallest order: on the average, or by their step."""
    if order.plan.step:
        return order.plan.step < smallest
    to_come = order.plan.slice_count - order.progress.next_slice
    return order.remaining < exact.multiply(Decimal(to_come), smallest)


def _rules(order: Order) -> TradingRules:
    terms = order.terms
    return TradingRules(
        name=f"{terms.exchange}:{terms.symbol}",
        symbol=terms.symbol,
        lot_size=terms.lot_size,
        status="",
        destinations=terms.destinations,
    )


def _limit(order: Order, limit: Decimal | None, rules: TradingRules) -> Decimal | None:
    safe = rules.safe_limit(limit, order.terms.side)
    if safe is not None and safe <= ZERO:
        raise InvalidRequest(
            f"expected a price of at least one tick ({exact.text(rules.lowest_price)}), got {limit:f}",
            field="price",
            nearest=rules.lowest_price,
        )
    return safe


def _end(order: Order, end: Nanos | None, *, now: Nanos, limits: OrderLimits) -> Nanos:
    if end is None:
        return order.plan.end
    if end <= max(now, order.terms.start):
        earliest = to_text(max(now, order.terms.start))
        raise InvalidRequest(f"expected a time after {earliest}, got {to_text(end)}", field="end_time")
    if end - order.terms.start > limits.max_duration:
        latest = to_text(Nanos(order.terms.start + limits.max_duration))
        raise InvalidRequest(f"expected a time up to {latest}, got {to_text(end)}", field="end_time")
    return end


def _quantity(order: Order, quantity: Decimal | None, rules: TradingRules, *, smallest: Decimal) -> Decimal:
    filled = order.progress.filled
    if quantity is None:
        return order.plan.quantity
    floored = rules.floor_lot(quantity)
    if floored < filled:
        raise InvalidRequest(
            f"expected at least {exact.text(filled)}, which is filled already, got {quantity:f}",
            field="quantity",
            nearest=filled,
        )
    if not floored:
        raise InvalidRequest(
            f"expected at least {exact.text(smallest)} (the smallest order), got {quantity:f}: "
            "to fill nothing, cancel the order",
            field="quantity",
            nearest=smallest,
        )
    left = exact.subtract(floored, filled)
    if ZERO < left < smallest:
        raise InvalidRequest(
            f"expected {exact.text(filled)} (what is filled) or at least "
            f"{exact.text(exact.add(filled, smallest))} (the smallest order more), got {quantity:f}",
            field="quantity",
            nearest=exact.add(filled, smallest),
        )
    return floored


def _replanned(order: Order, plan: Plan, *, now: Nanos, limits: OrderLimits, smallest: Decimal) -> Plan:
    following, filled = order.progress.next_slice, order.progress.filled
    begin = order.schedule.begin(following)
    if not now - plan.interval < begin < plan.end:
        begin = now
    plan = replace(plan, step=ZERO)
    curve = redrawn(order.terms.strategy, plan.curve, end=plan.end)
    plan = replace(plan, first=following, base=filled, start=begin, slice_count=following, curve=curve)
    if plan.quantity == filled:
        return plan
    plan = sliced(
        plan,
        lot_size=order.terms.lot_size,
        smallest=smallest,
        randomize=order.terms.randomize,
        slowest=order.terms.realism.slowest,
    )
    if plan.slice_count > limits.max_slices:
        seconds = exact.text(exact.ratio(Decimal(plan.interval), Decimal(SECOND)))
        raise InvalidRequest(
            f"expected an end with at most {limits.max_slices} slices of {seconds} s, got {plan.slice_count}",
            field="end_time",
        )
    return plan
