"""Walk books whose best levels are out of a user's reach, and remember how far the walk came.

In: the open books of a slice, its terms, what users walked. See ``domain/execution/price_shift.py``.
"""

from decimal import Decimal

from twap_server.domain import exact
from twap_server.domain.execution.matching import ExchangeLevels, Match
from twap_server.domain.execution.own_impact import ImpactMemories
from twap_server.domain.execution.price_shift import SideKey, reached, within_reach
from twap_server.domain.orders.terms import Destination, OrderTerms
from twap_server.engine.market.book_view import BookSide
from twap_server.engine.market.snapshot import Quotes

_BASIS_POINT = Decimal("0.0001")


def ladders_within_reach(terms: OrderTerms, quotes: Quotes, impact: ImpactMemories) -> list[ExchangeLevels]:
    """The levels that a taker under the price shift meets; see ``Quotes.ladders``."""
    shifts = impact.shifts(terms.realism.half_life)
    made = []
    for destination, seen in quotes.open:
        levels = seen.side_for(terms.side)
        distance = shifts.distance(_key(terms, destination))
        if distance:
            left = within_reach(levels, terms.side, distance, tick=_tick(destination, levels))
        made.append(
            ExchangeLevels(
                exchange=destination.instrument.exchange,
                levels=left if distance else levels,
                fee=destination.fee,
            )
        )
    return made


def note_walk(terms: OrderTerms, matched: Match, quotes: Quotes, impact: ImpactMemories) -> None:
    """Remember how far these fills came on each exchange; they come nearest first."""
    shifts = impact.shifts(terms.realism.half_life)
    for exchange, last in {fill.exchange: fill for fill in matched.fills}.items():
        destination, seen = quotes.destination(exchange)
        key, levels = _key(terms, destination), seen.side_for(terms.side)
        distance = reached(
            levels,
            terms.side,
            shifts.distance(key),
            tick=_tick(destination, levels),
            price=last.price,
            quantity=last.quantity,
        )
        shifts.walk_to(key, distance)


def _key(terms: OrderTerms, destination: Destination) -> SideKey:
    return SideKey(terms.user_id, destination.instrument, terms.side)


def _tick(destination: Destination, levels: BookSide) -> Decimal:
    """How far the last level of the book reaches; a basis point where the tick is not known."""
    best = levels.best
    price = best.price if best is not None else Decimal(1)
    return destination.prices.step_at(price) or exact.multiply(price, _BASIS_POINT)
