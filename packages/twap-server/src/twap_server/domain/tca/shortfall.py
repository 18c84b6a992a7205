"""Compute the implementation shortfall and its exact parts (contract section 6).

After A. Perold, "The implementation shortfall: paper versus reality" (1988): what the execution cost against
a paper portfolio that traded everything at the decision price. The parts telescope::

    shortfall   = s·(Σ p·x − X·P_d) + s·(Q − X)·(P_e − P_d) + F
    delay       = s·X·(P_a − P_d)            the market moved before the first slice
    timing      = s·Σ x·(mid − P_a)          the market moved while slices waited for their turn
    spread      = s·Σ x·(touch − mid)        a taker pays half the spread
    latency     = s·Σ x·(touch′ − touch)     the best price moved while the slice was on its way
    depth       = s·Σ x·(p − touch′)         levels behind the best one
    opportunity = s·(Q − X)·(P_e − P_d)      what was never filled
    fees        = F

with ``s`` +1 for a buy, -1 for a sell; ``mid`` and ``touch`` when the slice was decided, ``touch′`` when it
arrived (the same where nothing takes time: then latency is 0). Nothing is rounded, so the parts sum to the
whole to the last digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from twap_models.enums import Side
from twap_server.domain import exact
from twap_server.domain.exact import ZERO
from twap_server.domain.orders.order import Fill
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.tca.prices import Price, Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What was, or would have been, executed."""

    side: Side
    quantity: Decimal
    """``Q``, of the last plan."""
    filled: Decimal
    """``X``."""
    notional: Decimal
    """``Σ p·x``."""
    fees: Decimal
    """``F``."""

    @property
    def unfilled(self) -> Decimal:
        """``Q − X``."""
        return exact.subtract(self.quantity, self.filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Quote currency, positive is a cost; None where a price that it needs was never measured."""

    implementation_shortfall: Decimal | None
    delay: Decimal | None
    timing: Decimal | None
    spread: Decimal | None
    latency: Decimal | None
    depth: Decimal | None
    opportunity: Decimal | None
    fees: Decimal
    reference: Decimal | None
    """``Q·P_d``: what basis points of a cost are basis points of."""

    def bps(self, amount: Decimal | None) -> Decimal | None:
        """An amount in basis points of the reference; None where there is none."""
        return None if amount is None or not self.reference else exact.basis_points(amount, self.reference)


def costs(done: Execution, record: OrderRecord, prices: Prices) -> Costs:
    """The shortfall of an order and its parts."""
    sign, filled = done.side.sign, done.filled
    at_mids = _valued({one.index: one.sent_mid for one in record.slices}, record.fills)
    when_sent = _valued({one.index: one.sent_touch for one in record.slices}, record.fills)
    there = _valued({one.index: one.touch for one in record.slices}, record.fills)
    at_decision, at_arrival = _value(filled, prices.decision), _value(filled, prices.arrival)
    return Costs(
        implementation_shortfall=shortfall(done, prices),
        delay=_difference(sign, at_arrival, at_decision),
        timing=_difference(sign, at_mids, at_arrival),
        spread=_difference(sign, when_sent, at_mids),
        latency=_difference(sign, there, when_sent),
        depth=_difference(sign, done.notional, there),
        opportunity=opportunity(done, prices),
        fees=done.fees,
        reference=_value(done.quantity, prices.decision),
    )


def shortfall(done: Execution, prices: Prices) -> Decimal | None:
    """What an execution cost against everything at the decision price."""
    missed = opportunity(done, prices)
    paid = _difference(done.side.sign, done.notional, _value(done.filled, prices.decision))
    return None if missed is None or paid is None else exact.total([paid, missed, done.fees])


def opportunity(done: Execution, prices: Prices) -> Decimal | None:
    """What it cost that a part was not filled: nothing where all was."""
    unfilled = done.unfilled
    return _difference(done.side.sign, _value(unfilled, prices.end), _value(unfilled, prices.decision))


def _valued(price_of: dict[int, Decimal | None], fills: Sequence[Fill]) -> Decimal | None:
    """``Σ price·x``, by the price of each fill's slice; None where one has none."""
    value = ZERO
    for fill in fills:
        price = price_of.get(fill.slice_index)
        if price is None:
            return None
        value = exact.add(value, exact.multiply(price, fill.quantity))
    return value


def _value(quantity: Decimal, price: Price | None) -> Decimal | None:
    """Nothing is worth nothing, whatever its price."""
    if not quantity:
        return ZERO
    return None if price is None else exact.multiply(quantity, price.value)


def _difference(sign: int, left: Decimal | None, right: Decimal | None) -> Decimal | None:
    if left is None or right is None:
        return None
    return exact.signed(sign, exact.subtract(left, right))
