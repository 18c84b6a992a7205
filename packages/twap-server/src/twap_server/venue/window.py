"""Cut a book and its changes to the depth that a client was promised, and number what it is told.

A level that comes back into the depth is told with its quantity. One that is pushed out is told as gone, or
left to the client to drop, as the exchange does it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from twap_server.venue.book import Level, VenueBook, VenueLadder
from twap_server.venue.source import BookEvent, Pair


def within(ladder: VenueLadder, touched: Iterable[int], *, depth: int, edge: int | None) -> list[Level]:
    """List the changes a client of a depth must be told, removals first.

    Args:
        ladder: the side after the change.
        touched: prices that changed.
        depth: levels the client keeps.
        edge: key of the client's last level before the change, None when it had fewer.
    """
    prices = dict.fromkeys(touched)
    after = ladder.edge(depth)
    gone = [price for price in prices if price not in ladder.levels]
    removed = [(price, 0) for price in gone if edge is None or ladder.key(price) <= edge]
    there = [price for price in prices if price in ladder.levels]
    told = [(price, ladder.levels[price]) for price in there if after is None or ladder.key(price) <= after]
    back = ladder.beyond(edge, depth) if edge is not None else []
    returned = [(price, ladder.levels[price]) for price in back if price not in prices]
    return removed + returned + told


def pushed_out(ladder: VenueLadder, *, depth: int, edge: int | None) -> list[Level]:
    """List levels that were within the depth, are still there, and are no longer within it: as gone."""
    return [] if edge is None else [(price, 0) for price in ladder.between(depth, edge)]


class Window:
    """The best levels of a live book, and what changes within them."""

    def __init__(self, book: VenueBook, depth: int, *, tells_pushed_out: bool) -> None:
        self._book = book
        self._depth = depth
        self._tells_pushed_out = tells_pushed_out
        self._remember()

    def _remember(self) -> None:
        self._edges = self._book.bids.edge(self._depth), self._book.asks.edge(self._depth)

    def whole(self) -> tuple[list[Level], list[Level]]:
        """Give all bids and asks of the window."""
        self._remember()
        return self._book.bids.top(self._depth), self._book.asks.top(self._depth)

    def changes(self, event: BookEvent) -> tuple[list[Level], list[Level]]:
        """Give what a change did to the window; the book is in the state after it."""
        bids = self._side(self._book.bids, event.bids, edge=self._edges[0])
        asks = self._side(self._book.asks, event.asks, edge=self._edges[1])
        self._remember()
        return bids, asks

    def _side(self, ladder: VenueLadder, changed: Iterable[Level], *, edge: int | None) -> list[Level]:
        told = within(ladder, (price for price, _ in changed), depth=self._depth, edge=edge)
        gone = pushed_out(ladder, depth=self._depth, edge=edge) if self._tells_pushed_out else []
        return gone + told


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldBook:
    """What one message says of a book."""

    bids: list[Level]
    asks: list[Level]
    first_id: int
    """The first of the venue's own changes that are in it."""
    last_id: int
    previous_id: int
    """``last_id`` of the message before; of the book at the beginning, where there was none."""
    number: int
    """Counts the messages of this book one by one, from the id of the first on."""
    is_whole: bool
    time: int

    def crossed(self, best_ask: int) -> "ToldBook":
        """Add a bid above the best ask."""
        return replace(self, bids=[(best_ask + best_ask // 1_000 + 1, 10**8), *self.bids])


class ClientBook:
    """One client's book: what it is told first, and then of each change."""

    def __init__(self, pair: Pair, depth: int) -> None:
        self.pair = pair
        self._window = Window(pair.book, depth, tells_pushed_out=True)
        self._last_id = pair.last_id
        self._number = pair.last_id - 1

    def whole(self, time: int) -> ToldBook:
        """Tell all of it."""
        bids, asks = self._window.whole()
        last_id = self.pair.last_id
        return self._tell(bids, asks, first_id=last_id, last_id=last_id, is_whole=True, time=time)

    def change(self, event: BookEvent) -> ToldBook | None:
        """Tell a change; None when nothing of it is within the depth."""
        bids, asks = self._window.changes(event)
        if not bids and not asks:
            return None
        first_id, last_id = self._last_id + 1, event.last_id
        return self._tell(bids, asks, first_id=first_id, last_id=last_id, is_whole=False, time=event.time)

    def _tell(
        self,
        bids: list[Level],
        asks: list[Level],
        *,
        first_id: int,
        last_id: int,
        is_whole: bool,
        time: int,
    ) -> ToldBook:
        previous, self._last_id = self._last_id, last_id
        self._number += 1
        return ToldBook(
            bids=bids,
            asks=asks,
            first_id=first_id,
            last_id=last_id,
            previous_id=previous,
            number=self._number,
            is_whole=is_whole,
            time=time,
        )
