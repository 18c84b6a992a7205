"""Keep the order book of one instrument, with a number for each level that tells when it is a new one.

Prices and quantities stay the exchange's own text; a ``Decimal`` is made only when somebody reads. Where the
exchange counts contracts, it is made base currency then, too: a checksum still sees what was sent.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Final

from twap_models.enums import Side
from twap_server.domain.exact import ONE, multiply
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot, PriceLevel, TextLevel
from twap_server.domain.market.native import Levels

_MAX_EPOCHS: Final = 10_000


class OrderBook:
    """Bids and asks of one instrument. Not thread-safe; made for one event loop."""

    __slots__ = ("_asks", "_bids", "_epochs", "_read", "changes", "scale")

    def __init__(self, scale: Decimal = ONE) -> None:
        """Args: scale: base currency in one unit of the exchange's quantities."""
        self.changes = 0
        """Rises with whatever may change the levels: while it stands, what was read of them still holds."""
        self.count_in(scale)
        self._epochs = count(1)
        self._bids = Levels(1)
        self._asks = Levels(-1)

    def __len__(self) -> int:
        """Count the levels of both sides."""
        return len(self._bids) + len(self._asks)

    def replace(self, snapshot: BookSnapshot) -> None:
        """Forget everything and take the snapshot's levels; level epochs stay until ``drop_epochs_of_gone``.

        Raises:
            WireFormatError: a price is not a positive plain decimal, or a quantity no plain one; the book
                is then empty, level epochs stay.
        """
        try:
            bids, asks = _levels_of(1, snapshot.bids), _levels_of(-1, snapshot.asks)
        except WireFormatError:
            self.empty()
            raise
        self._adopt(bids, asks)

    def apply(self, change: BookChange) -> bool:
        """Store each changed level in order; a zero quantity removes, an unknown removal is normal.

        Returns whether the book is ``crossed`` now.

        Raises:
            WireFormatError: a price is not a positive plain decimal, or a quantity no plain one; levels
                before it were applied.
        """
        self.changes += 1
        return self._bids.take(change.bids, self._asks, change.asks)

    def count_in(self, scale: Decimal) -> None:
        """Read quantities as so much base currency a unit from now on."""
        self.changes += 1
        self.scale = scale
        self._read: Callable[[Iterable[TextLevel]], Iterator[PriceLevel]] = (
            _levels if scale == ONE else partial(_scaled, scale)
        )

    def take_over(self, other: "OrderBook") -> None:
        """Take the levels of ``other``, keeping own level epochs; do not use ``other`` after this."""
        self.count_in(other.scale)
        self._adopt(other._bids, other._asks)

    def drop_epochs_of_gone(self) -> None:
        """Keep the epochs of levels that are there or would lie beyond the worst one: the book is proven now.

        Not before: an old snapshot may lack a level that the exchange never removed.
        """
        for levels in (self._bids, self._asks):
            levels.epochs = {text: epoch for text, epoch in levels.epochs.items() if levels.may_hold(text)}

    def truncate(self, depth: int) -> None:
        """Drop all but the best ``depth`` levels of each side.

        Marks stay (the exchange did not remove them).
        """
        self.changes += 1
        self._bids.truncate(depth)
        self._asks.truncate(depth)

    def empty(self) -> None:
        """Drop every level; level epochs stay (the exchange did not remove them)."""
        self.changes += 1
        self._bids.empty()
        self._asks.empty()

    def top_text(self, n: int) -> tuple[list[TextLevel], list[TextLevel]]:
        """Return at most ``n`` bids and asks, best first, as the exchange's text: not scaled."""
        return self._bids.top(n), self._asks.top(n)

    def top(self, n: int) -> tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...]]:
        """Return at most ``n`` bids and asks, best first."""
        return tuple(self._read(self._bids.top(n))), tuple(self._read(self._asks.top(n)))

    def best_bid(self) -> PriceLevel | None:
        """Return the highest bid, None when there is none."""
        return self._best(self._bids)

    def best_ask(self) -> PriceLevel | None:
        """Return the lowest ask, None when there is none."""
        return self._best(self._asks)

    def best(self, side: Side) -> PriceLevel | None:
        """Return the level that a taker of ``side`` meets first, None when there is none."""
        return self._best(self._taken_by(side))

    def two_sided(self) -> bool:
        """Tell whether there are bids and asks."""
        return len(self._bids) > 0 and len(self._asks) > 0

    def crossed(self) -> bool:
        """Tell whether the best bid is at or above the best ask (locked counts)."""
        return self._bids.meets(self._asks)

    def walk(self, side: Side) -> Iterator[PriceLevel]:
        """Yield the levels a taker of ``side`` takes (a buy: asks, a sell: bids), best first.

        Read it before the book changes again: it does not copy.
        """
        return self._read(self._taken_by(side).walk())

    def ensure_level_epoch(self, side: Side, price: Decimal) -> int:
        """Return the level_epoch of a level on the side a taker of ``side`` takes; give it one if need be.

        Stable until the exchange removes the level; then the next epoch is a new, larger number. At most
        10,000 epochs a side are kept, the oldest is forgotten first.
        """
        levels = self._taken_by(side)
        text = _text_of(price, levels)
        known = levels.epochs.get(text)
        if known is not None:
            return known
        if len(levels.epochs) >= _MAX_EPOCHS:
            del levels.epochs[next(iter(levels.epochs))]
        level_epoch = levels.epochs[text] = next(self._epochs)
        return level_epoch

    def level_epoch(self, side: Side, price: Decimal) -> int | None:
        """Return the epoch of a level on the side a taker of ``side`` takes, None when it has none."""
        levels = self._taken_by(side)
        return levels.epochs.get(_text_of(price, levels))

    def _best(self, levels: Levels) -> PriceLevel | None:
        """Read without a walk: what only looks at the best looks often."""
        for price, quantity in levels.top(1):
            size = Decimal(quantity)
            return PriceLevel(Decimal(price), size if self.scale == ONE else multiply(size, self.scale))
        return None

    def _taken_by(self, side: Side) -> Levels:
        return self._asks if side is Side.BUY else self._bids

    def _adopt(self, bids: Levels, asks: Levels) -> None:
        self.changes += 1
        bids.epochs, asks.epochs = self._bids.epochs, self._asks.epochs
        self._bids, self._asks = bids, asks


def _levels_of(sign: int, levels: Sequence[TextLevel]) -> Levels:
    made = Levels(sign)
    made.apply(reversed(levels))  # worst first: sides grow at their best end, the other one is slow
    return made


def _text_of(price: Decimal, levels: Levels) -> str:
    text = format(price, "f")
    return levels.find(text) or text


def _levels(texts: Iterable[TextLevel]) -> Iterator[PriceLevel]:
    return (PriceLevel(Decimal(price), Decimal(quantity)) for price, quantity in texts)


def _scaled(scale: Decimal, texts: Iterable[TextLevel]) -> Iterator[PriceLevel]:
    return (PriceLevel(Decimal(price), multiply(Decimal(quantity), scale)) for price, quantity in texts)
