"""What Coinbase's public feed allows for a true book. It has neither numbers nor checksums: no proof.

1. Ignore changes until the snapshot.
2. A snapshot replaces the book. It comes before the changes that follow it, on one ordered connection.
3. Apply every change in the order of arrival.
4. A message lost within a connection cannot be noticed. Two things bound the harm: a crossed book is resynced
   at once, and each book is asked for anew every ``refresh_s`` seconds, which brings a snapshot.
"""

from twap_server.domain.book import OrderBook
from twap_server.domain.market import BookChange, BookSnapshot


class CoinbaseSequencer:
    """Order of arrival, for one instrument."""

    __slots__ = ("_has_snapshot",)

    def __init__(self) -> None:
        self._has_snapshot = False

    def admit(self, change: BookChange) -> bool:
        """Pass changes after the snapshot: step 1."""
        return self._has_snapshot

    def splice(self, snapshot: BookSnapshot) -> list[BookChange]:
        """Start from a snapshot; nothing is held."""
        self._has_snapshot = True
        return []

    def verify(self, event: BookSnapshot | BookChange, book: OrderBook) -> None:
        """Do nothing: there is nothing to compare with."""

    def proven(self) -> bool:
        """Tell whether there was a snapshot: what follows joins it.

        That all of it arrives is not proven, which is what ``Integrity.NONE`` says.
        """
        return self._has_snapshot

    def reset(self) -> None:
        """Go back to step 1."""
        self._has_snapshot = False
