"""Take a frame of a replay each second of its time: books, trades, how the orders stand.

In: the market and the engine of the replay, which hear nothing of it. Out: ``FrameFile``.
"""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec.json import encode

from twap_models import exact_json
from twap_models.enums import AGGREGATE
from twap_models.market import Exchange
from twap_models.stream import BookMessage
from twap_server.api.stream.book_messages import BookSource
from twap_server.api.wire import present
from twap_server.books.counters import BookCounters
from twap_server.collector.market_data import LiveMarket
from twap_server.domain import exact
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.market.events import Trade
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.orders.order import Order, OrderEvent
from twap_server.engine.engine import Engine
from twap_server.feed.bus import BookTopic
from twap_server.replay.onlooker import Traded
from twap_server.theatre.frames import MOST_TRADES, BookFrames, FrameFile, OrderFrames

LEVELS: Final = 25
"""Of each side of a book."""
_SETTLED: Final = 2
"""Nanoseconds after its moment a frame is taken: what was due at that very moment has been done then."""


class FilmedBook:
    """A book that is filmed."""

    def __init__(self, topic: BookTopic, instrument: Instrument, file: FrameFile) -> None:
        """``instrument``: its rules; of a merged book those of the first exchange that lists it."""
        self.topic, self.instrument = topic, instrument
        self.frames = BookFrames(file)
        self._trades: deque[tuple[str, Trade]] = deque(maxlen=MOST_TRADES)
        self._count = 0

    def hear(self, exchange: str, trade: Trade) -> None:
        """Keep a trade for the next frame."""
        self._trades.append((exchange, trade))
        self._count += 1

    def take(self, book: BookMessage) -> None:
        """Take the frame of this moment."""
        text = b'{"mid":%b,"book":%b}' % (_written(_mid(book)), book.to_json())
        trades = [self._trade(exchange, trade) for exchange, trade in self._trades]
        self.frames.add(text, trades, self._count)
        self._trades.clear()
        self._count = 0

    def _trade(self, exchange: str, trade: Trade) -> bytes:
        is_merged = self.topic.exchange == AGGREGATE
        body = present.trade_body(
            trade, exchange=exchange, asked=self.topic.asked, aggregate=is_merged, left_out=0
        )
        return exact_json.dumps(dict(body))


class Camera:
    """An ``Onlooker`` of a replay that keeps what it sees.

    Frame ``n`` is of the moment ``first + n s``, with all that happened up to it and at it.
    """

    def __init__(self, file: FrameFile, *, user: str, max_spread: Decimal) -> None:
        """Build it.

        Args:
            file: gets the frames.
            user: whose orders are played; books show what they took and has not grown back.
            max_spread: of the books that are merged, as in the settings of the engine.
        """
        self._file, self._user, self._max_spread = file, user, max_spread
        self._changed: dict[str, Order] = {}
        self._source: BookSource | None = None
        self._clock: Clock | None = None
        self._market: LiveMarket | None = None
        self.exchanges: tuple[Exchange, ...] = ()
        """As they are reached at the end."""
        self.first = Nanos(0)
        self.count = 0
        """Frames taken."""
        self.books: list[FilmedBook] = []
        self.orders: dict[str, OrderFrames] = {}
        """By ``token_id``."""

    def publish(self, user_id: str, event: OrderEvent) -> None:
        """Keep how the order stands for the next frame."""
        self._changed[event.order.terms.token_id] = event.order

    def look_at(self, traded: Sequence[Traded], *, market: LiveMarket, engine: Engine, clock: Clock) -> None:
        """Begin with these books."""
        self._clock, self._market = clock, market
        self._source = BookSource(
            market, clock, BookCounters(), max_spread=self._max_spread, own_impact=engine, depth=LEVELS
        )
        self.first = Nanos(-(-clock.now() // SECOND) * SECOND)
        self.books = [self._filmed(one, market) for one in dict.fromkeys(traded)]
        market.registry.trades.listen(self._hear)

    async def run(self) -> None:
        """Take a frame each second until cancelled; ``look_at`` comes first."""
        clock = self._clock
        assert clock is not None, "nothing to look at"
        while True:
            due = self._next() + _SETTLED
            await clock.sleep((due - clock.now()) / SECOND)
            if clock.now() >= due:
                self._take()

    def finish(self) -> None:
        """Take the last frame: how all stands at the end."""
        assert self._market is not None and self._clock is not None, "nothing was looked at"
        self._take()
        now, market = self._clock.now(), self._market
        self.exchanges = tuple(
            present.exchange(one, market.collected(one.name), now) for one in market.exchanges()
        )

    def _next(self) -> Nanos:
        return Nanos(self.first + self.count * SECOND)

    def _take(self) -> None:
        assert self._source is not None
        for book in self.books:
            book.take(self._source.message(book.topic))
        for token, order in self._changed.items():
            kept = self.orders.setdefault(token, OrderFrames(self._file))
            kept.add(self.count, encode(present.order_body(order)))
        self._changed.clear()
        self.count += 1

    def _filmed(self, traded: Traded, market: LiveMarket) -> FilmedBook:
        exchange, symbol = traded
        is_merged = exchange == AGGREGATE
        rules = market.find_everywhere(symbol)[0] if is_merged else market.find_instrument(exchange, symbol)
        topic = BookTopic(exchange, symbol, asked=symbol, owner=self._user)
        return FilmedBook(topic, rules, self._file)

    def _hear(self, instrument: InstrumentId, trade: Trade) -> None:
        for book in self.books:
            topic = book.topic
            if topic.symbol == instrument.symbol and topic.exchange in (instrument.exchange, AGGREGATE):
                book.hear(instrument.exchange, trade)


def _mid(book: BookMessage) -> Decimal | None:
    """The middle of the best prices; None where the book is not live or a side is empty."""
    if book.status != "live" or not book.bids or not book.asks:
        return None
    return exact.midpoint(book.bids[0].price, book.asks[0].price)


def _written(value: Decimal | None) -> bytes:
    return b"null" if value is None else exact_json.format_decimal(value).encode()
