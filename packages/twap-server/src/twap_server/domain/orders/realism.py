"""Say how much of what a real order meets is simulated: latency, own impact and fees.

In: a profile's name, or figures of an order's own. Out: values that are fixed at acceptance, so that a
restart and a replay meet the same. Pure: what is drawn depends on the order's seed and the slice alone, and
whole numbers decide it.

The latency of a slice lies within mean ± spread, each nanosecond as likely as any other. Latencies of real
lines have a longer tail; who wants one gives a wider spread.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from twap_models.enums import FeeSource, ImpactModel, RealismProfile
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.orders import draws

SHIFT_HALF_LIFE: Final = 30 * SECOND
"""Of the price shift, where an order does not give another: an assumption, as every half-life here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Realism:
    """What an order's slices meet on their way; lengths of time in nanoseconds."""

    profile: RealismProfile = RealismProfile.IDEAL
    latency: int = 0
    """From the decision to the exchange, on average."""
    latency_spread: int = 0
    """At most so much more or less, never more than ``latency``."""
    impact: ImpactModel = ImpactModel.LEVEL
    half_life: int | None = None
    """Of own impact, above 0; None: that of the settings."""
    fees: FeeSource = FeeSource.SETTINGS

    @property
    def slowest(self) -> int:
        """The longest latency that can be drawn."""
        return self.latency + self.latency_spread

    def drawn(self, seed: bytes, index: int) -> int:
        """The latency of slice ``index``, the same whenever asked for."""
        if not self.slowest:
            return 0
        share = draws.drawn(seed, b"latency", index)
        return self.latency - self.latency_spread + (share * (2 * self.latency_spread + 1) >> draws.BITS)


IDEAL: Final = Realism()

PROFILES: Final[Mapping[RealismProfile, Realism]] = MappingProxyType(
    {
        RealismProfile.IDEAL: IDEAL,
        RealismProfile.LOCAL: Realism(
            profile=RealismProfile.LOCAL,
            latency=5 * MILLISECOND,
            latency_spread=3 * MILLISECOND,
            fees=FeeSource.PUBLISHED,
        ),
        RealismProfile.REMOTE: Realism(
            profile=RealismProfile.REMOTE,
            latency=125 * MILLISECOND,
            latency_spread=20 * MILLISECOND,
            fees=FeeSource.PUBLISHED,
        ),
        RealismProfile.ADVERSE: Realism(
            profile=RealismProfile.ADVERSE,
            latency=250 * MILLISECOND,
            latency_spread=60 * MILLISECOND,
            impact=ImpactModel.PRICE_SHIFT,
            half_life=SHIFT_HALF_LIFE,
            fees=FeeSource.PUBLISHED,
        ),
    }
)
"""The named profiles. Latencies are round figures of our own choice, not measurements."""
