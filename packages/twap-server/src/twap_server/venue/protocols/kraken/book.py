"""Show a book as Kraken does: limited depth, changes inside it, and the checksum.

Follows the venue's "VenueBook (Level 2)" and "VenueBook checksum" pages:

1. Only changes within the subscribed depth are told; a level that is pushed out is not deleted.
2. A level that comes back into the depth is told with its quantity.
3. The checksum is the CRC32 over the best ten asks (low to high), then bids (high to low), each
   level as price and quantity at the instrument's precision without the point and leading zeros,
   which for scaled integers is their plain decimal text.
"""

import re
from collections.abc import Iterable
from zlib import crc32

from twap_server.venue import text
from twap_server.venue.book import Level, VenueBook
from twap_server.venue.source import BookEvent, Pair, Spec
from twap_server.venue.window import Window

CHECKED = 10
DEPTHS = (10, 25, 100, 500, 1000)
_CHECKSUM = re.compile(r'"checksum":(\d+)')


def checksum(bids: Iterable[Level], asks: Iterable[Level]) -> int:
    """Compute the checksum of the best levels of a book, best first; ten of a side count."""
    parts = [f"{price}{qty}" for side in (asks, bids) for price, qty in list(side)[:CHECKED]]
    return crc32("".join(parts).encode("ascii"))


class View:
    """One client's book: renders its snapshot and then its updates."""

    def __init__(self, pair: Pair, depth: int) -> None:
        self._pair = pair
        self._depth = depth
        self._window = Window(pair.book, depth, tells_pushed_out=False)

    def snapshot(self, time: int) -> str:
        """Write the whole book of this depth."""
        return self._frame("snapshot", *self._window.whole(), time)

    def update(self, event: BookEvent) -> str | None:
        """Write a change, or None when nothing of it is within the depth."""
        bids, asks = self._window.changes(event)
        if event.text is not None and event.text_depth == self._depth:
            return event.text
        if event.snapshot:
            return self.snapshot(event.time)
        return self._frame("update", bids, asks, event.time) if bids or asks else None

    def _frame(self, kind: str, bids: list[Level], asks: list[Level], time: int) -> str:
        spec, book = self._pair.spec, self._pair.book
        proof = checksum(book.bids.top(CHECKED), book.asks.top(CHECKED))
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{spec.symbol}",'
            f'"bids":[{_levels(bids, spec)}],"asks":[{_levels(asks, spec)}],'
            f'"checksum":{proof},"timestamp":"{text.iso_micros(time)}"}}]}}'
        )


def _levels(levels: Iterable[Level], spec: Spec) -> str:
    return ",".join(
        f'{{"price":{text.fixed(price, spec.price_decimals)},"qty":{text.fixed(qty, text.QTY_DECIMALS)}}}'
        for price, qty in levels
    )


def spoil(frame: str) -> str:
    """Give a book frame a wrong checksum."""
    return _CHECKSUM.sub(lambda match: f'"checksum":{int(match[1]) ^ 1}', frame)


def cross(frame: str, book: VenueBook, *, spec: Spec) -> str:
    """Add a bid above the best ask to an update, with the checksum of the book it leads to."""
    best = book.asks.price(0)
    level = (best + best // 1_000 + 1, 10**text.QTY_DECIMALS)
    proof = checksum([level, *book.bids.top(CHECKED - 1)], book.asks.top(CHECKED))
    frame = frame.replace('"bids":[', f'"bids":[{_levels([level], spec)},', 1).replace(",]", "]", 1)
    return _CHECKSUM.sub(f'"checksum":{proof}', frame)
