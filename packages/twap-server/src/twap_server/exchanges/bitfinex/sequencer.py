"""Check a Bitfinex book by its checksum (manual: WebSocket Checksum).

That no message is missing is proven for the whole connection: see ``stream.py``. The checksum proves beside
it, about every 2.5 seconds on a book that changes, that what was made of the messages is the exchange's book.

1. Ignore changes until the snapshot.
2. Apply each change. The exchange itself removes what leaves the subscribed depth, so nothing is cut off.
3. Checksum text: for i from 0 to 24 the i-th best bid, then the i-th best ask, where there is one; of each
   level price and amount, an ask's amount with a minus, joined by colons. Numbers as JavaScript writes them.
4. CRC32 of that text is the message's number, which is signed there and unsigned here.
5. On a mismatch the book is wrong: subscribe again.
"""

from itertools import zip_longest
from zlib import crc32

from twap_server.domain.market.errors import ChecksumMismatch
from twap_server.domain.market.events import BookChange, BookSnapshot, TextLevel
from twap_server.domain.market.order_book import OrderBook
from twap_server.exchanges.base import SnapshotFirst

_LEVELS = 25
_SMALL = "0.000000"
"""What is below 0.000001 begins so, and has an exponent in JavaScript."""


def javascript(text: str) -> str:
    """Write a plain decimal above 0 as JavaScript does: ``0.00000029`` is ``2.9e-7``."""
    if "." not in text:
        return text
    text = text.rstrip("0").rstrip(".")
    if not text.startswith(_SMALL):
        return text
    digits = text.removeprefix("0.").lstrip("0")
    places = len(text) - len("0.") - len(digits) + 1
    return f"{digits[0]}.{digits[1:]}e-{places}" if len(digits) > 1 else f"{digits}e-{places}"


def checksum(bids: list[TextLevel], asks: list[TextLevel]) -> int:
    """Compute steps 3 and 4 over levels best first; only the first 25 count."""
    parts: list[str] = []
    for bid, ask in zip_longest(bids[:_LEVELS], asks[:_LEVELS]):
        if bid is not None:
            parts += map(javascript, bid)
        if ask is not None:
            parts += (javascript(ask[0]), f"-{javascript(ask[1])}")
    return crc32(":".join(parts).encode("ascii"))


class BitfinexSequencer(SnapshotFirst):
    """Checksums of one instrument: steps 1 and 5 are the base's, 3 and 4 are here."""

    __slots__ = ()

    def verify(self, event: BookSnapshot | BookChange, book: OrderBook) -> None:
        """Compare checksums where one is told: it comes alone, as a change without levels."""
        if event.checksum is not None and checksum(*book.top_text(_LEVELS)) != event.checksum:
            raise ChecksumMismatch("the book's checksum is not the exchange's")
