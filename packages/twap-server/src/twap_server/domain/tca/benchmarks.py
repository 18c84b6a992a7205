"""Compare an order with the market: arrival slippage, time-weighted mid, traded VWAP, mark-outs."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from twap_models.enums import Side
from twap_server.domain import exact
from twap_server.domain.clock import SECOND
from twap_server.domain.exact import ZERO
from twap_server.domain.orders.order import Fill, Order
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.sample import MARK_OUTS, Sample
from twap_server.domain.tca.prices import Measured, Prices, end_of, first_at, time_weighted

_MARK_LATE = SECOND
"""A mark-out is measured at most this much after its moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmarks:
    """Prices to hold the average against; slippages in basis points of the benchmark, positive is a cost."""

    arrival_slippage_bps: Decimal | None
    """``s·(average − P_a) / P_a``."""
    market_twap: Decimal | None
    """Time-weighted mid from the effective start to the end, rounded to 12 decimals."""
    market_twap_coverage_percent: Decimal
    """Share of that time in which a mid was known."""
    market_twap_slippage_bps: Decimal | None
    traded_volume: Decimal
    """Base currency traded in the market, as far as trades were received."""
    market_vwap: Decimal | None
    """Traded notional over traded volume, rounded to 12 decimals."""
    market_vwap_slippage_bps: Decimal | None
    participation_percent: Decimal | None
    """What the order filled, in percent of the traded volume (which does not contain it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkOut:
    """Where the mid stood some time after the fills, against what they paid."""

    seconds: int
    fills: int
    """How many could be measured."""
    quantity: Decimal
    """Base currency of those."""
    amount: Decimal | None
    """``Σ s·(p − mid later)·x``: quote currency, positive is a cost; None when none was measured."""
    bps: Decimal | None
    """The amount in basis points of those fills' notional."""


def benchmarks(record: OrderRecord, mids: Sequence[Measured], prices: Prices) -> Benchmarks:
    """Compare an order's average price with what the market offered."""
    order = record.order
    filled = order.progress.filled
    twap = time_weighted(order, mids)
    volume, notional = traded(order, record.samples)
    return Benchmarks(
        arrival_slippage_bps=None if prices.arrival is None else _against(order, prices.arrival.value),
        market_twap=None if twap is None else exact.ratio(twap.area, twap.covered),
        market_twap_coverage_percent=ZERO if twap is None else exact.percent(twap.covered, twap.whole),
        market_twap_slippage_bps=None if twap is None else _against(order, twap.area, twap.covered),
        traded_volume=volume,
        market_vwap=exact.ratio(notional, volume) if volume else None,
        market_vwap_slippage_bps=_against(order, notional, volume) if volume else None,
        participation_percent=exact.percent(filled, volume) if volume else None,
    )


def traded(order: Order, samples: Sequence[Sample]) -> tuple[Decimal, Decimal]:
    """Volume and notional traded in the market from the effective start to the end."""
    end = end_of(order)
    inside = [one for one in samples if end is None or one.time <= end]
    return exact.total(one.volume for one in inside), exact.total(one.notional for one in inside)


def mark_outs(record: OrderRecord, mids: Sequence[Measured]) -> tuple[MarkOut, ...]:
    """Measure every fill that can be measured, for each horizon."""
    side = record.order.terms.side
    return tuple(_mark_out(side, seconds, record.fills, mids) for seconds in MARK_OUTS)


def _mark_out(side: Side, seconds: int, fills: Sequence[Fill], mids: Sequence[Measured]) -> MarkOut:
    later = {
        moment: first_at(mids, moment + seconds * SECOND, within=_MARK_LATE)
        for moment in {fill.time for fill in fills}
    }
    known = [(fill, price) for fill in fills if (price := later[fill.time]) is not None]
    paid = exact.total(exact.multiply(fill.price, fill.quantity) for fill, _ in known)
    worth = exact.total(exact.multiply(price.value, fill.quantity) for fill, price in known)
    amount = exact.signed(side.sign, exact.subtract(paid, worth))
    return MarkOut(
        seconds=seconds,
        fills=len(known),
        quantity=exact.total(fill.quantity for fill, _ in known),
        amount=amount if known else None,
        bps=exact.basis_points(amount, paid) if paid else None,
    )


def _against(order: Order, value: Decimal, weight: Decimal = Decimal(1)) -> Decimal | None:
    """``s·(average − b)/b`` in basis points for a benchmark ``b = value/weight``, rounded once."""
    filled = order.progress.filled
    if not filled or not value:
        return None
    at_benchmark = exact.multiply(value, filled)
    more = exact.subtract(exact.multiply(order.progress.notional, weight), at_benchmark)
    return exact.basis_points(exact.signed(order.terms.side.sign, more), at_benchmark)
