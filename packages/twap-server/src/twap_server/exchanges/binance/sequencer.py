"""Check that a Binance book has no gap (manual: "How to manage a local order book correctly").

1. Hold every change from the moment of subscribing; U0 is the first one's U.
2. Take a REST snapshot, L its lastUpdateId.
3. L + 1 < U0: the snapshot is too old, take another; what is held stays held.
4. Drop held changes with u <= L.
5. The first one left must have U <= L + 1 (it usually straddles the snapshot).
6. Apply it and all after it; local = u after each.
7. From then on: u <= local is old, U > local + 1 is a gap, else apply.
8. A new connection, or ids that start anew, begin at step 1. A stream's own ids only rise: one that goes back
   (other than the last one repeated) has started anew, or lost its order.
"""

from typing import Final

from twap_server.domain.market.errors import SequenceGap, SnapshotTooOld
from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.order_book import OrderBook

MAX_HELD: Final = 10_000
"""Changes held while waiting for a snapshot; one more and the wait starts anew."""

_MAX_OLD: Final = 50
"""A snapshot can be ahead of the stream by some changes; by more than this, ids have started anew."""


class BinanceSequencer:
    """Update ids of one instrument."""

    __slots__ = ("_held", "_last", "_newest", "_old", "_proven")

    def __init__(self) -> None:
        self._held: list[BookChange] = []
        self._last = -1
        self._newest = -1
        self._old = 0
        self._proven = False

    def admit(self, change: BookChange) -> bool:
        """Decide about one change: steps 1 and 7."""
        last = self._last
        if last < 0:
            return self._hold(change)
        if change.last_id <= last:
            return self._skip_old(change)
        if change.first_id > last + 1:
            raise SequenceGap("update ids are missing")
        self._last = self._newest = change.last_id
        self._proven = True
        return True

    def splice(self, snapshot: BookSnapshot) -> list[BookChange]:
        """Join a snapshot to what is held: steps 3 to 6."""
        last = snapshot.last_id
        if self._held and last + 1 < self._held[0].first_id:
            raise SnapshotTooOld("the snapshot ends before the first held change")
        proven = any(change.last_id >= last for change in self._held)
        fresh = [change for change in self._held if change.last_id > last]
        for at, change in enumerate(fresh):
            if change.first_id > last + 1:
                self._held = fresh[at:]
                raise SequenceGap("update ids are missing among the held changes")
            last = max(last, change.last_id)
        self._held, self._last, self._old, self._proven = [], last, 0, proven
        return fresh

    def verify(self, event: BookSnapshot | BookChange, book: OrderBook) -> None:
        """Do nothing: Binance sends no checksum."""

    def proven(self) -> bool:
        """Tell whether a change has met the snapshot."""
        return self._proven

    def reset(self) -> None:
        """Go back to step 1."""
        self.__init__()  # type: ignore[misc]  # the one place that knows all fields

    def _hold(self, change: BookChange) -> bool:
        if change.last_id < self._newest:
            self._held.clear()
        if len(self._held) >= MAX_HELD:
            self._held.clear()
            raise SequenceGap("too many changes are waiting for a snapshot")
        self._held.append(change)
        self._newest = change.last_id
        return False

    def _skip_old(self, change: BookChange) -> bool:
        self._old += change.last_id != self._newest
        if change.last_id < self._newest or self._old > _MAX_OLD:
            raise SequenceGap("update ids have started anew")
        self._newest = change.last_id
        return False
