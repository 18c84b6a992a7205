"""Remember how far a user walked into a book: the best levels stay out of their reach, by less and less.

After A. Obizhaeva and J. Wang, "Optimal trading strategy and supply/demand dynamics" (2013): a trade moves
the price by what it took divided by the depth, and the distance decays. For a book of levels it means:

1. Level *i* lies ``d_i`` from the best price, and owns the distance from there to ``d_(i+1)``, the next level
   (the last one owns a tick). Its quantity is spread evenly over that.
2. ``D`` is the distance that the user has walked. Of a level that part is there which lies beyond ``D``: of
   those nearer nothing, of those farther all.
3. Whoever takes ``x`` of a level's displayed ``q`` walks ``x / q`` of its distance further.
4. ``D`` halves every half-life, wherever the best price has gone meanwhile.

Levels keep their prices: a buyer pays what the exchange displays farther away. Fractions throughout, rounded
up once they decay. Pure: time and levels are passed in. Users do not affect one another.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import chain, pairwise
from typing import NamedTuple

from twap_models.enums import Side
from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.execution.decay import halved_distance
from twap_server.domain.execution.fading import FadingMemory
from twap_server.domain.market.events import PriceLevel
from twap_server.domain.market.instrument import InstrumentId

NOWHERE = Fraction(0)
_FINEST = Decimal("1e-30")


class SideKey(NamedTuple):
    """One user's view of one side of a book."""

    user_id: str
    instrument: InstrumentId
    side: Side


class _Band(NamedTuple):
    """A level and the distances from the best price that it owns; all in quote currency."""

    price: Decimal
    quantity: Decimal
    begin: Fraction
    end: Fraction

    def begun_at(self, distance: Fraction) -> Fraction:
        """Where in it the walk stands."""
        return min(max(distance, self.begin), self.end)


class _Shift(NamedTuple):
    distance: Fraction
    at: Nanos


class ShiftMemory(FadingMemory[SideKey, _Shift]):
    """Remembers how far users walked."""

    def distance(self, key: SideKey) -> Fraction:
        """How far from the best price the levels are out of reach; quote currency."""
        shift = self._entries.get(key)
        if shift is None:
            return NOWHERE
        return halved_distance(shift.distance, age=self._monotonic() - shift.at, half_life=self._half_life)

    def walk_to(self, key: SideKey, distance: Fraction) -> None:
        """Remember that the user is that far now."""
        self._note(key, _Shift(distance, self._monotonic()))

    def recall(self, key: SideKey, distance: Fraction, *, at: Nanos) -> None:
        """Remember how far the user was ``at`` an earlier moment, as it is recorded; in order of time."""
        self._entries.pop(key, None)
        self._entries[key] = _Shift(distance, at)


def within_reach(
    levels: Iterable[PriceLevel], side: Side, distance: Fraction, *, tick: Decimal
) -> Iterator[PriceLevel]:
    """What is left of the levels beyond a distance: their own prices, quantities rounded down.

    Args:
        levels: displayed, best first.
        side: of the taker.
        distance: that was walked, at least 0.
        tick: what the last level owns.
    """
    for band in _bands(levels, side, tick):
        if distance <= band.begin:
            yield PriceLevel(band.price, band.quantity)
        elif distance < band.end:
            share = (band.end - distance) / (band.end - band.begin)
            yield PriceLevel(band.price, _down(Fraction(band.quantity) * share))


def reached(
    levels: Iterable[PriceLevel],
    side: Side,
    distance: Fraction,
    *,
    tick: Decimal,
    price: Decimal,
    quantity: Decimal,
) -> Fraction:
    """How far a walk came that began at ``distance`` and took ``quantity`` of the level at ``price`` last.

    Args:
        levels, side, distance, tick: as for ``within_reach``.
        price: of the farthest level that something was taken from; it is among the levels.
        quantity: taken there, above 0.
    """
    band = next(one for one in _bands(levels, side, tick) if one.price == price)
    width = band.end - band.begin
    further = Fraction(quantity) / Fraction(band.quantity) * width
    return min(band.begun_at(distance) + further, band.end)


def _bands(levels: Iterable[PriceLevel], side: Side, tick: Decimal) -> Iterator[_Band]:
    """Each level with the distances it owns."""
    best: Fraction | None = None
    for level, following in pairwise(chain(levels, (None,))):
        assert level is not None, "only the last one has no successor"
        price = Fraction(level.price)
        best = price if best is None else best
        begin = (price - best) * side.sign
        end = begin + Fraction(tick) if following is None else (Fraction(following.price) - best) * side.sign
        yield _Band(level.price, level.quantity, begin, end)


def _down(value: Fraction) -> Decimal:
    """Rounded down to 30 decimals."""
    return exact.multiply(Decimal(value.numerator * 10**30 // value.denominator), _FINEST)
