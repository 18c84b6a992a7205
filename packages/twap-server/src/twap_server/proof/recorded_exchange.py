"""Keep the books of one exchange as a recording shows them: the exchange's own code reads its messages.

In: messages in the order in which they were received, REST answers among them. Out: live books, by symbol. No
socket, no clock and no task: what the collector would ask for is in the recording already, so a gap waits for
the snapshot that comes later, a new connection takes over from the one before.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
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
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.exchanges.base import Asking, Exchange, HttpRequest, Start, Stream, T
from twap_server.recordings.frames import RecordedFrame, boundary_of, is_answer, is_loss

_SYNCHRONISING: Final = "synchronising"
_MISSING: Final = "messages are missing in the recording"


class _Connection:
    """What came over one connection: its stream, and the books that it feeds."""

    def __init__(self, stream: Stream, last: int) -> None:
        self.stream, self.last = stream, last
        """``last``: the line of its last message."""
        self.books: dict[str, LiveBook] = {}
        self.heard_at = Nanos(0)


class RecordedExchange:
    """The books of some instruments of one exchange."""

    def __init__(
        self,
        exchange: Exchange,
        symbols: Collection[str],
        *,
        last_lines: Mapping[str, int],
        on_trade: Callable[[InstrumentId, Trade], None],
    ) -> None:
        """Build it.

        Args:
            exchange: with its depth as it was recorded.
            symbols: canonical.
            last_lines: of each connection, where its last message stands: another takes over then.
            on_trade: is told of trades, each once.
        """
        self._exchange, self._symbols = exchange, symbols
        self._last_lines, self._on_trade = last_lines, on_trade
        self._answers: dict[str, bytes] = {}
        self._listed: dict[str, Instrument] = {}
        self._books: dict[str, LiveBook] = {}
        self._connections: dict[str, _Connection] = {}
        self._fetched: dict[str, int] = {}
        """Which state of a symbol's book came over REST."""
        self._early: dict[str, tuple[BookSnapshot, Nanos]] = {}
        """Books that came over REST before it was seen which connection asked for them."""
        self._feeding: dict[str, _Connection] = {}
        """Which connection feeds a symbol's book that readers see."""

    def forget(self) -> None:
        """Begin anew, as a server that was started again; what is listed stays known."""
        self._books.clear()
        self._connections.clear()
        self._feeding.clear()
        self._fetched.clear()
        self._early.clear()

    def book(self, symbol: str) -> LiveBook | None:
        """The book as readers saw it; None where nothing came of it yet."""
        book, feeding = self._books.get(symbol), self._feeding.get(symbol)
        if book is not None and feeding is not None:
            book.confirm(feeding.heard_at)
        return book

    def date_fetched(self, symbol: str, moment: Nanos) -> None:
        """Say when a book that came over REST began, if it has not changed since.

        A recording keeps when the answer came. The server dates the book a little later, once it has read it.
        """
        book = self._books.get(symbol)
        if book is not None and self._fetched.get(symbol) == book.seq:
            book.ts_received = max(book.ts_received, moment)

    def take(self, frame: RecordedFrame) -> None:
        """Read the next message."""
        at, raw, line, conn = frame
        if is_answer(conn):
            self._on_answer(at, raw, conn)
            return
        if is_loss(conn):
            self._on_loss(boundary_of(conn))
            return
        connection = self._connections.get(conn)
        if connection is None:
            connection = self._connections[conn] = _Connection(
                self._new_stream(), self._last_lines.get(conn, 0)
            )
        connection.heard_at = at
        for event in self._decoded(connection, raw):
            self._on_event(connection, event, at)
        if line >= connection.last:
            self._hand_over(connection)

    def _on_loss(self, conn: str) -> None:
        """Trust no book of a connection whose messages are missing, nor what was known of it."""
        connection = self._connections.get(conn)
        if connection is not None:
            self._lose(connection, list(connection.books), _MISSING)
            connection.stream = self._new_stream()

    def _new_stream(self) -> Stream:
        stream = self._exchange.new_stream()
        stream.opening()
        if self._listed:
            stream.subscribe(list(self._listed.values()))
        return stream

    def _decoded(self, connection: _Connection, raw: bytes) -> Sequence[MarketEvent]:
        try:
            return connection.stream.decode(raw)
        except WireFormatError as error:
            doubted = connection.books if error.doubted is None else error.doubted
            self._lose(connection, list(doubted), str(error))
            return error.readable
        except FeedError as error:  # the connection itself cannot be trusted: it was opened anew
            self._lose(connection, list(connection.books), str(error))
            return ()

    def _lose(self, connection: _Connection, symbols: Sequence[str], reason: str) -> None:
        for symbol in symbols:
            if symbol in connection.books:
                connection.books[symbol].resync(reason)

    def _on_event(self, connection: _Connection, event: MarketEvent, at: Nanos) -> None:
        match event:
            case BookChange() | BookSnapshot():
                book = self._book_of(connection, event.symbol)
                if book is not None and not _apply(book, event, at):
                    self._renew(connection, event.symbol)
            case Trade():
                self._count(connection, event, at)
            case BookLost():
                self._lose(connection, [event.symbol], event.reason)
            case _:
                pass

    def _renew(self, connection: _Connection, symbol: str) -> None:
        """Let the stream know that its book was asked for anew: some take the next message for all of it."""
        if self._exchange.start is Start.PUSHED:
            connection.stream.renew(self._listed[symbol])

    def _count(self, connection: _Connection, trade: Trade, at: Nanos) -> None:
        book = self._book_of(connection, trade.symbol)
        if book is not None and self._feeding.get(trade.symbol) is connection:
            trade.ts_received = at
            self._on_trade(book.instrument, trade)

    def _book_of(self, connection: _Connection, symbol: str) -> LiveBook | None:
        """The book that a connection feeds: the one that readers see, or that of a successor."""
        book = connection.books.get(symbol)
        if book is None and symbol in self._listed:
            feeding = self._feeding.get(symbol)
            is_free = feeding is None or feeding not in self._connections.values()
            book = self._visible(symbol) if is_free else self._new_book(symbol)
            if is_free:
                self._feeding[symbol] = connection
            book.resync(_SYNCHRONISING)
            connection.books[symbol] = book
            if symbol in self._early:
                self._join(symbol, book, *self._early.pop(symbol))
        return book

    def _visible(self, symbol: str) -> LiveBook:
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = self._new_book(symbol)
        return book

    def _new_book(self, symbol: str) -> LiveBook:
        instrument, exchange = self._listed[symbol], self._exchange
        return LiveBook(
            instrument.id,
            exchange.new_sequencer(instrument),
            depth=exchange.book_depth,
            multiplier=instrument.multiplier,
        )

    def _hand_over(self, ended: _Connection) -> None:
        """A connection has said its last: those that came beside it feed what it fed."""
        for conn in [conn for conn, one in self._connections.items() if one is ended]:
            del self._connections[conn]
        for symbol in [symbol for symbol, one in self._feeding.items() if one is ended]:
            successor = next((one for one in self._connections.values() if symbol in one.books), None)
            if successor is not None:
                self._books[symbol].take_over(successor.books[symbol])
                successor.books[symbol] = self._books[symbol]
                self._feeding[symbol] = successor

    def _on_answer(self, at: Nanos, raw: bytes, conn: str) -> None:
        if not self._listed:
            self._answers.setdefault(conn, raw)
            self._learn()
        if self._exchange.start is Start.FETCHED:
            for instrument in self._listed.values():
                snapshot = _one_answer(self._exchange.snapshot(instrument), conn, raw)
                if snapshot is not None:
                    self._on_fetched(instrument.id.symbol, snapshot, at)

    def _on_fetched(self, symbol: str, snapshot: BookSnapshot, at: Nanos) -> None:
        """Join a book to those that wait for it; where none does, a new connection has asked for it."""
        waiting = [one.books[symbol] for one in self._connections.values() if symbol in one.books]
        waiting = [book for book in waiting if book.status is BookStatus.RESYNCING]
        for book in waiting:
            self._join(symbol, book, snapshot, at)
        if not waiting:
            self._early[symbol] = (snapshot, at)
            only = list(self._connections.values())
            if len(only) == 1 and symbol not in only[0].books:
                self._book_of(only[0], symbol)

    def _join(self, symbol: str, book: LiveBook, snapshot: BookSnapshot, at: Nanos) -> None:
        _apply(book, snapshot, at)
        if book is self._books.get(symbol):
            self._fetched[symbol] = book.seq

    def _learn(self) -> None:
        """Read the list of instruments, once all of it is there."""
        try:
            found = _led(self._exchange.instruments(), self._answers)
        except (TwapError, FeedError):
            return
        self._exchange.learn(found.found)
        self._listed = {one.id.symbol: one for one in found.found if one.id.symbol in self._symbols}
        for connection in self._connections.values():
            connection.stream.subscribe(list(self._listed.values()))
        self._answers.clear()


