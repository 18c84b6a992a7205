"""What can be traded, on which grid. The one place that quantises.

Units: price is quote currency per unit of base currency, quantity is base currency.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from twap_server.domain import exact


class InstrumentId(NamedTuple):
    """A market on one exchange, e.g. ``InstrumentId("binance", "BTC-USDT")``."""

    exchange: str
    symbol: str
    """Canonical ``BASE-QUOTE``."""

    def __str__(self) -> str:
        return f"{self.exchange}:{self.symbol}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """An instrument's names, grid and minimums. A minimum of zero means the exchange states none."""

    id: InstrumentId
    native: str
    """The exchange's own spelling, for its requests."""
    base: str
    quote: str
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    status: str
    """``trading``, or the exchange's own word in lower case."""
    aliases: tuple[str, ...] = ()
    """Other spellings that mean this instrument, as the exchange itself uses them (e.g. ``XBTUSD``)."""

    @property
    def tradable(self) -> bool:
        """Whether orders are accepted now."""
        return self.status == "trading"

    def floor_lot(self, quantity: Decimal) -> Decimal:
        """Round a quantity down to the lot grid."""
        return _to_grid(quantity, self.lot_size, ROUND_FLOOR)

    def ceil_lot(self, quantity: Decimal) -> Decimal:
        """Round a quantity up to the lot grid."""
        return _to_grid(quantity, self.lot_size, ROUND_CEILING)

    def floor_tick(self, price: Decimal) -> Decimal:
        """Round a price down to the tick grid: the safe side of a buy's limit."""
        return _to_grid(price, self.tick_size, ROUND_FLOOR)

    def ceil_tick(self, price: Decimal) -> Decimal:
        """Round a price up to the tick grid: the safe side of a sell's limit."""
        return _to_grid(price, self.tick_size, ROUND_CEILING)


def _to_grid(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return exact.to_grid(value, step, rounding) if step > 0 else value
