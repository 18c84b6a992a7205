"""Tell what happened on a recorded exchange in rows: trades, best prices, the top ten levels each second."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.events import BookStatus, PriceLevel, Trade
from twap_server.replay.following import FollowedBooks, seconds_between
from twap_server.replay.origin import PlayedFrame

LEVELS: Final = 10


class TradeRow(NamedTuple):
    """One public trade."""

    received: Nanos
    exchange_time: Nanos | None
    """By the exchange's own clock; None where it does not say."""
    exchange: str
    symbol: str
    trade_id: str
    price: Decimal
    """Quote currency per base currency."""
    quantity: Decimal
    """Base currency."""
    taker_side: str


class BestRow(NamedTuple):
    """The best prices after a message that changed them; all None where the book is not live any more."""

    received: Nanos
    exchange_time: Nanos | None
    exchange: str
    symbol: str
    bid: Decimal | None
    bid_quantity: Decimal | None
    ask: Decimal | None
    ask_quantity: Decimal | None


class TopRow(NamedTuple):
    """One level of a live book as it was at a whole second, by all that had been received before."""

    time: Nanos
    received: Nanos
    """When something was last heard of the book."""
    exchange: str
    symbol: str
    level: int
    """From 1, the best."""
    bid: Decimal | None
    bid_quantity: Decimal | None
    ask: Decimal | None
    ask_quantity: Decimal | None


MarketRow: TypeAlias = TradeRow | BestRow | TopRow
_Best: TypeAlias = tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]
_NOTHING: Final[_Best] = (None, None, None, None)


class MarketRows:
    """Rows of one exchange, message by message."""

    def __init__(self, exchange: str, books: FollowedBooks) -> None:
        """Args: exchange: its name; books: nobody else takes messages into them."""
        self._exchange, self._books = exchange, books
        self._best: dict[str, _Best] = {}
        self._second = Nanos(0)

    def of_message(self, frame: PlayedFrame) -> Iterator[MarketRow]:
        """Take the next message in."""
        yield from self._tops(frame[0])
        touched, trades = self._books.take(frame)
        for trade in trades:
            yield self._trade(trade)
        for symbol in touched:
            yield from self._changed(symbol, frame[0])

    def of_answer(self, at: Nanos, raw: bytes, line: int, conn: str) -> Iterator[MarketRow]:
        """Take in what answered a request over REST."""
        yield from self._tops(at)
        for symbol in self._books.take_answer(at, raw, line, conn):
            yield from self._changed(symbol, at)

    def _trade(self, trade: Trade) -> TradeRow:
        return TradeRow(
            received=trade.ts_received,
            exchange_time=trade.ts_exchange or None,
            exchange=self._exchange,
            symbol=trade.symbol,
            trade_id=trade.trade_id,
            price=trade.price,
            quantity=trade.quantity,
            taker_side=trade.taker_side.value,
        )

    def _changed(self, symbol: str, at: Nanos) -> Iterator[BestRow]:
        book = self._books.books[symbol]
        best = _NOTHING
        if book.status is BookStatus.LIVE:
            bids, asks = book.book.top(1)
            best = (*_both(bids), *_both(asks))
        if best == self._best.get(symbol, _NOTHING):
            return
        self._best[symbol] = best
        yield BestRow(at, book.ts_exchange or None, self._exchange, symbol, *best)

    def _tops(self, at: Nanos) -> Iterator[TopRow]:
        """The rows of the whole seconds up to now: nothing that comes from now on is in them."""
        before, self._second = self._second or at, at
        for second in seconds_between(before, at, SECOND):
            for symbol, book in self._books.books.items():
                if book.status is BookStatus.LIVE:
                    yield from self._top(second, symbol)

    def _top(self, second: Nanos, symbol: str) -> Iterator[TopRow]:
        book = self._books.books[symbol]
        bids, asks = book.book.top(LEVELS)
        for level in range(max(len(bids), len(asks))):
            sides = (*_both(bids[level:]), *_both(asks[level:]))
            yield TopRow(second, book.ts_received, self._exchange, symbol, level + 1, *sides)


def _both(levels: tuple[PriceLevel, ...]) -> tuple[Decimal | None, Decimal | None]:
    """Price and quantity of the first level; None where there is none."""
    return (levels[0].price, levels[0].quantity) if levels else (None, None)
