"""Estimate what an order would cost on the books of one moment: slice by slice, and in one sweep.

In: a schedule, the ladders of a moment, the order's bounds. Out: estimates, exact. Each slice is walked
through the same displayed depth, as if the books refilled in between; where prices will go is not guessed.
Own impact, ``randomize`` and ``participation_cap`` are left out.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from twap_models.enums import Fidelity, Side, SliceReason
from twap_server.domain import exact
from twap_server.domain.exact import ZERO
from twap_server.domain.execution.matching import ExchangeLevels, PriceBounds, match, match_at_touch
from twap_server.domain.market.events import PriceLevel
from twap_server.domain.orders.curves import Linear
from twap_server.domain.orders.schedule import Schedule

_PARTS = 16
"""That a curve is estimated in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The books an order meets now."""

    side: Side
    mid: Decimal
    touch: Decimal
    """Best price of the side it takes."""
    ladders: Callable[[], Sequence[ExchangeLevels]]
    """Fresh for each walk: a walk reads them up."""


class WalkBudget:
    """How many levels several walks together may read: whoever asks for much must not hold up others."""

    def __init__(self, levels: int) -> None:
        self._left = levels

    def bound(self, moment: Moment) -> Moment:
        """The same books; reading more than what is left raises ``BudgetSpent``."""

        def ladders() -> Sequence[ExchangeLevels]:
            return [
                ExchangeLevels(exchange=one.exchange, levels=self._counted(one.levels), fee=one.fee)
                for one in moment.ladders()
            ]

        return replace(moment, ladders=ladders)

    def _counted(self, levels: Iterable[PriceLevel]) -> Iterator[PriceLevel]:
        for level in levels:
            if not self._left:
                raise BudgetSpent
            self._left -= 1
            yield level


class BudgetSpent(Exception):
    """As many levels were read as may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Taking a quantity: quote currency, a positive figure is a cost; ``total`` is the sum of its parts."""

    filled: Decimal = ZERO
    unfilled: Decimal = ZERO
    notional: Decimal = ZERO
    spread: Decimal = ZERO
    depth: Decimal = ZERO
    fees: Decimal = ZERO
    mid_value: Decimal = ZERO
    """What was filled, valued at the mid."""
    stopped_by: SliceReason | None = None
    """What ended a walk before all was taken."""

    @property
    def total(self) -> Decimal:
        """Spread, depth and fees."""
        return exact.total([self.spread, self.depth, self.fees])

    @property
    def average_price(self) -> Decimal | None:
        """Rounded half-even to 12 decimals; None where nothing fills."""
        return exact.ratio(self.notional, self.filled) if self.filled else None

    @property
    def total_bps(self) -> Decimal | None:
        """Total in basis points of the quantity valued at the mid, half-even to 4 decimals."""
        if not self.mid_value:
            return None
        return exact.basis_points(self.total, self.mid_value)

    def times(self, count: int) -> "Estimate":
        """The same again and again."""
        factor = Decimal(count)
        return replace(
            self,
            filled=exact.multiply(self.filled, factor),
            unfilled=exact.multiply(self.unfilled, factor),
            notional=exact.multiply(self.notional, factor),
            spread=exact.multiply(self.spread, factor),
            depth=exact.multiply(self.depth, factor),
            fees=exact.multiply(self.fees, factor),
            mid_value=exact.multiply(self.mid_value, factor),
        )

    def plus(self, other: "Estimate") -> "Estimate":
        """Both together."""
        return Estimate(
            filled=exact.add(self.filled, other.filled),
            unfilled=exact.add(self.unfilled, other.unfilled),
            notional=exact.add(self.notional, other.notional),
            spread=exact.add(self.spread, other.spread),
            depth=exact.add(self.depth, other.depth),
            fees=exact.add(self.fees, other.fees),
            mid_value=exact.add(self.mid_value, other.mid_value),
            stopped_by=self.stopped_by or other.stopped_by,
        )


def all_slices(
    schedule: Schedule, moment: Moment, bounds: PriceBounds, fidelity: Fidelity, *, skipped: int = 0
) -> Estimate:
    """Estimate all slices of a plan together; many slices cost no more time than few.

    Each meets the same books, so the largest one is walked, and the others take the beginning of its walk.
    """
    found = sizes(schedule, skipped=skipped)
    slices = Estimate()
    if not found:
        return slices
    walk = BookWalk(max(size for size, _ in found), moment, bounds, fidelity)
    for size, count in found:
        slices = slices.plus(walk.beginning(size).times(count))
    return slices


def estimate(quantity: Decimal, moment: Moment, bounds: PriceBounds, fidelity: Fidelity) -> Estimate:
    """Take ``quantity`` (above 0) from the books."""
    return BookWalk(quantity, moment, bounds, fidelity).beginning(quantity)


class BookWalk:
    """What taking a quantity from the books meets, and what taking less of it would."""

    def __init__(self, most: Decimal, moment: Moment, bounds: PriceBounds, fidelity: Fidelity) -> None:
        ladders = moment.ladders()
        walked = (match_at_touch if fidelity is Fidelity.L1 else match)(most, ladders, bounds)
        fees = {ladder.exchange: ladder.fee for ladder in ladders}
        self._moment, self._stopped_by = moment, walked.stopped_by
        self._fills = [(fill.price, fill.quantity, fees[fill.exchange]) for fill in walked.fills]
        self._reached = [ZERO]
        """Quantity, notional and fees of the first fills, by how many."""
        self._notional, self._fees = [ZERO], [ZERO]
        for price, quantity, fee in self._fills:
            self._add(price, quantity, fee)

    def _add(self, price: Decimal, quantity: Decimal, fee: Decimal) -> None:
        value = exact.multiply(price, quantity)
        self._reached.append(exact.add(self._reached[-1], quantity))
        self._notional.append(exact.add(self._notional[-1], value))
        self._fees.append(exact.add(self._fees[-1], exact.multiply(value, fee)))

    def beginning(self, quantity: Decimal) -> Estimate:
        """What the first ``quantity`` of it comes to: as if only that had been taken."""
        whole = min(bisect_right(self._reached, quantity) - 1, len(self._fills))
        filled, notional, fees = self._reached[whole], self._notional[whole], self._fees[whole]
        if filled < quantity and whole < len(self._fills):
            price, _, fee = self._fills[whole]
            value = exact.multiply(price, exact.subtract(quantity, filled))
            filled, notional = quantity, exact.add(notional, value)
            fees = exact.add(fees, exact.multiply(value, fee))
        return self._costed(quantity, filled, notional, fees)

    def _costed(self, quantity: Decimal, filled: Decimal, notional: Decimal, fees: Decimal) -> Estimate:
        moment = self._moment
        at_mid, at_touch = exact.multiply(moment.mid, filled), exact.multiply(moment.touch, filled)
        return Estimate(
            filled=filled,
            unfilled=exact.subtract(quantity, filled),
            notional=notional,
            spread=exact.signed(moment.side.sign, exact.subtract(at_touch, at_mid)),
            depth=exact.signed(moment.side.sign, exact.subtract(notional, at_touch)),
            fees=fees,
            mid_value=at_mid,
            stopped_by=self._stopped_by if filled < quantity else None,
        )


def sizes(schedule: Schedule, *, skipped: int = 0) -> list[tuple[Decimal, int]]:
    """The sizes of the plain curve's slices and how many have each: few, however many slices.

    The first ``skipped`` slices are left out. A straight line leaves slices of two sizes, one lot apart, and
    the last takes the rest. Another curve is taken in parts of as many slices, within each of which they
    count as equal: exact where an order has no more slices than there are parts.
    """
    plain = replace(schedule, randomize=ZERO)
    others = plain.count - 1 - skipped
    if others < 0:
        return []
    parts = 1 if isinstance(plain.curve, Linear) else _PARTS
    edges = sorted({skipped + others * part // parts for part in range(parts + 1)} | {plain.count})
    found = Counter[Decimal]()
    for begin, end in pairwise(edges):
        found.update(dict(_alike(plain, begin, end)))
    return list(found.items())


def _alike(plain: Schedule, begin: int, end: int) -> Iterator[tuple[Decimal, int]]:
    """Sizes of slices from ``begin`` up to ``end``, where all of them are as equal as the lot allows."""
    rise = exact.subtract(plain.target(end - 1), plain.target(begin - 1))
    lots, step = exact.whole(rise, plain.lot_size), plain.lots_a_step
    count = min(end - begin, max(1, lots // step))
    small, larger = divmod(lots, count)
    for size, many in ((small, count - larger), (small + 1, larger)):
        if size and many:
            yield exact.multiply(Decimal(size), plain.lot_size), many
