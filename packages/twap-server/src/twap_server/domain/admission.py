"""Decide whether a request becomes an order: every business rule, in the order users are told of them.

The window comes first, before the exchange and the symbol (contract section 2). Each rejection names the
field, the value, the rule and the nearest value that would do, where there is one.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from twap_models.enums import LateStart, RejectReason
from twap_server.domain import exact
from twap_server.domain.clock import SECOND, Nanos, to_text
from twap_server.domain.exact import ZERO
from twap_server.domain.grid import Grid
from twap_server.domain.instrument import TRADING
from twap_server.domain.schedule import merged, slice_count
from twap_server.domain.terms import OrderRequest, Plan, Rejection

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one order; times in nanoseconds."""

    max_slices: int
    min_interval: int
    max_duration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An accepted request: its plan, and how many slices had elapsed already (``late_start=skip``)."""

    plan: Plan
    elapsed: int = 0


def check_window(request: OrderRequest, *, now: Nanos, limits: Limits) -> Rejection | None:
    """The rules that need neither exchange nor symbol."""
    start = request.start if request.start is not None else now
    if request.end <= now:
        return Rejection(
            reason=RejectReason.WINDOW_ELAPSED,
            detail=f"end_time {to_text(request.end)} lies in the past: "
            f"choose an end after now ({to_text(now)})",
        )
    if request.end <= start:
        return _invalid_window(f"end_time {to_text(request.end)} must lie after start_time {to_text(start)}")
    if request.end - min(start, now) > limits.max_duration:
        days = limits.max_duration // (86_400 * SECOND)
        return _invalid_window(
            f"the window is longer than {days} days: end by {to_text(Nanos(now + limits.max_duration))}"
        )
    return None


def admit(
    request: OrderRequest, grid: Grid, *, now: Nanos, limits: Limits, reference: Decimal | None
) -> Admitted | Rejection:
    """Apply the rules that need the instrument and plan the slices.

    Args:
        request: its window was checked by ``check_window``.
        grid: of what the symbol names.
        now: time of receipt.
        limits: bounds of one order.
        reference: a price to value the quantity with (the mid) where the order has no limit; None if unknown.
    """
    rejection = _check_options(request) or _check_tradable(request, grid)
    if rejection is None:
        rejection = _check_interval(request, now=now, limits=limits) or _check_numbers(request)
    if rejection is not None:
        return rejection
    quantity, limit = grid.floor_lot(request.quantity), grid.safe_limit(request.limit, request.side)
    smallest = grid.smallest(limit if limit is not None else reference)
    if quantity < smallest:
        return _below_minimum(request, grid, smallest)
    if limit is not None and limit <= ZERO:
        return Rejection(
            reason=RejectReason.INVALID_PRICE,
            detail=f"price {request.limit:f} is below one tick ({grid.tick_size:f}) of {grid.name}",
        )
    return _plan(request, grid, now=now, quantity=quantity, limit=limit, smallest=smallest)


def _invalid_window(detail: str) -> Rejection:
    return Rejection(reason=RejectReason.INVALID_WINDOW, detail=detail)


def _check_options(request: OrderRequest) -> Rejection | None:
    bounds = (
        ("max_slippage_bps", request.max_slippage_bps, ZERO, 10_000),
        ("randomize", request.randomize, ZERO, 50),
        ("participation_cap", request.participation_cap, Decimal("0.0001"), 100),
    )
    for name, value, low, high in bounds:
        if value is not None and not low <= value <= high:
            nearest = low if value < low else Decimal(high)
            return Rejection(
                reason=RejectReason.INVALID_OPTION,
                detail=f"{name} {value:f} must lie between {low:f} and {high}: use {nearest:f}",
            )
    return None


def _check_tradable(request: OrderRequest, grid: Grid) -> Rejection | None:
    if grid.status == TRADING:
        return None
    return Rejection(
        reason=RejectReason.NOT_TRADABLE,
        detail=f"symbol {request.symbol}: {grid.name} is {grid.status}, not trading",
    )


def _check_interval(request: OrderRequest, *, now: Nanos, limits: Limits) -> Rejection | None:
    length = request.end - _effective_start(request, now)
    if request.slices is not None:
        count, interval = request.slices, max(1, length // request.slices)
    else:
        interval = request.interval or 0
        count = slice_count(length, interval) if interval else 0
    if interval < limits.min_interval:
        return Rejection(
            reason=RejectReason.INVALID_INTERVAL,
            detail=f"interval {_seconds(interval)} s must be at least {_seconds(limits.min_interval)} s",
        )
    if count > limits.max_slices:
        nearest = -(-length // limits.max_slices)
        return Rejection(
            reason=RejectReason.INVALID_INTERVAL,
            detail=f"{count} slices are more than {limits.max_slices}: "
            f"use an interval of at least {_seconds(nearest)} s",
        )
    return None


def _check_numbers(request: OrderRequest) -> Rejection | None:
    if request.quantity <= ZERO:
        return Rejection(
            reason=RejectReason.INVALID_QUANTITY, detail=f"quantity {request.quantity:f} must be above 0"
        )
    if request.limit is not None and request.limit <= ZERO:
        return Rejection(reason=RejectReason.INVALID_PRICE, detail=f"price {request.limit:f} must be above 0")
    return None


def _below_minimum(request: OrderRequest, grid: Grid, smallest: Decimal) -> Rejection:
    return Rejection(
        reason=RejectReason.BELOW_MINIMUM,
        detail=f"quantity {request.quantity:f} is below the smallest order of {grid.name}: "
        f"use at least {smallest:f}",
    )


def _effective_start(request: OrderRequest, now: Nanos) -> Nanos:
    start = request.start if request.start is not None else now
    late = start < now
    return now if late and request.late_start is not LateStart.SKIP else start


def _plan(
    request: OrderRequest,
    grid: Grid,
    *,
    now: Nanos,
    quantity: Decimal,
    limit: Decimal | None,
    smallest: Decimal,
) -> Admitted:
    start = _effective_start(request, now)
    shift = (
        start - request.start if request.start is not None and request.late_start is LateStart.SHIFT else 0
    )
    plan = sliced(
        Plan(
            quantity=quantity,
            limit=limit,
            start=start,
            end=Nanos(request.end + max(0, shift)),
            interval=request.interval or -(-(request.end + max(0, shift) - start) // (request.slices or 1)),
            slice_count=0,
            warnings=tuple(_rounding_warnings(request, quantity, limit)),
        ),
        lot_size=grid.lot_size,
        smallest=smallest,
        randomize=request.randomize,
    )
    elapsed = -(-(now - start) // plan.interval) if start < now else 0
    return Admitted(plan=plan, elapsed=min(elapsed, plan.slice_count))


def sliced(plan: Plan, *, lot_size: Decimal, smallest: Decimal, randomize: Decimal) -> Plan:
    """The plan with its slices counted; they are merged, with a warning, where they would be too small."""
    always_left = exact.subtract(_HUNDRED, randomize)
    least = exact.whole_up(exact.multiply(smallest, _HUNDRED), exact.multiply(lot_size, always_left))
    length = plan.end - plan.start
    interval, count = merged(
        exact.whole(exact.subtract(plan.quantity, plan.base), lot_size),
        smallest=least,
        length=length,
        interval=plan.interval,
    )
    warnings = plan.warnings
    asked = slice_count(length, plan.interval)
    if count < asked:
        warnings += (f"{asked} slices would fall below the minimum of {smallest:f}: merged into {count}",)
    return replace(plan, interval=interval, slice_count=plan.first + count, warnings=warnings)


def _rounding_warnings(request: OrderRequest, quantity: Decimal, limit: Decimal | None) -> list[str]:
    warnings = []
    if quantity != request.quantity:
        warnings.append(f"quantity {request.quantity:f} was rounded down to the lot: {quantity:f}")
    if limit is not None and limit != request.limit:
        warnings.append(f"price {request.limit:f} was rounded to the safe side of the tick: {limit:f}")
    return warnings


def _seconds(nanos: int) -> str:
    return f"{exact.ratio(Decimal(nanos), Decimal(SECOND)).normalize():f}"
