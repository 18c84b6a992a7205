"""Decide whether a request becomes an order: every business rule, in the order users are told of them.

The window comes first, before the exchange and the symbol (contract section 2). Each rejection names the
field, the value, the rule and the nearest value that would do, where there is one.
"""

from dataclasses import dataclass
from decimal import Decimal

from twap_models.enums import LateStart, RejectReason, Side
from twap_server.domain import exact
from twap_server.domain.clock import SECOND, Nanos, to_datetime
from twap_server.domain.exact import ZERO
from twap_server.domain.instrument import Instrument
from twap_server.domain.order import OrderRequest, Rejection
from twap_server.domain.schedule import slice_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one order; times in nanoseconds."""

    max_slices: int
    min_interval: int
    max_duration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an accepted request becomes: grid-true quantity and limit, effective window, slices."""

    quantity: Decimal
    limit: Decimal | None
    start: Nanos
    end: Nanos
    interval: int
    slice_count: int
    first_slice: int
    """Slices before this one had elapsed when the order arrived (``late_start=skip``)."""
    warnings: tuple[str, ...]


def check_window(request: OrderRequest, *, now: Nanos, limits: Limits) -> Rejection | None:
    """The rules that need neither exchange nor symbol."""
    start = request.start if request.start is not None else now
    if request.end <= now:
        return Rejection(
            reason=RejectReason.WINDOW_ELAPSED,
            detail=f"end_time {_time(request.end)} lies in the past: choose an end after now ({_time(now)})",
        )
    if request.end <= start:
        return _invalid_window(f"end_time {_time(request.end)} must lie after start_time {_time(start)}")
    if request.end - min(start, now) > limits.max_duration:
        days = limits.max_duration // (86_400 * SECOND)
        return _invalid_window(
            f"the window is longer than {days} days: end by {_time(Nanos(now + limits.max_duration))}"
        )
    return None


def admit(
    request: OrderRequest, instrument: Instrument, *, now: Nanos, limits: Limits, reference: Decimal | None
) -> Plan | Rejection:
    """Apply the rules that need the instrument and plan the slices.

    Args:
        request: its window was checked by ``check_window``.
        instrument: what the symbol names.
        now: time of receipt.
        limits: bounds of one order.
        reference: a price to value the quantity with (the mid) where the order has no limit; None if unknown.
    """
    rejection = _check_options(request) or _check_tradable(request, instrument)
    if rejection is None:
        rejection = _check_interval(request, now=now, limits=limits) or _check_numbers(request)
    if rejection is not None:
        return rejection
    quantity, limit = instrument.floor_lot(request.quantity), _safe_limit(request, instrument)
    smallest = _smallest_slice(instrument, limit if limit is not None else reference)
    if quantity < smallest:
        return _below_minimum(request, instrument, smallest)
    if limit is not None and limit <= ZERO:
        return Rejection(
            reason=RejectReason.INVALID_PRICE,
            detail=f"price {request.limit:f} is below one tick ({instrument.tick_size:f}) of {instrument.id}",
        )
    return _plan(request, instrument, now=now, quantity=quantity, limit=limit, smallest=smallest)


def _invalid_window(detail: str) -> Rejection:
    return Rejection(reason=RejectReason.INVALID_WINDOW, detail=detail)


def _check_options(request: OrderRequest) -> Rejection | None:
    if request.unsupported:
        return Rejection(
            reason=RejectReason.INVALID_OPTION,
            detail=f"{request.unsupported} is not available in this version: leave it out",
        )
    bps = request.max_slippage_bps
    if bps is not None and not ZERO <= bps <= 10_000:
        return Rejection(
            reason=RejectReason.INVALID_OPTION,
            detail=f"max_slippage_bps {bps:f} must lie between 0 and 10000",
        )
    return None


def _check_tradable(request: OrderRequest, instrument: Instrument) -> Rejection | None:
    if instrument.tradable:
        return None
    return Rejection(
        reason=RejectReason.NOT_TRADABLE,
        detail=f"symbol {request.symbol}: {instrument.id} is {instrument.status}, not trading",
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


def _below_minimum(request: OrderRequest, instrument: Instrument, smallest: Decimal) -> Rejection:
    return Rejection(
        reason=RejectReason.BELOW_MINIMUM,
        detail=f"quantity {request.quantity:f} is below the smallest order of {instrument.id}: "
        f"use at least {smallest:f}",
    )


def _safe_limit(request: OrderRequest, instrument: Instrument) -> Decimal | None:
    if request.limit is None:
        return None
    safe = instrument.floor_tick if request.side is Side.BUY else instrument.ceil_tick
    return safe(request.limit)


def _smallest_slice(instrument: Instrument, price: Decimal | None) -> Decimal:
    """The smallest quantity the instrument takes at ``price``: lot, minimum quantity, minimum notional."""
    smallest = max(instrument.lot_size, instrument.ceil_lot(instrument.min_quantity))
    if price is not None and price > ZERO and instrument.min_notional > ZERO:
        smallest = max(smallest, instrument.ceil_lot(instrument.min_notional / price))
    return smallest


def _effective_start(request: OrderRequest, now: Nanos) -> Nanos:
    start = request.start if request.start is not None else now
    late = start < now
    return now if late and request.late_start is not LateStart.SKIP else start


def _plan(
    request: OrderRequest,
    instrument: Instrument,
    *,
    now: Nanos,
    quantity: Decimal,
    limit: Decimal | None,
    smallest: Decimal,
) -> Plan:
    start = _effective_start(request, now)
    shift = (
        start - request.start if request.start is not None and request.late_start is LateStart.SHIFT else 0
    )
    end = Nanos(request.end + max(0, shift))
    length = end - start
    interval = request.interval if request.interval is not None else -(-length // (request.slices or 1))
    count = slice_count(length, interval)
    warnings = list(_rounding_warnings(request, quantity, limit))
    most = exact.whole(quantity, smallest)
    if most < count:
        warnings.append(f"{count} slices would fall below the minimum of {smallest:f}: merged into {most}")
        interval = -(-length // most)
        count = slice_count(length, interval)
    first = -(-(now - start) // interval) if start < now else 0
    return Plan(
        quantity=quantity,
        limit=limit,
        start=start,
        end=end,
        interval=interval,
        slice_count=count,
        first_slice=min(first, count),
        warnings=tuple(warnings),
    )


def _rounding_warnings(request: OrderRequest, quantity: Decimal, limit: Decimal | None) -> list[str]:
    warnings = []
    if quantity != request.quantity:
        warnings.append(f"quantity {request.quantity:f} was rounded down to the lot: {quantity:f}")
    if limit is not None and limit != request.limit:
        warnings.append(f"price {request.limit:f} was rounded to the safe side of the tick: {limit:f}")
    return warnings


def _seconds(nanos: int) -> str:
    return f"{exact.ratio(Decimal(nanos), Decimal(SECOND)).normalize():f}"


def _time(nanos: Nanos) -> str:
    return to_datetime(nanos).isoformat(timespec="seconds").replace("+00:00", "Z")
