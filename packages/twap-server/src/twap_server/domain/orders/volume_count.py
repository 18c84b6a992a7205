"""Count what others traded between an order's decisions, where it caps its share of that or follows it.

By totals that never fall, from the decision before on; where there is none to count from, since a moment, as
far as that is remembered. The engine counts by this, and so does whoever recomputes an order.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeAlias

from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import Order, SliceResult
from twap_server.domain.orders.terms import Destination

Totals: TypeAlias = tuple[Decimal, ...]
"""Base currency, of each of the order's markets."""


class TradedMarkets(Protocol):
    """Knows what was traded."""

    def traded_since(self, instrument: InstrumentId, since: Nanos) -> Decimal:
        """Base currency traded since then, as far as it is remembered."""
        ...

    def traded(self, instrument: InstrumentId) -> tuple[Decimal, Decimal]:
        """Base and quote currency traded in all; never goes down."""
        ...


@dataclass(slots=True)
class VolumeCount:
    """How far one order has counted."""

    decided: Nanos | None = None
    """When the slice before was sent or decided, by this process."""
    counted: Totals | None = None
    """What was traded until the order counted last."""
    looked: Totals | None = None
    """The same at its last look: it has counted it once that look's decision is recorded."""

    def look(self, order: Order, markets: TradedMarkets) -> None:
        """Note what was traded until now; something is decided of the order."""
        if _counts(order):
            self.looked = _totals(order, markets)

    def since_before(
        self, order: Order, index: int, odd: Collection[Destination], markets: TradedMarkets
    ) -> Decimal | None:
        """What was traded since the slice before ``index``; None where the order does not count.

        Since its decision, else since its bucket began. Slices that were lost are settled late: what was
        traded since this bucket began counts all the same. An order that follows the volume goes on from
        where it has counted, however long ago that was.

        Args:
            order: its next slice is ``index``.
            index: of the slice.
            odd: markets that do not count now.
            markets: as they are now.
        """
        if not _counts(order):
            return None
        destinations, counted = order.terms.destinations, self.counted
        self.looked = _totals(order, markets)
        if counted is None or self._is_late(order, index):
            since = self._since(order, index)
            kept = [one.instrument for one in destinations if one not in odd]
            return exact.total(markets.traded_since(one, since) for one in kept)
        return exact.total(_differences(self.looked, counted, destinations, odd))

    def keep(self, order: Order, result: SliceResult) -> None:
        """Go on from a slice whose decision is recorded.

        An order that follows the volume counts again what a slice did not count that was lost.
        """
        self.decided = result.sent_at
        if result.traded is not None or not order.schedule.follows_volume:
            self.counted = self.looked

    def go_on(self, order: Order, markets: TradedMarkets) -> None:
        """Take up an order that another process has begun: what was traded in between nobody counted."""
        if order.progress.next_slice > 0 and order.schedule.follows_volume:
            self.counted = _totals(order, markets)

    def _is_late(self, order: Order, index: int) -> bool:
        """Whether the slice before was decided after this one's bucket had begun."""
        follows, decided = order.schedule.follows_volume, self.decided
        return not follows and (decided is None or decided > order.schedule.begin(index))

    def _since(self, order: Order, index: int) -> Nanos:
        schedule, decided = order.schedule, self.decided
        if schedule.follows_volume:
            return max(order.terms.start, schedule.begin(index - 1))
        return schedule.begin(index - 1) if decided is None else min(decided, schedule.begin(index))


def _counts(order: Order) -> bool:
    return order.terms.participation_cap is not None or order.schedule.follows_volume


def _totals(order: Order, markets: TradedMarkets) -> Totals:
    return tuple([markets.traded(one.instrument)[0] for one in order.terms.destinations])


def _differences(
    now: Totals, then: Totals, destinations: Collection[Destination], odd: Collection[Destination]
) -> Iterator[Decimal]:
    for one, after, before in zip(destinations, now, then, strict=True):
        if one not in odd:
            yield exact.subtract(after, before)
