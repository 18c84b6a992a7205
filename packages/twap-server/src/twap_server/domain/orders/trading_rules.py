"""Round to an instrument's steps, and only here: quantities down, limit prices to the safe side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from twap_models.enums import Side
from twap_server.domain import exact
from twap_server.domain.exact import ZERO
from twap_server.domain.market.instrument import TRADING, UNUSABLE, Instrument, takes_orders
from twap_server.domain.orders.terms import Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingRules:
    """The grid of one instrument, or one that fits the same instrument on several exchanges."""

    name: str
    """For messages: ``binance:BTC-USDT``."""
    symbol: str
    """Canonical."""
    lot_size: Decimal
    status: str
    """``trading``, or the exchange's own word."""
    destinations: tuple[Destination, ...]
    """The markets behind it: none where no grid can be used."""
    fault: str = ""
    """Why no order fits it, in words; empty where orders do."""
    published: frozenset[str] = frozenset()
    """Exchanges whose published fee applies: on the others it is that of the settings."""
    notices: tuple[str, ...] = ()
    """What whoever orders on it has to know: warnings of every plan."""

    def floor_lot(self, quantity: Decimal) -> Decimal:
        """Round a quantity down to the lot grid."""
        return _to_grid(quantity, self.lot_size, ROUND_FLOOR)

    def safe_limit(self, limit: Decimal | None, side: Side) -> Decimal | None:
        """Round a limit so that it never allows more: a buy's down, a sell's up.

        To a price that one of the markets has, the nearest of them: each has all of its own prices within it.
        """
        if limit is None or not self.destinations:
            return limit
        if side is Side.BUY:
            return max(one.prices.floor(limit) for one in self.destinations)
        return min(one.prices.ceiling(limit) for one in self.destinations)

    @property
    def lowest_price(self) -> Decimal:
        """The lowest price that one of the markets has: a tick."""
        return min((one.prices.tick_size for one in self.destinations), default=ZERO)

    def smallest(self, price: Decimal | None) -> Decimal:
        """The smallest quantity that one of the markets takes at ``price``, on the lot grid."""
        return min(smallest_on(destination, self.lot_size, price) for destination in self.destinations)


def trading_rules_of(
    instruments: Sequence[Instrument], fees: Mapping[str, Decimal], *, exchange: str
) -> TradingRules:
    """The grid of one instrument, or of the same one on several exchanges: with a lot that all of them take.

    Args:
        instruments: at least one; what has no usable grid is left out, and what does not trade now while
            another one does.
        fees: exchange to its taker fee.
        exchange: the order's, ``aggregate`` included.
    """
    usable = [one for one in instruments if not one.fault]
    if not usable:
        return _no_grid(instruments[0], exchange)
    chosen = [one for one in usable if takes_orders(one.status, limited=True)] or usable
    return TradingRules(
        name=f"{exchange}:{chosen[0].id.symbol}",
        symbol=chosen[0].id.symbol,
        lot_size=exact.common_multiple([one.lot_size for one in chosen]),
        status=next((one.status for one in chosen if one.status == TRADING), chosen[0].status),
        destinations=tuple(_destination_of(one, fees.get(one.id.exchange, ZERO)) for one in chosen),
    )


def _no_grid(instrument: Instrument, exchange: str) -> TradingRules:
    return TradingRules(
        name=f"{exchange}:{instrument.id.symbol}",
        symbol=instrument.id.symbol,
        lot_size=ZERO,
        status=UNUSABLE,
        destinations=(),
        fault=instrument.fault,
    )


def smallest_on(destination: Destination, lot_size: Decimal, price: Decimal | None) -> Decimal:
    """The smallest quantity that this destination takes at ``price``, on the lot grid."""
    least = max(lot_size, destination.min_quantity)
    if price is not None and price > ZERO and destination.min_notional > ZERO:
        covering = exact.multiply(
            Decimal(exact.whole_up(destination.min_notional, exact.multiply(price, lot_size))), lot_size
        )
        least = max(least, covering)
    return _to_grid(least, lot_size, ROUND_CEILING)


def takes(destination: Destination, quantity: Decimal, lot_size: Decimal, price: Decimal | None) -> bool:
    """Whether this destination takes ``quantity``, a multiple of the lot: it is not below ``smallest_on``."""
    if quantity < lot_size or quantity < destination.min_quantity:
        return False
    if price is None or price <= ZERO or destination.min_notional <= ZERO:
        return True
    return exact.multiply(quantity, price) >= destination.min_notional


def _destination_of(one: Instrument, fee: Decimal) -> Destination:
    return Destination(
        instrument=one.id,
        prices=one.prices,
        lot_size=one.lot_size,
        min_quantity=one.min_quantity,
        min_notional=one.min_notional,
        fee=fee,
    )


def _to_grid(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return exact.to_grid(value, step, rounding) if step > ZERO else value
