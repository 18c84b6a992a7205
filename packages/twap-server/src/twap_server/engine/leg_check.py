"""Which legs of an aggregate order may be filled across: those that show the same asset.

In: the mids of the legs whose books are open. Out: the legs that are left out. A verdict on a leg holds until
its mid can be compared again: a leg that was the odd one is not trusted for being the only one left. After a
restart nothing is known of before.
"""

from collections.abc import Mapping
from decimal import Decimal

from twap_server.domain import exact
from twap_server.domain.agreement import agreeing
from twap_server.domain.instrument import InstrumentId

_HUNDRED = Decimal(100)


class LegCheck:
    """Remembers which legs lay apart when they were last compared."""

    def __init__(self, spread: Decimal) -> None:
        """Args: spread: how far two mids may lie apart, as a share of the lower one."""
        self._spread = spread
        self._apart: dict[tuple[InstrumentId, ...], frozenset[InstrumentId]] = {}

    def apart(
        self, legs: tuple[InstrumentId, ...], mids: Mapping[InstrumentId, Decimal]
    ) -> frozenset[InstrumentId]:
        """The legs not to be filled on now.

        Args:
            legs: all legs of an order.
            mids: of those whose books are open.
        """
        before = self._apart.get(legs, frozenset())
        if len(mids) < 2:
            return before
        now = (before - mids.keys()) | (mids.keys() - agreeing(mids, self._spread))
        if now:
            self._apart[legs] = now
        elif before:
            del self._apart[legs]
        return now

    def notice(self, leg: InstrumentId, mid: Decimal | None) -> str:
        """What whoever orders on the leg has to know."""
        price = "" if mid is None else f" {exact.text(mid)}"
        percent = exact.text(exact.multiply(self._spread, _HUNDRED))
        return (
            f"{leg}: its mid{price} lies more than {percent} % from the other exchanges': "
            "it may be another asset, so nothing is filled there while it does"
        )
