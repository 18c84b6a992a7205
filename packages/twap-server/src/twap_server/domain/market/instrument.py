"""Describe an instrument: its names and rules. ``domain/orders/trading_rules.py`` rounds to them.

Units: price is quote currency per unit of base currency, quantity is base currency.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from twap_models.enums import InstrumentKind
from twap_server.domain.exact import can_be_said
from twap_server.domain.market.price_grid import PriceGrid
from twap_server.domain.market.symbols import kind_of

TRADING: Final = "trading"
"""The status of an instrument that can be traded now."""
LIMIT_ONLY: Final = "limit_only"
"""It takes orders that have a limit, no others."""
NOT_LISTED: Final = "not_listed"
"""It is missing from the exchange's newest list; whether for good is being asked."""
UNREADABLE: Final = "unreadable"
"""Its entry in the exchange's list cannot be read now."""
UNUSABLE: Final = "unusable"
"""Its tick, lot or minimums cannot be used: ``Instrument.fault`` says why."""
DELISTED: Final = "delisted"
"""The exchange lists it no longer, for good: it says so, and does not know it when asked."""


def takes_orders(status: str, *, limited: bool) -> bool:
    """Tell whether an instrument of this status takes an order now; ``limited``: the order has a limit."""
    return status == TRADING or (status == LIMIT_ONLY and limited)


def stricter(exchange: str, instrument: str) -> str:
    """Join what an exchange says of itself and of an instrument: the status that takes fewer orders."""
    for status in (instrument, exchange):
        if not takes_orders(status, limited=True):
            return status
    return LIMIT_ONLY if LIMIT_ONLY in (exchange, instrument) else TRADING


class InstrumentId(NamedTuple):
    """A market on one exchange, e.g. ``InstrumentId("binance", "BTC-USDT")``."""

    exchange: str
    symbol: str
    """Canonical ``BASE-QUOTE``, of a perpetual ``BASE-QUOTE-PERP``."""

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
    """``trading``, or the exchange's own word in lower case (``limit_only``, ``maintenance``, …)."""
    aliases: tuple[str, ...] = ()
    """Other spellings that mean this instrument, as the exchange itself uses them (e.g. ``XBTUSD``)."""
    kind: InstrumentKind = InstrumentKind.SPOT
    settle: str = ""
    """What gains and losses are paid in; the quote where nothing else is given."""
    multiplier: Decimal = Decimal(1)
    """Base currency in one unit of the exchange's own quantities. Lot, minimums, books, trades and candles
    are base currency already: the adapter multiplies."""
    price_digits: int = 0
    """Most significant digits of a price; 0: as many as the tick leaves."""
    whole_prices: bool = False
    """Whether whole numbers are prices whatever ``price_digits`` says."""

    def __post_init__(self) -> None:
        """Fill the currency of settlement."""
        if not self.settle:
            object.__setattr__(self, "settle", self.quote)  # frozen for everybody else

    @property
    def prices(self) -> PriceGrid:
        """Which prices it has."""
        return PriceGrid(self.tick_size, self.price_digits, self.whole_prices)

    @property
    def fault(self) -> str:
        """Why no order fits its names and grid, in words; empty where orders do."""
        if not (self.base and self.quote):
            return "one of its two assets has no name"
        if kind_of(self.id.symbol) is not self.kind:
            return f"its name {self.id.symbol} is not that of a {self.kind.value} instrument"
        steps = (("tick size", self.tick_size), ("lot size", self.lot_size))
        minimums = (("smallest quantity", self.min_quantity), ("smallest value", self.min_notional))
        for name, step in steps:
            if not step:
                return f"its {name} is not known"
        for name, figure in (*steps, *minimums):
            if not can_be_said(figure):
                return f"its {name} cannot be used: {figure}"
        return self.prices.fault
