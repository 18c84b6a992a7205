"""Remember what users took before this engine worked their orders, from what is recorded of it.

What was taken of a level counts as soon as the book is live, if the level is displayed then: for the same
level, since nobody here saw it go. Under the price shift the walk is known as far as the level that it
reached; what it took within that one is not.
"""

from collections.abc import Iterable
from fractions import Fraction

from twap_models.enums import ImpactModel, Side
from twap_server.domain.clock import Nanos
from twap_server.domain.execution.decision_clock import whole_microseconds
from twap_server.domain.execution.impact import LevelKey
from twap_server.domain.execution.own_impact import ImpactMemories
from twap_server.domain.execution.price_shift import NOWHERE, SideKey
from twap_server.domain.execution.taking import Taking
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.order_book import OrderBook
from twap_server.engine.ports import Market


class HandedOver:
    """What was taken, until the books are there that it was taken from."""

    def __init__(self, market: Market, impact: ImpactMemories) -> None:
        self._market, self._impact = market, impact
        self._waiting: dict[InstrumentId, list[Taking]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, takings: Iterable[Taking], *, now: Nanos) -> None:
        """Take these over, oldest first, at ``now`` at the latest: another server's clock may be ahead."""
        latest = whole_microseconds(now)
        for one in takings:
            at = min(whole_microseconds(one.time), latest)
            if one.realism.impact is ImpactModel.PRICE_SHIFT:
                self._recall_walk(one, at)
            else:
                self._waiting.setdefault(one.instrument, []).append(one)

    def bind(self, *, now: Nanos) -> None:
        """Remember what was taken from the books that are live now. Call it before anything is decided."""
        latest = whole_microseconds(now)
        for instrument in list(self._waiting):
            live = self._market.live_book(instrument)
            if live is not None and live.status is BookStatus.LIVE:
                self._recall(self._waiting.pop(instrument), live.book, latest)

    def _recall(self, takings: Iterable[Taking], book: OrderBook, latest: Nanos) -> None:
        displayed = {side: {level.price for level in book.walk(side)} for side in Side}
        for one in takings:
            if one.price in displayed[one.side]:
                self._impact.levels(one.realism.half_life).recall(
                    LevelKey(one.user_id, one.instrument, one.side, one.price),
                    one.quantity,
                    at=min(whole_microseconds(one.time), latest),
                    level_epoch=book.ensure_level_epoch(one.side, one.price),
                )

    def _recall_walk(self, one: Taking, at: Nanos) -> None:
        if one.touch is None:
            return
        distance = (Fraction(one.price) - Fraction(one.touch)) * one.side.sign
        key = SideKey(one.user_id, one.instrument, one.side)
        self._impact.shifts(one.realism.half_life).recall(key, max(NOWHERE, distance), at=at)
