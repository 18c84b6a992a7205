"""Leave out destinations of an aggregate order whose books do not show the same asset.

In: the mids of the destinations whose books are open. Out: the destinations that are left out. A result holds
until the destination's mid can be compared again: one that differed is not used just because no other book is
left. Destinations that were never compared wait for each other for a while, because the first book may show
another asset. A restart forgets all comparisons.
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

Destinations: TypeAlias = tuple[InstrumentId, ...]
"""All destinations of an order."""


@dataclass(slots=True)
class _Seen:
    """What is known of some destinations since they were first looked at."""

    since: Nanos
    apart: frozenset[InstrumentId] = frozenset()
    is_compared: bool = False


class DestinationCheck:
    """Remembers which destinations lay apart when they were last compared."""

    def __init__(self, spread: Decimal, *, patience: int) -> None:
        """Build it.

        Args:
            spread: how far two mids may lie apart, as a share of the lower one.
            patience: nanoseconds that destinations which were never compared wait for one another.
        """
        self._spread, self._patience = spread, patience
        self._seen: dict[Destinations, _Seen] = {}

    def apart(
        self, destinations: Destinations, mids: Mapping[InstrumentId, Decimal], now: Nanos
    ) -> frozenset[InstrumentId]:
        """The destinations not to be filled on now; ``mids`` are those whose books are open."""
        seen = self._seen.get(destinations)
        if seen is None:
            seen = self._seen[destinations] = _Seen(now)
        seen.since = min(seen.since, now)  # the wall clock may have gone back
        if len(mids) > 1:
            together = agreeing(mids, self._spread)
            seen.apart = (seen.apart - mids.keys()) | (mids.keys() - together)
            seen.is_compared = True
        return seen.apart

    def may_stand_alone(self, destinations: Destinations, now: Nanos) -> bool:
        """Whether one destination alone may be used: after a comparison, or if the others do not come."""
        seen = self._seen[destinations]
        return seen.is_compared or now - seen.since >= self._patience

    def notice(self, destination: InstrumentId, mid: Decimal | None) -> str:
        """What whoever orders on the destination has to know."""
        price = "" if mid is None else f" {exact.text(mid)}"
        percent = exact.text(exact.multiply(self._spread, _HUNDRED))
        return (
            f"{destination}: its mid{price} lies more than {percent} % from the other exchanges': "
            "it may be another asset, so nothing is filled there while it does"
        )
