"""What can be traded, under which names and rules. ``domain/grid.py`` quantises.

Units: price is quote currency per unit of base currency, quantity is base currency.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

TRADING = "trading"
"""The status of an instrument that can be traded now."""


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
        return self.status == TRADING
