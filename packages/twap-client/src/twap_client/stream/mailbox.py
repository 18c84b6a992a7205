"""Buffer messages between the connection and a reader who may be slow, within a limit.

When full: of each instrument's books and of each candle only the newest is kept, of trades the newest
thousand; order events are never dropped, the writer waits.
"""

import asyncio
from collections import deque

from twap_client.errors import UsageError
from twap_client.stream.events import StreamItem
from twap_client.stream.trades import UnreadTrades
from twap_models import BookMessage, KlineMessage, TradeMessage


class Mailbox:
    """One writer, one reader."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._events: deque[StreamItem] = deque()
        self._books: dict[tuple[object, ...], BookMessage | KlineMessage] = {}
        self._trades = UnreadTrades()
        self._failure: BaseException | None = None
        self._closed = False
        self._has_reader = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def put_book(self, book: BookMessage) -> None:
        """Keep a book in place of an unread one of the same instrument."""
        self._books[(book.exchange, book.instrument)] = book
        self._changed.set()

    def put_candle(self, candle: KlineMessage) -> None:
        """Keep a candle in place of an unread one of the same interval."""
        ended = candle.open_time if candle.closed else None
        self._books[(candle.exchange, candle.symbol, candle.interval, ended)] = candle
        self._changed.set()

    def put_trade(self, trade: TradeMessage) -> None:
        """Keep a trade; of too many unread ones the oldest is dropped and counted."""
        self._trades.put(trade)
        self._changed.set()

    async def put(self, item: StreamItem) -> None:
        """Keep an item in order; wait while the buffer is full."""
        while len(self._events) >= self._capacity:
            self._room.clear()
            await self._room.wait()
        self._events.append(item)
        self._changed.set()

    def forget_books(self) -> None:
        """Drop unread books and candles that form: they are from before a lost connection."""
        self._books = {
            name: one for name, one in self._books.items() if isinstance(one, KlineMessage) and one.closed
        }

    def close(self, failure: BaseException | None = None) -> None:
        """Let the reader end after what is kept; with ``failure`` raised once."""
        self._failure = self._failure or failure
        self._closed = True
        self._changed.set()

    async def get(self) -> StreamItem:
        """Wait for the next item: events first, in order, then books and candles, then trades.

        Cancelled, nothing is lost.

        Raises:
            StopAsyncIteration: closed, and everything was read.
            UsageError: somebody else waits already: each would get a part.
        """
        if self._has_reader:
            raise UsageError("somebody reads this stream already: open one stream for each reader")
        self._has_reader = True
        try:
            return await self._next()
        finally:
            self._has_reader = False

    async def _next(self) -> StreamItem:
        while True:
            if self._events:
                self._room.set()
                return self._events.popleft()
            if self._books:
                return self._books.pop(next(iter(self._books)))
            if self._trades:
                return self._trades.take()
            self._end_if_closed()
            self._changed.clear()
            await self._changed.wait()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to read, and never will be."""
        return self._closed and not (self._events or self._books or self._trades or self._failure)

    def raise_failure(self) -> None:
        """Raise what ended the writer, once."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _end_if_closed(self) -> None:
        self.raise_failure()
        if self._closed:
            raise StopAsyncIteration
