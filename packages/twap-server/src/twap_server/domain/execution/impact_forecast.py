"""Forecast what an order costs from its market's volume and volatility, where no book shows it. Pure.

After R. Almgren, C. Thum, E. Hauptmann and H. Li, "Direct Estimation of Equity Market Impact", Risk, 2005: a
power law that was fitted to orders in US stocks of 2001 to 2003. Their words: ``X`` is the quantity, ``V``
what a day trades, ``T`` the window in days, ``σ`` the volatility of a day, ``Θ`` how much of that exists,
``I`` how far the price is moved for good, ``J`` the cost. ``Decimal`` at fixed precision.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import FINE
from twap_server.domain.market.candles import DAY

_GAMMA: Final = Decimal("0.314")
_ETA: Final = Decimal("0.142")
_BETA: Final = Decimal("0.6")
_HALF: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactForecast:
    """Of an order whose quantity is spread evenly over its window. Basis points; positive is a cost."""

    quantity: Decimal
    """``X``, base currency."""
    duration: Nanos
    """``T``, above 0."""
    day_volume: Decimal
    """``V``, base currency, above 0."""
    volatility: Decimal
    """``σ``, percent."""

    @property
    def share_percent(self) -> Decimal:
        """``X/V``: what the order is of all that a day trades."""
        return exact.percent(self.quantity, self.day_volume)

    @property
    def temporary_bps(self) -> Decimal:
        """``ση·(X/VT)^β``: what it costs to trade that fast; none of it lasts."""
        return exact.bps_of_percent(self._temporary())

    def lasting_bps(self, supply: Decimal) -> Decimal:
        """``I = σγ·(X/V)·(Θ/V)^¼``: how far the price stays moved.

        Args:
            supply: ``Θ``, base currency, above 0.
        """
        return exact.bps_of_percent(self._lasting(supply))

    def cost_bps(self, supply: Decimal) -> Decimal:
        """``J = I/2 + ση·(X/VT)^β``: on the way the order pays half of what it moves the price."""
        return exact.bps_of_percent(FINE.add(FINE.multiply(_HALF, self._lasting(supply)), self._temporary()))

    def _temporary(self) -> Decimal:
        days = FINE.divide(Decimal(self.duration), Decimal(DAY))
        pace = FINE.divide(self.quantity, FINE.multiply(self.day_volume, days))
        return FINE.multiply(self.volatility, FINE.multiply(_ETA, FINE.power(pace, _BETA)))

    def _lasting(self, supply: Decimal) -> Decimal:
        share = FINE.divide(self.quantity, self.day_volume)
        turnover = FINE.sqrt(FINE.sqrt(FINE.divide(supply, self.day_volume)))
        return FINE.multiply(self.volatility, FINE.multiply(_GAMMA, FINE.multiply(share, turnover)))
