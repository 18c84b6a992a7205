"""Decide whether a request becomes an order: check every business rule in the order users see them.

The window comes first, before the exchange and the symbol (contract section 2). Each rejection names the
field, the value, the rule and the nearest value that would do, where there is one. There is one list of
rules: a submission is told the first that is broken, a preview all of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from twap_models.enums import LateStart, RejectReason
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos, span_text, to_text
from twap_server.domain.exact import ZERO
from twap_server.domain.market.instrument import LIMIT_ONLY, UNREADABLE, takes_orders
from twap_server.domain.orders.curves import AtOnce, Linear, smallest_slice
from twap_server.domain.orders.schedule import merged, slice_count
from twap_server.domain.orders.strategies import broken_by
from twap_server.domain.orders.terms import OrderRequest, Plan, Rejection
from twap_server.domain.orders.trading_rules import TradingRules

_HUNDRED = Decimal(100)
_SHORTEST_BUCKET = 50 * MILLISECOND
"""A last bucket that the end cuts shorter than this could be over before any timer wakes."""
_WORTH_TELLING = SECOND
"""A window that began less than this ago is as it was asked for: so long may a request be on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLimits:
    """Bounds of one order; times in nanoseconds."""

    max_slices: int
    min_interval: int
    max_duration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An accepted request: its plan, and how many slices had elapsed already (``late_start=skip``)."""

    plan: Plan
    elapsed: int = 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the grid leaves of a request's figures, and the smallest order that it lets through."""

    quantity: Decimal
    limit: Decimal | None
    smallest: Decimal


def normalised(request: OrderRequest, rules: TradingRules, *, reference: Decimal | None) -> Fitted:
    """Fit a request to its grid.

    Args:
        request: what is asked.
        rules: of what the symbol names.
        reference: a price (the mid) to value the quantity with where no limit is left; None if unknown.
    """
    limit = rules.safe_limit(request.limit, request.side)
    price = limit if limit is not None and limit > ZERO else reference
    return Fitted(rules.floor_lot(request.quantity), limit, rules.smallest(price))


def broken_window(request: OrderRequest, *, now: Nanos, limits: OrderLimits) -> Iterator[Rejection]:
    """Every broken rule that needs neither exchange nor symbol."""
    start = request.start if request.start is not None else now
    if request.end <= now:
        yield Rejection(
            reason=RejectReason.WINDOW_ELAPSED,
            field="end_time",
            detail=f"end_time {to_text(request.end)} lies in the past: "
            f"choose an end after now ({to_text(now)})",
        )
    if request.end <= start and (start != now or request.end > now):
        yield _invalid_window(f"end_time {to_text(request.end)} must lie after start_time {to_text(start)}")
    if request.end - min(start, now) > limits.max_duration:
        days = limits.max_duration // (86_400 * SECOND)
        yield _invalid_window(
            f"the window is longer than {days} days: end by {to_text(Nanos(now + limits.max_duration))}"
        )


def unusable(request: OrderRequest, rules: TradingRules) -> Rejection:
    """No order fits what the symbol names: no other rule about it can be checked."""
    return Rejection(
        reason=RejectReason.NOT_TRADABLE,
        field="symbol",
        detail=f"symbol {request.symbol}: {rules.name} cannot be traded here, for {rules.fault}",
    )


def broken_terms(
    request: OrderRequest, rules: TradingRules, fit: Fitted, *, now: Nanos, limits: OrderLimits
) -> Iterator[Rejection]:
    """Every broken rule that needs the instrument.

    Args:
        request: what is asked.
        rules: of what the symbol names.
        fit: the request on that grid.
        now: time of receipt.
        limits: bounds of one order.
    """
    yield from broken_options(request)
    if not takes_orders(rules.status, limited=request.limit is not None):
        yield _not_tradable(request, rules)
    yield from broken_interval(request, now=now, limits=limits)
    yield from _broken_latency(request, now=now)
    yield from _broken_signs(request, rules, fit)
    yield from _broken_minimums(request, rules, fit)


def _not_tradable(request: OrderRequest, rules: TradingRules) -> Rejection:
    what = f"symbol {request.symbol}: {rules.name} does not trade, its exchange says: {rules.status}"
    if rules.status == UNREADABLE:
        what = f"symbol {request.symbol}: what its exchange says of {rules.name} cannot be read now"
    elif rules.status == LIMIT_ONLY:
        what = f"symbol {request.symbol}: {rules.name} takes orders with a limit only: give a price"
    return Rejection(reason=RejectReason.NOT_TRADABLE, field="symbol", detail=what)


