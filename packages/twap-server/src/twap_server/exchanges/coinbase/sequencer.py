"""Follow a Coinbase book. What proves it is the count of all messages of its connection, kept by the stream.

1. Ignore changes until the snapshot.
2. A snapshot replaces the book. It comes before the changes that follow it, on one ordered connection.
3. Apply every change in the order of arrival: the stream ends the connection where one is missing.
"""

from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.order_book import OrderBook
from twap_server.exchanges.base import SnapshotFirst


class CoinbaseSequencer(SnapshotFirst):
    """Order of arrival, for one instrument."""

    __slots__ = ()

    def verify(self, event: BookSnapshot | BookChange, book: OrderBook) -> None:
        """Do nothing: the connection's numbers are the proof."""
