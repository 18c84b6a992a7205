"""Say which prices an instrument has: multiples of a tick, on some exchanges with few significant digits.

With digits the step grows with the price: at five digits it is 10 at 118,940 and 0.01 at 123.45.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from twap_server.domain import exact
from twap_server.domain.exact import ZERO

_ONE = Decimal(1)


class PriceGrid(NamedTuple):
    """The prices of one instrument. With ``digits`` the tick is a power of ten: ``fault`` says so."""

    tick_size: Decimal
    """0: not known, every price lies on the grid."""
    digits: int = 0
    """Most significant digits of a price; 0: as many as the tick leaves."""
    whole: bool = False
    """Whether whole numbers are prices however many digits they have."""

    @property
    def fault(self) -> str:
        """Why tick and digits make no grid, in words; empty where they do."""
        if self.digits and self.tick_size.normalize().as_tuple().digits != (1,):
            return f"its tick size is no power of ten, and its prices have {self.digits} digits"
        return ""

    def floor(self, price: Decimal) -> Decimal:
        """The highest price of the grid that is not above ``price`` (0 or above); 0 where there is none."""
        return self._rounded(price, ROUND_FLOOR)

    def ceiling(self, price: Decimal) -> Decimal:
        """The lowest price of the grid that is not below ``price`` (0 or above)."""
        return self._rounded(price, ROUND_CEILING)

    def step_at(self, price: Decimal) -> Decimal:
        """How far apart prices are at ``price``."""
        if not (self.digits and price):
            return self.tick_size
        least = price.adjusted() + 1 - self.digits
        by_digits = Decimal(10**least) if least >= 0 else _ONE.scaleb(least)
        return max(self.tick_size, min(by_digits, _ONE) if self.whole else by_digits)

    def _rounded(self, price: Decimal, rounding: str) -> Decimal:
        step = self.step_at(price)
        return exact.to_grid(price, step, rounding) if step > ZERO else price
