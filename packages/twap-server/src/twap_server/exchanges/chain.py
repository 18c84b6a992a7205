"""Follow one book by the numbers that its changes carry.

Each change says which numbers it covers, ``first_id`` to ``last_id``; where an exchange names the predecessor
instead, ``first_id`` is that plus one.

Where the snapshot comes over REST (``holds``):

1. Hold every change from the moment of subscribing; F is the first one's ``first_id``.
2. Take a snapshot, L its ``last_id``.
3. L + 1 < F: the snapshot is too old, take another; what is held stays held.
4. Drop held changes with ``last_id`` <= L.
5. The first one left must begin at L + 1 or before: it usually straddles the snapshot.
6. Apply it and all after it.

Where the stream sends the snapshot, nothing is held: what comes before it is dropped. Where it sends one of a
book that has been joined already, that replaces the book, which stays proven.

From then on a change whose ``last_id`` is not above the newest is old, one that begins above the next number
shows a gap, and every other is applied. Where each change names its predecessor (``links``), it must begin
exactly at the next number; only the first after a snapshot may straddle it. Numbers only rise:
where they go back (other than the last one repeated), they have started anew, or a message lost its order.
Only where a change that goes back names the newest as its predecessor (``links``) it follows all the same:
the exchange has begun to count anew, and says so.
"""

from typing import Final

from twap_server.domain.market.errors import SequenceGap, SnapshotTooOld
from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.order_book import OrderBook

MAX_HELD: Final = 10_000
"""Changes held while waiting for a snapshot; one more and the wait starts anew."""

_MAX_OLD: Final = 50
"""A snapshot can be ahead of the stream by some changes; by more than this, numbers have started anew."""


class Chain:
    """Numbers of one instrument's changes."""

    __slots__ = ("_held", "_holds", "_is_met", "_last", "_links", "_newest", "_old", "_proven")

    def __init__(self, *, holds: bool = False, links: bool = False) -> None:
        """Args: holds: the snapshot comes over REST; links: each change names its predecessor."""
        self._holds, self._links = holds, links
        self._held: list[BookChange] = []
        self._last = self._newest = -1
        self._old = 0
        self._proven = False
        self._is_met = False
        """Whether a change has met the snapshot: from then on each must name the one before it."""

    def admit(self, change: BookChange) -> bool:
        """Decide about one change."""
        last = self._last
        if last < 0:
            return self._hold(change) if self._holds else False
        if change.last_id <= last and not self._follows(change):
            return self._skip_old(change)
        if change.first_id > last + 1 or (self._links and self._is_met and change.first_id != last + 1):
            raise SequenceGap("update ids are missing")
        self._last = self._newest = change.last_id
        self._proven = self._is_met = True
        return True

    def splice(self, snapshot: BookSnapshot) -> list[BookChange]:
        """Join a snapshot to what is held: steps 3 to 6."""
        last = snapshot.last_id
        if self._held and last + 1 < self._held[0].first_id:
            raise SnapshotTooOld("the snapshot ends before the first held change")
        is_met = any(change.last_id >= last for change in self._held)
        fresh = [change for change in self._held if change.last_id > last]
        for at, change in enumerate(fresh):
            if change.first_id > last + 1 or (self._links and at and change.first_id != last + 1):
                self._held = fresh[at:]
                raise SequenceGap("update ids are missing among the held changes")
            last = max(last, change.last_id)
        self._held, self._last, self._old, self._is_met = [], last, 0, is_met
        # on the same stream nothing can lie between: a joined book may be sent whole there at any time
        self._proven = is_met or self._proven or not self._holds
        return fresh

    def verify(self, event: BookSnapshot | BookChange, book: OrderBook) -> None:
        """Do nothing: the numbers are the proof."""

    def proven(self) -> bool:
        """Tell whether a change has met the snapshot, or it came on the same stream."""
        return self._proven

    def reset(self) -> None:
        """Wait for a snapshot again."""
        self._held = []
        self._last = self._newest = -1
        self._old = 0
        self._proven = self._is_met = False

    def _follows(self, change: BookChange) -> bool:
        """Tell whether a change names the newest as its predecessor, whatever its own number."""
        return self._links and self._proven and change.first_id == self._last + 1

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
