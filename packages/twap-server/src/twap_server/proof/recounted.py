"""Count anew what others traded between an order's decisions.

It is counted as the engine did, with one thing unknown: a recording tells moments to the microsecond, so a
trade of the very instant of a decision may have come before or after it. Of what such a decision may have
counted the next one takes what gives the recorded volume.
"""

from collections.abc import Collection
from decimal import Decimal

from twap_server.domain.clock import MICROSECOND, Nanos
from twap_server.domain.orders.order import Order, SliceResult
from twap_server.domain.orders.terms import Destination
from twap_server.domain.orders.volume_count import Totals, VolumeCount
from twap_server.proof.recorded_market import RecordedMarket


class RecountedVolume:
    """How far one order has counted, as far as the recording tells."""

    def __init__(self) -> None:
        self._count = VolumeCount()
        self._looked: list[Totals] = []
        """What the last look may have seen, the least first."""
        self._counted = self._looked
        """What the order may have counted."""
        self._instant: Nanos | None = None
        """Of the last look, while trades of it may be to come."""

    def begin_run(self, order: Order, market: RecordedMarket) -> None:
        """Begin anew, as a server that was started again."""
        self._count, self._instant = VolumeCount(), None
        self._count.go_on(order, market)
        self._looked = self._counted = []

    def look(self, order: Order, market: RecordedMarket) -> None:
        """Note what was traded until now; see ``settle``."""
        self._count.look(order, market)

    def since_before(
        self, order: Order, told: SliceResult, odd: Collection[Destination], market: RecordedMarket
    ) -> Decimal | None:
        """What was traded since the slice before, the recorded volume where that can be; see ``settle``."""
        for counted in self._counted:
            self._count.counted = counted
            found = self._count.since_before(order, told.index, odd, market)
            if found == told.traded:
                return found
        if self._counted:
            self._count.counted = self._counted[0]
        return self._count.since_before(order, told.index, odd, market)

    def settle(self, moment: Nanos) -> None:
        """The last look was the one that a decision was made by, at this moment."""
        if self._count.looked is not None:
            self._looked, self._instant = [self._count.looked], moment

    def keep(self, order: Order, result: SliceResult) -> None:
        """Go on from a slice whose decision is as recorded; see ``VolumeCount.keep``."""
        before = self._count.counted
        self._count.keep(order, result)
        if self._count.counted is not before:
            self._counted = self._looked

    def play_before(self, moment: Nanos, order: Order, market: RecordedMarket) -> None:
        """Play what surely came before a moment."""
        while self._instant is not None and market.play_same_instant(
            min(self._instant, Nanos(moment - MICROSECOND))
        ):
            self._may_have_seen(order, market)
        market.play_before(moment)

    def _may_have_seen(self, order: Order, market: RecordedMarket) -> None:
        """The last look may have seen what was played now, too."""
        if self._instant is not None:  # else it was another run's
            self._count.look(order, market)
            if self._count.looked is not None:
                self._looked.append(self._count.looked)
            self._count.looked = self._looked[0]