def _invalid_window(detail: str) -> Rejection:
    return Rejection(reason=RejectReason.INVALID_WINDOW, field="end_time", detail=detail)


def broken_options(request: OrderRequest) -> Iterator[Rejection]:
    """Every option and parameter outside its range: neither market nor time says more about them."""
    bounds = (
        ("max_slippage_bps", request.max_slippage_bps, ZERO, 10_000),
        ("randomize", request.randomize, ZERO, 50),
        ("participation_cap", request.participation_cap, Decimal("0.0001"), 100),
    )
    for name, value, low, high in bounds:
        if value is not None and not low <= value <= high:
            nearest = low if value < low else Decimal(high)
            yield Rejection(
                reason=RejectReason.INVALID_OPTION,
                field=name,
                detail=f"{name} {value:f} must lie between {low:f} and {high}: use {nearest:f}",
                nearest=nearest,
            )
    broken = broken_by(request.strategy)
    if broken is not None:
        name, what, would_do = broken
        reason = RejectReason.INVALID_OPTION
        yield Rejection(reason=reason, field=name, detail=f"{name} {what}", nearest=would_do)


def broken_interval(request: OrderRequest, *, now: Nanos, limits: OrderLimits) -> Iterator[Rejection]:
    """Slices that are too many, or too near each other."""
    start, end = _window(request, now)
    length = end - start
    if request.slices is not None:
        yield from _broken_slices(request.slices, length, limits)
        return
    interval = request.interval or 0
    if interval < limits.min_interval:
        yield _invalid_interval(
            f"interval {_seconds(interval)} s must be at least {_seconds(limits.min_interval)} s",
            nearest=_in_seconds(limits.min_interval),
        )
    count = slice_count(length, interval) if interval else 0
    if count > limits.max_slices:
        nearest = -(-length // limits.max_slices)
        yield _invalid_interval(
            f"{count} slices are more than {limits.max_slices}: "
            f"use an interval of at least {_seconds(nearest)} s",
            nearest=_in_seconds(nearest),
        )


def _broken_slices(count: int, length: int, limits: OrderLimits) -> Iterator[Rejection]:
    if length <= 0:
        return
    most = min(limits.max_slices, max(1, length // limits.min_interval))
    if count > 1 and length // count < limits.min_interval:
        yield _invalid_interval(
            f"{count} slices would leave an interval of {_seconds(length // count)} s, "
            f"it must be at least {_seconds(limits.min_interval)} s: use at most {most} slices",
            field="slices",
            nearest=Decimal(most),
        )
    if count > limits.max_slices:
        yield _invalid_interval(
            f"{count} slices are more than {limits.max_slices}: use at most {most} slices",
            field="slices",
            nearest=Decimal(most),
        )


def _broken_latency(request: OrderRequest, *, now: Nanos) -> Iterator[Rejection]:
    """Each slice has to arrive before the next one is decided, which goes by what it filled."""
    start, end = _window(request, now)
    length, slowest = end - start, request.simulated.slowest
    shortest = shortest_bucket(slowest, request.randomize)
    interval = request.interval or length // (request.slices or 1)
    if not slowest or length <= 0 or min(length, interval) >= shortest:
        return
    field = "slices" if request.interval is None else "interval"
    most = length // shortest
    told = (
        f"use at most {most} slices" if request.interval is None else f"use at least {_seconds(shortest)} s"
    )
    yield _invalid_interval(
        f"slices of {_seconds(min(length, interval))} s are too short: with realism "
        f"{request.simulated.profile.value} a slice takes up to {_seconds(slowest)} s to arrive: "
        + (told if most else f"use a window of at least {_seconds(shortest)} s"),
        field=field if most else "end_time",
        nearest=Decimal(most) if request.interval is None else _in_seconds(shortest),
    )


def shortest_bucket(slowest: int, randomize: Decimal) -> int:
    """Nanoseconds that a slice's bucket needs for the slice to arrive within it, however late it is due.

    Args:
        slowest: the longest latency; without one any bucket will do.
        randomize: percent of the bucket by which the slice may be due later.
    """
    if not slowest:
        return 0
    kept = exact.subtract(_HUNDRED, randomize)
    return exact.whole(exact.multiply(Decimal(slowest), _HUNDRED), kept) + 1 if kept > ZERO else 0


def _invalid_interval(detail: str, *, nearest: Decimal, field: str = "interval") -> Rejection:
    return Rejection(reason=RejectReason.INVALID_INTERVAL, field=field, detail=detail, nearest=nearest)


def _broken_signs(request: OrderRequest, rules: TradingRules, fit: Fitted) -> Iterator[Rejection]:
    if request.quantity <= ZERO:
        yield Rejection(
            reason=RejectReason.INVALID_QUANTITY,
            field="quantity",
            detail=f"quantity {request.quantity:f} must be above 0: use at least {exact.text(fit.smallest)}",
            nearest=fit.smallest,
        )
    if request.limit is not None and request.limit <= ZERO:
        yield _invalid_price(
            f"price {request.limit:f} must be above 0: "
            f"use at least one tick ({exact.text(rules.lowest_price)})",
            nearest=rules.lowest_price,
        )


def _broken_minimums(request: OrderRequest, rules: TradingRules, fit: Fitted) -> Iterator[Rejection]:
    if request.quantity > ZERO and fit.quantity < fit.smallest:
        yield Rejection(
            reason=RejectReason.BELOW_MINIMUM,
            field="quantity",
            detail=f"quantity {request.quantity:f} is below the smallest order of {rules.name}: "
            f"use at least {exact.text(fit.smallest)}",
            nearest=fit.smallest,
        )
    if request.limit is not None and fit.limit is not None and fit.limit <= ZERO < request.limit:
        yield _invalid_price(
            f"price {request.limit:f} is below one tick ({exact.text(rules.lowest_price)}) of {rules.name}",
            nearest=rules.lowest_price,
        )


def _invalid_price(detail: str, *, nearest: Decimal) -> Rejection:
    return Rejection(reason=RejectReason.INVALID_PRICE, field="price", detail=detail, nearest=nearest)


def _window(request: OrderRequest, now: Nanos) -> tuple[Nanos, Nanos]:
    """Effective start and end, by what a late start means."""
    start = request.start if request.start is not None else now
    late = max(0, now - start)
    if not late or request.late_start is LateStart.SKIP:
        return start, request.end
    shifted = late if request.late_start is LateStart.SHIFT else 0
    return now, Nanos(request.end + shifted)


def _shrunk(request: OrderRequest, now: Nanos) -> tuple[str, ...]:
    """Tell that less time is left than was asked for: a start hours ago may be another zone's time."""
    if request.start is None or request.late_start is not LateStart.COMPRESS:
        return ()
    late, left = now - request.start, request.end - now
    if late < _WORTH_TELLING:
        return ()
    became = f"{span_text(late + left)} became {span_text(left)}"
    return (f"began {span_text(late)} ago: {became}; start_time was {to_text(request.start)}",)


def plan_of(
    request: OrderRequest,
    rules: TradingRules,
    fit: Fitted,
    *,
    now: Nanos,
    draw: Callable[[Plan], Plan] = lambda plan: plan,
) -> Admitted:
    """Plan the slices of a request that breaks none of the rules above.

    Args:
        request: what is asked.
        rules: of what the symbol names.
        fit: the request on its grid.
        now: time of receipt.
        draw: gives a plan whose slices are not counted yet its curve.
    """
    start, end = _window(request, now)
    asked = Plan(
        quantity=fit.quantity,
        limit=fit.limit,
        start=start,
        end=end,
        interval=request.interval or -(-(end - start) // (request.slices or 1)),
        slice_count=0,
        warnings=(*rules.notices, *_shrunk(request, now)),
    )
    plan = sliced(
        with_rounding_told(draw(asked), quantity=request.quantity, limit=request.limit),
        lot_size=rules.lot_size,
        smallest=fit.smallest,
        randomize=request.randomize,
        slowest=request.simulated.slowest,
    )
    elapsed = min(-(-(now - start) // plan.interval) if start < now else 0, plan.slice_count)
    if elapsed:
        told = f"{elapsed} of {plan.slice_count} slices have elapsed: they are missed"
        plan = replace(plan, warnings=(*plan.warnings, told))
    return Admitted(plan=plan, elapsed=elapsed)


def sliced(plan: Plan, *, lot_size: Decimal, smallest: Decimal, randomize: Decimal, slowest: int = 0) -> Plan:
    """The plan with its slices counted; they are merged, with a warning, where they would be too small.

    Args:
        plan: uncounted.
        lot_size, smallest, randomize: of the order.
        slowest: the longest latency of a slice: one that could not arrive before the end joins another.
    """
    if not isinstance(plan.curve, Linear):
        plan = _counted(plan, needed=shortest_bucket(slowest, randomize))
        return _stepped(plan, lot_size=lot_size, smallest=smallest, randomize=randomize)
    always_left = exact.subtract(_HUNDRED, randomize)
    least = exact.whole_up(exact.multiply(smallest, _HUNDRED), exact.multiply(lot_size, always_left))
    length = plan.end - plan.start
    lots = exact.whole(exact.subtract(plan.quantity, plan.base), lot_size)
    interval, count = merged(lots, smallest=least, length=length, interval=plan.interval)
    warnings = plan.warnings
    asked = slice_count(length, plan.interval)
    tail = length - (count - 1) * interval
    if _is_too_short(count, tail, interval, shortest_bucket(slowest, randomize)) and count == asked:
        count -= 1
        warnings += (_joins(tail),)
    elif interval == plan.interval and count < asked:
        warnings += (
            f"the last slice would fall below the minimum of {exact.text(smallest)}: it joins the one before",
        )
    elif count < asked:
        share = exact.multiply(Decimal(lots * plan.interval // length), lot_size)
        why = "would" if share < smallest else f"with randomize {exact.text(randomize)} could"
        warnings += (
            f"{asked} slices {why} fall below the minimum of {exact.text(smallest)}: "
            f"merged into {count}, one every {span_text(interval)}",
        )
    return replace(plan, interval=interval, slice_count=plan.first + count, warnings=warnings)


def _counted(plan: Plan, *, needed: int) -> Plan:
    """The plan with its slices counted; a last one too short for ``needed`` joins the one before."""
    length = plan.end - plan.start
    count = slice_count(length, plan.interval)
    tail = length - (count - 1) * plan.interval
    if _is_too_short(count, tail, plan.interval, needed):
        plan, count = replace(plan, warnings=(*plan.warnings, _joins(tail))), count - 1
    return replace(plan, slice_count=plan.first + count)


def _stepped(plan: Plan, *, lot_size: Decimal, smallest: Decimal, randomize: Decimal) -> Plan:
    """Slices of a curve that is not straight: each wants nothing, or as much as an exchange takes."""
    if isinstance(plan.curve, AtOnce) or smallest <= lot_size:
        return plan
    count = plan.slice_count - plan.first
    lots = exact.whole(exact.subtract(plan.quantity, plan.base), lot_size)
    found = smallest_slice(plan.curve, lots, plan.start, plan.end, interval=plan.interval, count=count)
    left = exact.multiply(Decimal(found), exact.subtract(_HUNDRED, randomize))
    if exact.multiply(left, lot_size) >= exact.multiply(smallest, _HUNDRED):
        return plan
    plan = replace(plan, step=smallest)
    if exact.multiply(Decimal(lots // count), lot_size) >= smallest:
        return plan
    told = f"{count} slices would fall below the minimum of {exact.text(smallest)}: "
    return replace(plan, warnings=(*plan.warnings, told + "what is too small waits for a later one"))


def _is_too_short(count: int, tail: int, interval: int, needed: int) -> bool:
    """Whether a last slice could be over before a timer wakes, or before it arrives."""
    return count > 1 and tail < max(min(_SHORTEST_BUCKET, interval // 2), needed)


def _joins(tail: int) -> str:
    return f"the last slice would have {_seconds(tail)} s: it joins the one before"


def with_rounding_told(plan: Plan, *, quantity: Decimal | None, limit: Decimal | None) -> Plan:
    """The plan with a warning for each figure asked for that was rounded; None: not asked for."""
    warnings = plan.warnings
    if quantity is not None and quantity != plan.quantity:
        warnings += (f"quantity {quantity:f} was rounded down to the lot: {exact.text(plan.quantity)}",)
    if limit is not None and plan.limit is not None and limit != plan.limit:
        warnings += (f"price {limit:f} was rounded to the safe side of the tick: {exact.text(plan.limit)}",)
    return plan if warnings is plan.warnings else replace(plan, warnings=warnings)


def _in_seconds(nanos: int) -> Decimal:
    return exact.ratio(Decimal(nanos), Decimal(SECOND))


def _seconds(nanos: int) -> str:
    return exact.text(_in_seconds(nanos))