class _Missing(TwapError):
    """An answer is not there yet."""


def _led(asking: Asking[T], answers: Mapping[str, bytes]) -> T:
    try:
        request, before = next(asking), list[HttpRequest]()
        while request not in before:
            before.append(request)
            body = next((raw for conn, raw in answers.items() if _answers(request, conn)), None)
            if body is None:
                break
            request = asking.send(body)
    except StopIteration as end:
        value: T = end.value
        return value
    raise _Missing(f"the answer of {request.path} is missing")


def _one_answer(asking: Asking[T], conn: str, raw: bytes) -> T | None:
    """What a conversation of one question makes of an answer; None where it was another's."""
    try:
        if not _answers(next(asking), conn):
            return None
        asking.send(raw)
    except StopIteration as end:
        value: T = end.value
        return value
    except (TwapError, FeedError):
        pass
    return None


def _answers(request: HttpRequest, conn: str) -> bool:
    """Whether what came from an address answers a request; how much of it was asked for may differ."""
    place = urlsplit(conn)
    params = dict(parse_qsl(place.query))
    is_same = all(value == request.params.get(name) for name, value in params.items() if not value.isdigit())
    names = params.keys() == request.params.keys()
    return (
        place.path.endswith(request.path)
        and names
        and is_same
        and place.fragment == ((request.body or b"").decode())
    )


def _apply(book: LiveBook, event: BookChange | BookSnapshot, at: Nanos) -> bool:
    """Change a book; False where that went wrong: its status says so, and the recording has what heals it."""
    try:
        if isinstance(event, BookChange):
            book.on_change(event, at)
        elif book.status is not BookStatus.DOWN:
            book.on_snapshot(event, at)
    except FeedError:
        return False
    return True
