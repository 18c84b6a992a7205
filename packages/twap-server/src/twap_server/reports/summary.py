"""Write an execution report in a few lines of text, for a terminal. The page and the CSV have all of it."""

from collections.abc import Iterator
from decimal import Decimal

from twap_models.reading import NOTHING, number
from twap_models.report import Cost, ExecutionReport
from twap_server.domain.orders.order import Fill
from twap_server.domain.orders.record import OrderRecord
from twap_server.reports.present import execution_report
from twap_server.reports.words import short, stamp

_PARTS = ("delay", "timing", "spread", "latency", "depth", "opportunity", "fees")


def summary(record: OrderRecord) -> Iterator[str]:
    """Say what became of an order and what it cost, in a handful of lines."""
    made, terms = execution_report(record), record.order.terms
    yield (
        f"{terms.token_id}: {terms.side.value} {number(made.quantity)} {terms.symbol} on {terms.exchange}, "
        f"{made.status.value}: {number(made.filled_quantity)} at {number(made.average_price)} "
        f"in {made.fills} {'fill' if made.fills == 1 else 'fills'}"
    )
    why = record.order.progress.detail
    if why and not any(why in note for note in made.notes):
        yield f"  {why}"
    if made.fills:
        yield from _costs(made)
    outcomes = ", ".join(f"{count} {name}" for name, count in made.slices_by_outcome.items() if count)
    reasons = ", ".join(f"{count} {name}" for name, count in made.slices_by_reason.items() if count)
    if outcomes:
        yield f"  slices: {outcomes}{f' ({reasons})' if reasons else ''}"
    if made.sha256:
        yield f"  sha256 {made.sha256}"
    yield from (f"  note: {note}" for note in made.notes)


def fill_lines(record: OrderRecord) -> Iterator[str]:
    """One line for each fill."""
    return (f"  {_fill(one)}" for one in record.fills)


def _costs(made: ExecutionReport) -> Iterator[str]:
    whole = made.costs.implementation_shortfall
    parts = ", ".join(f"{name} {_bps(getattr(made.costs, name))}" for name in _PARTS)
    basis = "" if made.filled_quantity == made.quantity else " of the whole order"
    yield f"  shortfall {_bps(whole)} bps{basis}: {parts}"
    if made.forecast_bps is not None:
        yield (
            f"  spread, depth and fees: expected {_signed(made.forecast_bps)} bps at acceptance, "
            f"came to {_signed(made.trading_bps)} bps of what was filled"
        )
    yield (
        f"  arrival price {number(made.arrival_price)}, slippage {_signed(made.arrival_slippage_bps)} bps; "
        f"against the market's TWAP {_in_bps(made.market_twap_slippage_bps)}, "
        f"its VWAP {_in_bps(made.market_vwap_slippage_bps)}"
    )


def _bps(cost: Cost) -> str:
    return _signed(cost.bps)


def _signed(value: Decimal | None) -> str:
    return NOTHING if value is None else short(value)


def _in_bps(value: Decimal | None) -> str:
    return "not known" if value is None else f"{short(value)} bps"


def _fill(one: Fill) -> str:
    return f"{stamp(one.time)} slice {one.slice_index + 1}: {number(one.quantity)} at {number(one.price)}"
