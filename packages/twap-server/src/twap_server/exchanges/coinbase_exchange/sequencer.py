"""Check a Coinbase book as far as its public feed allows: it has neither numbers nor checksums.

1. Ignore changes until the snapshot.
2. A snapshot replaces the book. It comes before the changes that follow it, on one ordered connection.
3. Apply every change in the order of arrival.
4. A message lost within a connection cannot be noticed. Two things bound the harm: a crossed book is resynced
   at once, and each book is asked for anew every ``refresh_s`` seconds, which brings a snapshot.
"""

from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.order_book import OrderBook
from twap_server.exchanges.base import SnapshotFirst


class ArrivalOrder(SnapshotFirst):
    """Order of arrival, for one instrument: steps 1 to 3.

    ``proven`` says that what follows joins the snapshot. That all of it arrives is not proven, which is what
    ``Integrity.NONE`` says.
    """

    __slots__ = ()

    def verify(self, event: BookSnapshot | BookChange, book: OrderBook) -> None:
        """Do nothing: there is nothing to compare with."""
