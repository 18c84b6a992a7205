"""Estimate what an order would cost on the books of one moment: slice by slice, and in one sweep.

In: a schedule, the ladders of a moment, the order's bounds. Out: estimates, exact. Each slice is walked
through the same displayed depth, as if the books refilled in between; where prices will go is not guessed.
Own impact, ``randomize`` and ``participation_cap`` are left out.

The books are walked once. What a slice costs rises in a straight line within a level: so slices that end in
the same level are counted together, and their sum is that of each alone, to the last digit. Which do is told
by ``slice_sizes``, which also says what is not exact of more slices than can be looked at.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from twap_models.enums import Fidelity, Side, SliceReason
from twap_server.domain import exact
from twap_server.domain.exact import ZERO
from twap_server.domain.execution.matching import ExchangeLevels, PriceBounds, match, match_at_touch
from twap_server.domain.execution.slice_sizes import SliceSizes
from twap_server.domain.market.events import PriceLevel
from twap_server.domain.orders.schedule import Schedule

_LEVELS_A_LOOK = 3
"""Levels that are read in the time in which a slice's size is worked out."""


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
    """How many levels several walks together may read: whoever asks for much must not hold up others.

    A look at a curve counts as some levels.
    """

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

    def look(self, slices: int) -> None:
        """Count looks at so many slices; more than what is left raises ``BudgetSpent``."""
        self._spend(slices * _LEVELS_A_LOOK)

    def _counted(self, levels: Iterable[PriceLevel]) -> Iterator[PriceLevel]:
        for level in levels:
            self._spend(1)
            yield level

    def _spend(self, levels: int) -> None:
        if self._left < levels:
            self._left = 0
            raise BudgetSpent
        self._left -= levels


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
    schedule: Schedule,
    moment: Moment,
    bounds: PriceBounds,
    fidelity: Fidelity,
    *,
    skipped: int = 0,
    budget: WalkBudget | None = None,
) -> Estimate:
    """Estimate all slices of a plan together.

    Each meets the same books, so the largest one is walked, and the others take the beginning of its walk.

    Args:
        schedule: of the plan; what it would draw is left out.
        moment: the books.
        bounds: of every slice.
        fidelity: how they are filled.
        skipped: first slices that are left out.
        budget: what may be read and looked at; None: as much as it takes.

    Raises:
        BudgetSpent: it was not enough.
    """
    found = SliceSizes(schedule, skipped=skipped, look=budget.look if budget else None)
    if not found.most:
        return Estimate()
    walk = BookWalk(found.most, budget.bound(moment) if budget else moment, bounds, fidelity)
    together = dict[int, tuple[int, Decimal]]()
    for size, count, quantity in found.groups(walk.is_straight):
        level = walk.level(size)
        others = together.get(level, (0, ZERO))
        together[level] = (others[0] + count, exact.add(others[1], quantity))
    slices = Estimate()
    for level, (count, quantity) in together.items():
        slices = slices.plus(walk.ending_in(level, count, quantity))
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

    def level(self, quantity: Decimal) -> int:
        """How many of its fills taking ``quantity`` takes whole: it ends in the one after them."""
        return min(bisect_right(self._reached, quantity) - 1, len(self._fills))

    def is_straight(self, least: Decimal, most: Decimal) -> bool:
        """Whether all quantities from ``least`` to ``most`` end in one level, its begin and end included."""
        level = self.level(least)
        return level == len(self._fills) or most <= self._reached[level + 1]

    def beginning(self, quantity: Decimal) -> Estimate:
        """What the first ``quantity`` of it comes to: as if only that had been taken."""
        return self.ending_in(self.level(quantity), 1, quantity)

    def ending_in(self, level: int, count: int, quantity: Decimal) -> Estimate:
        """What ``count`` beginnings that end in one level come to; ``quantity`` is that of all together."""
        many = Decimal(count)
        filled, notional, fees = (
            exact.multiply(many, whole[level]) for whole in (self._reached, self._notional, self._fees)
        )
        if filled < quantity and level < len(self._fills):
            price, _, fee = self._fills[level]
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
