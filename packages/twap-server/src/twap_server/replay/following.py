"""Follow the books of one recorded exchange message by message, without a clock, sessions or orders.

In: the messages of recordings of one exchange, and its instruments. Out: its books as they are after each
message, and its trades. A book is live by the same rules as in a running server: its sequencer's. A silent
connection is not doubted here; who reads a book sees when it last heard of it.
"""

from collections.abc import Iterable, Iterator, Sequence

from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos, next_multiple
from twap_server.domain.errors import TwapError
from twap_server.domain.market.errors import FeedError, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookLost,
    BookSnapshot,
    BookStatus,
    MarketEvent,
    Trade,
)
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Exchange, Start
from twap_server.replay.answers import RecordedRest
from twap_server.replay.connections import RecordedStream
from twap_server.replay.origin import NOWHERE, PlayedFrame
from twap_server.replay.unreadable import UnreadableMessages

_SYNCHRONISING = "synchronising"


class FollowedBooks:
    """The books of one exchange."""

    def __init__(self, exchange: Exchange, instruments: Iterable[Instrument]) -> None:
        """Args: exchange: of its own: it is taught these instruments; instruments: whose books to follow."""
        self._exchange = exchange
        self._instruments = {one.id.symbol: one for one in instruments}
        exchange.learn(self._instruments.values())
        self.books = {symbol: self._new_book(one) for symbol, one in self._instruments.items()}
        """By canonical symbol."""
        self.unread = UnreadableMessages()
        self.source = NOWHERE
        self._stream = RecordedStream(exchange, self)
        self._stream.opening()
        self._stream.subscribe(list(self._instruments.values()))

    def take(self, frame: PlayedFrame) -> tuple[Sequence[str], Sequence[Trade]]:
        """Take the next message in.

        Returns the canonical symbols whose books it was about, and its trades: ``ts_received`` is set.
        """
        at, raw, line, self.source, _ = frame
        try:
            events = self._stream.decode(raw)
        except WireFormatError as error:
            self.unread.note(self.source.path, line, str(error))
            for symbol in error.doubted or ():
                self._doubt(symbol, str(error))
            events = error.readable
        touched = [symbol for event in events if (symbol := self._apply(event, at))]
        trades = [event for event in events if type(event) is Trade and event.symbol in self.books]
        for trade in trades:
            trade.ts_received = at
        return touched, trades

    def take_answer(self, at: Nanos, raw: bytes, line: int, conn: str) -> Sequence[str]:
        """Take in what answered a request over REST: a book that waits for it begins. Returns as ``take``."""
        if self._exchange.start is not Start.FETCHED:
            return ()
        answer = RecordedRest("")
        answer.note(at, raw, line, conn)
        waiting = [one for one, book in self.books.items() if book.status is not BookStatus.LIVE]
        return [symbol for symbol in waiting if self._begun(symbol, answer, at)]

    def _begun(self, symbol: str, answer: RecordedRest, at: Nanos) -> bool:
        try:
            snapshot = answer.lead(self._exchange.snapshot(self._instruments[symbol]))
            self.books[symbol].on_snapshot(snapshot, at)
        except (TwapError, FeedError):  # another's answer, or one that is too old
            return False
        return True

    def _apply(self, event: MarketEvent, at: Nanos) -> str:
        """Change the book that an event is about; gives its symbol, empty where it is about none."""
        book = self.books.get(getattr(event, "symbol", None) or "")
        if book is None:
            return ""
        try:
            if isinstance(event, BookChange):
                book.on_change(event, at)
            elif isinstance(event, BookSnapshot):
                book.on_snapshot(event, at)
            elif isinstance(event, BookLost):
                book.resync(event.reason)
            else:
                return ""
        except FeedError:  # the book is resyncing by now, until the next snapshot
            pass
        return book.instrument.symbol

    def _doubt(self, symbol: str, reason: str) -> None:
        book = self.books.get(symbol)
        if book is not None:
            book.resync(reason)

    def _new_book(self, instrument: Instrument) -> LiveBook:
        book = LiveBook(
            instrument.id,
            self._exchange.new_sequencer(instrument),
            depth=self._exchange.book_depth,
            multiplier=instrument.multiplier,
        )
        book.resync(_SYNCHRONISING)
        return book


def seconds_between(before: Nanos, at: Nanos, step: int) -> Iterator[Nanos]:
    """Give the whole multiples of a step after a moment up to another."""
    yield from map(Nanos, range(next_multiple(before, step), at + 1, step))
