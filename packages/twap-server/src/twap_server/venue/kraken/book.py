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
from twap_server.venue.book import Level, VenueBook, VenueLadder
from twap_server.venue.source import BookEvent, Pair, Spec

CHECKED = 10
DEPTHS = (10, 25, 100, 500, 1000)
_CHECKSUM = re.compile(r'"checksum":(\d+)')


def checksum(bids: Iterable[Level], asks: Iterable[Level]) -> int:
    """Compute the checksum of the best levels of a book, best first; ten of a side count."""
    parts = [f"{price}{qty}" for side in (asks, bids) for price, qty in list(side)[:CHECKED]]
    return crc32("".join(parts).encode("ascii"))


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


class View:
    """One client's book: renders its snapshot and then its updates."""

    def __init__(self, pair: Pair, depth: int) -> None:
        self._pair = pair
        self._depth = depth
        self._remember()

    def _remember(self) -> None:
        book = self._pair.book
        self._edges = book.bids.edge(self._depth), book.asks.edge(self._depth)

    def snapshot(self, time: int) -> str:
        """Write the whole book of this depth."""
        book, depth = self._pair.book, self._depth
        self._remember()
        return self._frame("snapshot", book.bids.top(depth), book.asks.top(depth), time)

    def update(self, event: BookEvent) -> str | None:
        """Write a change, or None when nothing of it is within the depth."""
        book, depth = self._pair.book, self._depth
        bid_edge, ask_edge = self._edges
        bids = within(book.bids, (price for price, _ in event.bids), depth=depth, edge=bid_edge)
        asks = within(book.asks, (price for price, _ in event.asks), depth=depth, edge=ask_edge)
        self._remember()
        if event.text is not None and event.text_depth == depth:
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
