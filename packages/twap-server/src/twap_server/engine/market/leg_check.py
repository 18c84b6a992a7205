"""Which legs of an aggregate order may be filled across: those that show the same asset.

In: the mids of the legs whose books are open. Out: the legs that are left out. A verdict on a leg holds
until its mid can be compared again: the odd one is not trusted for being the only one left. Legs that were
never compared wait for one another for a while: the book that comes first may be another asset's. After a
restart nothing is known of before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.same_asset import agreeing

_HUNDRED = Decimal(100)

Legs: TypeAlias = tuple[InstrumentId, ...]
"""All legs of an order."""


@dataclass(slots=True)
class _Seen:
    """What is known of some legs since they were first looked at."""

    since: Nanos
    apart: frozenset[InstrumentId] = frozenset()
    is_compared: bool = False


class LegCheck:
    """Remembers which legs lay apart when they were last compared."""

    def __init__(self, spread: Decimal, *, patience: int) -> None:
        """Build it.

        Args:
            spread: how far two mids may lie apart, as a share of the lower one.
            patience: nanoseconds that legs which were never compared wait for one another.
        """
        self._spread, self._patience = spread, patience
        self._seen: dict[Legs, _Seen] = {}

    def apart(self, legs: Legs, mids: Mapping[InstrumentId, Decimal], now: Nanos) -> frozenset[InstrumentId]:
        """The legs not to be filled on now; ``mids`` are those of the legs whose books are open."""
        seen = self._seen.get(legs)
        if seen is None:
            seen = self._seen[legs] = _Seen(now)
        seen.since = min(seen.since, now)  # the wall clock may have gone back
        if len(mids) > 1:
            together = agreeing(mids, self._spread)
            seen.apart = (seen.apart - mids.keys()) | (mids.keys() - together)
            seen.is_compared = True
        return seen.apart

    def may_stand_alone(self, legs: Legs, now: Nanos) -> bool:
        """Whether one leg alone may be filled on: after a comparison, or when the others do not come."""
        seen = self._seen[legs]
        return seen.is_compared or now - seen.since >= self._patience

    def notice(self, leg: InstrumentId, mid: Decimal | None) -> str:
        """What whoever orders on the leg has to know."""
        price = "" if mid is None else f" {exact.text(mid)}"
        percent = exact.text(exact.multiply(self._spread, _HUNDRED))
        return (
            f"{leg}: its mid{price} lies more than {percent} % from the other exchanges': "
            "it may be another asset, so nothing is filled there while it does"
        )
