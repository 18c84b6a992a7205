"""Trade cost against risk: the optimal schedule under linear impact. Pure, ``Decimal`` at fixed precision.

After R. Almgren and N. Chriss, "Optimal execution of portfolio transactions", 2000. Their words: ``σ`` is the
volatility, ``η`` temporary impact (price for a rate of trading), ``γ`` permanent impact (price for a
quantity), ``λ`` the aversion to risk, ``τ`` the interval, ``κ`` how fast the schedule
decays. Units: any, the same throughout; here seconds, quote and base currency.
"""

from dataclasses import dataclass
from decimal import Decimal

from twap_server.domain.exact import FINE

_HALF = Decimal("0.5")
_TWO = Decimal(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """How an order moves its market, linearly."""

    temporary: Decimal
    """``η``: quote currency per base currency a second."""
    permanent: Decimal
    """``γ``: quote currency per base currency."""

    def bend(self, interval: Decimal) -> Decimal:
        """``η̃ = η − γτ/2``: what of the temporary impact can be saved; an order needs it above 0."""
        saved = FINE.multiply(FINE.multiply(self.permanent, interval), _HALF)
        return FINE.subtract(self.temporary, saved)


def kappa(*, risk_aversion: Decimal, variance: Decimal, impact: Impact, interval: Decimal) -> Decimal:
    """``κ``, from ``κ̃² = λσ²/η̃`` and ``2(cosh κτ − 1)/τ² = κ̃²``.

    Args:
        risk_aversion: ``λ``, per quote currency.
        variance: ``σ²``: quote currency squared a second.
        impact: of the order; its ``bend`` is above 0.
        interval: ``τ``, seconds.
    """
    squared = FINE.divide(FINE.multiply(risk_aversion, variance), impact.bend(interval))
    step = FINE.multiply(squared, FINE.multiply(FINE.multiply(interval, interval), _HALF))
    # arcosh(1 + s) = ln(1 + s + sqrt(s(s + 2)))
    root = FINE.sqrt(FINE.multiply(step, FINE.add(step, _TWO)))
    return FINE.divide(FINE.ln(FINE.add(Decimal(1), FINE.add(step, root))), interval)
