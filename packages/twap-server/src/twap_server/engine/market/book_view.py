"""Show one book at one moment: its levels are read once, however many orders look at them."""

from collections.abc import Iterator
from decimal import Decimal

from twap_models.enums import Side
from twap_server.domain import exact
from twap_server.domain.market.events import PriceLevel
from twap_server.domain.market.order_book import OrderBook
from twap_server.engine.ports import LiveBookView


class BookSide:
    """What takers of one side meet in a book: levels, best first, and which level_epoch each is of."""

    __slots__ = ("_book", "_epochs", "_read", "_side", "_walk", "best")

    def __init__(self, book: OrderBook, side: Side) -> None:
        self._book, self._side = book, side
        self.best = book.best(side)
        """The first level."""
        self._walk: Iterator[PriceLevel] | None = None
        self._read: list[PriceLevel] = []
        self._epochs: dict[Decimal, int | None] = {}

    def __iter__(self) -> Iterator[PriceLevel]:
        at = 0
        while at < len(self._read) or self._read_on():
            yield self._read[at]
            at += 1

    def level_epoch(self, price: Decimal) -> int | None:
        """The epoch of the level at this price, None when it has none."""
        if price not in self._epochs:
            self._epochs[price] = self._book.level_epoch(self._side, price)
        return self._epochs[price]

    def ensure_level_epoch(self, price: Decimal) -> int:
        """The epoch of the level at this price, a new one if need be."""
        known = self._epochs.get(price)
        if known is None:
            known = self._epochs[price] = self._book.ensure_level_epoch(self._side, price)
        return known

    def _read_on(self) -> bool:
        if self._walk is None:
            self._walk = self._book.walk(self._side)
        level = next(self._walk, None)
        if level is not None:
            self._read.append(level)
        return level is not None


class BookView:
    """Both sides of one live book, and what its owner says of it. Good while it ``holds``."""

    __slots__ = ("_asks", "_bids", "_book", "_changes", "live", "mid")

    def __init__(self, live: LiveBookView) -> None:
        self.live = live
        self._book, self._changes = live.book, live.book.changes
        self._bids, self._asks = BookSide(live.book, Side.SELL), BookSide(live.book, Side.BUY)
        bid, ask = self._bids.best, self._asks.best
        self.mid = None if bid is None or ask is None else exact.midpoint(bid.price, ask.price)
        """Middle of the best bid and the best ask; None where one is missing."""

    def holds(self, live: LiveBookView) -> bool:
        """Whether it still shows this book: the same one, and nothing changed."""
        return self.live is live and self._book is live.book and self._changes == live.book.changes

    def side_for(self, side: Side) -> BookSide:
        """What a taker of ``side`` meets: a buy the asks, a sell the bids."""
        return self._asks if side is Side.BUY else self._bids
