"""Match a slice against the opposite side of books: aggressive, immediate-or-cancel (contract section 5).

Walk from the best level while the price is within the limit and the slippage cap, never beyond what is
displayed less what this user took there, one fill per level. Over several exchanges the levels come in the
order of what they really cost, the taker fee included.

The values here live for one walk; nothing keeps them. They are structs, as in ``domain/orders/order.py``,
because each slice makes some.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from heapq import merge

from msgspec import Struct

from twap_models.enums import Side, SliceReason
from twap_server.domain import exact
from twap_server.domain.exact import ZERO
from twap_server.domain.market.events import PriceLevel

_ONE = Decimal(1)
_BASIS_POINT = Decimal("0.0001")


class VenueLevel(Struct, frozen=True, gc=False):
    """A level of one exchange's book, or a part taken from it."""

    exchange: str
    price: Decimal
    quantity: Decimal


class ExchangeLevels(Struct, kw_only=True, gc=False):
    """The levels a taker meets on one exchange, best first, and the fee there as a share of the notional."""

    exchange: str
    levels: Iterable[PriceLevel]
    fee: Decimal = ZERO


class PriceBounds(Struct, kw_only=True, gc=False):
    """How far a walk may go: the order's limit, and the worst price its slippage cap allows."""

    side: Side
    limit: Decimal | None = None
    cap: Decimal | None = None

    def stop(self, price: Decimal) -> SliceReason | None:
        """What forbids this price, None where nothing does."""
        limit, cap = self.limit, self.cap
        if limit is not None and not within(self.side, price, limit):
            return SliceReason.LIMIT_NOT_MET
        if cap is not None and not within(self.side, price, cap):
            return SliceReason.SLIPPAGE_CAP
        return None


class Match(Struct, kw_only=True, gc=False):
    """Fills in the order taken, at most one per level, and what stopped the walk (None: all was filled)."""

    fills: tuple[VenueLevel, ...]
    stopped_by: SliceReason | None

    @property
    def filled(self) -> Decimal:
        """Sum of the fills, base currency."""
        return exact.total(fill.quantity for fill in self.fills)


def within(side: Side, price: Decimal, bound: Decimal | None) -> bool:
    """Whether ``price`` is no worse than ``bound`` for this side; no bound allows everything."""
    if bound is None:
        return True
    return price <= bound if side is Side.BUY else price >= bound


def slippage_bound(side: Side, mid: Decimal, max_slippage_bps: Decimal | None) -> Decimal | None:
    """Worst price that ``max_slippage_bps`` from the mid allows; None without a cap."""
    if max_slippage_bps is None:
        return None
    share = exact.multiply(max_slippage_bps, _BASIS_POINT)
    away = exact.add(_ONE, share) if side is Side.BUY else exact.subtract(_ONE, share)
    return exact.multiply(mid, away)


def best(side: Side, ladders: Sequence[ExchangeLevels]) -> VenueLevel | None:
    """The first level of a walk over all ladders, whatever the limit; None where there is no level."""
    return next(_in_order(ladders, PriceBounds(side=side), set()), None)


def match(
    wanted: Decimal,
    ladders: Sequence[ExchangeLevels],
    bounds: PriceBounds,
    *,
    available: Callable[[VenueLevel], Decimal] = lambda offer: offer.quantity,
) -> Match:
    """Walk the ladders and take what is wanted.

    Args:
        wanted: base currency, above 0.
        ladders: one per exchange.
        bounds: side, limit and cap.
        available: how much of a level this user can still take, at least 0.
    """
    fills: list[VenueLevel] = []
    left, stops = wanted, set[SliceReason]()
    for offer in _in_order(ladders, bounds, stops):
        there = available(offer)
        if there >= left:
            fills.append(VenueLevel(offer.exchange, offer.price, left))
            return Match(fills=tuple(fills), stopped_by=None)
        if there > ZERO:
            fills.append(VenueLevel(offer.exchange, offer.price, there))
            left = exact.subtract(left, there)
    return Match(fills=tuple(fills), stopped_by=_first_of(stops))


def match_at_touch(wanted: Decimal, ladders: Sequence[ExchangeLevels], bounds: PriceBounds) -> Match:
    """``fidelity=l1``: the whole slice at the best price, whatever its size. For comparison only."""
    touch = best(bounds.side, ladders)
    if touch is None:
        return Match(fills=(), stopped_by=SliceReason.DEPTH_EXHAUSTED)
    stop = bounds.stop(touch.price)
    if stop is not None:
        return Match(fills=(), stopped_by=stop)
    return Match(fills=(VenueLevel(touch.exchange, touch.price, wanted),), stopped_by=None)


def _in_order(
    ladders: Sequence[ExchangeLevels], bounds: PriceBounds, stops: set[SliceReason]
) -> Iterator[VenueLevel]:
    """What is within bounds, cheapest for the taker first, fees included; ties as the ladders stand."""
    if len(ladders) == 1:
        return _offers(ladders[0], bounds, stops)
    sign = Decimal(bounds.side.sign)
    fees = {ladder.exchange: ladder.fee for ladder in ladders}

    def cost(offer: VenueLevel) -> Decimal:
        with_fee = exact.add(Decimal(1), exact.multiply(sign, fees[offer.exchange]))
        return exact.multiply(exact.multiply(sign, offer.price), with_fee)

    return merge(*(_offers(ladder, bounds, stops) for ladder in ladders), key=cost)


def _offers(ladder: ExchangeLevels, bounds: PriceBounds, stops: set[SliceReason]) -> Iterator[VenueLevel]:
    """The ladder down to the first level that is out of bounds; what forbade that one joins ``stops``."""
    exchange = ladder.exchange
    is_bounded = bounds.limit is not None or bounds.cap is not None
    for price, quantity in ladder.levels:
        if is_bounded and (stop := bounds.stop(price)) is not None:
            stops.add(stop)
            return
        yield VenueLevel(exchange, price, quantity)


def _first_of(stops: set[SliceReason]) -> SliceReason:
    for reason in (SliceReason.LIMIT_NOT_MET, SliceReason.SLIPPAGE_CAP):
        if reason in stops:
            return reason
    return SliceReason.DEPTH_EXHAUSTED
