"""Check a Kraken book by its checksum (manual: "Book checksum (WebSocket v2)"). It has no sequence numbers.

1. Ignore changes until the snapshot.
2. Apply a change's levels in their order, then cut each side to the subscribed depth.
3. Checksum text: the best 10 asks, low to high, then the best 10 bids, high to low; of each level price and
   quantity with the instrument's decimals, without the point, without leading zeros.
4. CRC32 of that text, unsigned, must be the message's ``checksum``. Where checksums come at all, an update
   without one proves nothing: a message before it may have been lost.
5. On a mismatch the book is wrong: subscribe again.
"""

from zlib import crc32

from twap_server.domain.market.errors import ChecksumMismatch
from twap_server.domain.market.events import BookChange, BookSnapshot, TextLevel
from twap_server.domain.market.order_book import OrderBook
from twap_server.exchanges.base import SnapshotFirst

_LEVELS = 10


def checksum(bids: list[TextLevel], asks: list[TextLevel]) -> int:
    """Compute step 3 and 4 over levels best first; only the first ten count."""
    text = "".join(
        [
            number.replace(".", "").lstrip("0")
            for side in (asks[:_LEVELS], bids[:_LEVELS])
            for level in side
            for number in level
        ]
    )
    return crc32(text.encode("ascii"))


class KrakenSequencer(SnapshotFirst):
    """Checksums of one instrument: steps 1 and 5 are the base's, 4 is here."""

    __slots__ = ("_offered",)

    def __init__(self) -> None:
        super().__init__()
        self._offered = False
        """Whether this instrument's messages came with checksums before."""

    def verify(self, event: BookSnapshot | BookChange, book: OrderBook) -> None:
        """Compare checksums: step 4. A snapshot without one is whole in itself."""
        if event.checksum is None:
            if self._offered and type(event) is BookChange:
                raise ChecksumMismatch("an update came without its checksum, so nothing proves the book")
            return
        self._offered = True
        if checksum(*book.top_text(_LEVELS)) != event.checksum:
            raise ChecksumMismatch("the book's checksum is not the exchange's")
