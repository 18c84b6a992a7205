"""Follow a Bitstamp book: every message is the whole book, so each heals what one before it lost.

1. Each message replaces the book.
2. A message whose best bid is at or above its best ask is none: the next one comes within moments.
"""

from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.order_book import OrderBook
from twap_server.exchanges.base import SnapshotFirst


class BitstampSequencer(SnapshotFirst):
    """Whole books, for one instrument."""

    __slots__ = ()

    def verify(self, event: BookSnapshot | BookChange, book: OrderBook) -> None:
        """Do nothing: there is nothing to compare with, and nothing that could be missing."""
