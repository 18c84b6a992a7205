"""Find the live books by instrument. One writer per book; any number of readers."""

from collections.abc import Callable, Iterator

from twap_server.books.live import LiveBook
from twap_server.books.recent_trades import RecentTrades
from twap_server.books.traded_volume import TradedVolume
from twap_server.domain.market.events import BookState
from twap_server.domain.market.instrument import InstrumentId


class BookRegistry:
    """Where books are found. ``trades`` adds up what was traded, ``recent_trades`` keeps the newest."""

    def __init__(self, *, keeps_trades: bool = True) -> None:
        """Args: keeps_trades: whether anybody reads ``recent_trades``; else it stays empty."""
        self._books: dict[InstrumentId, LiveBook] = {}
        self._listeners: list[Callable[[InstrumentId], None]] = []
        self._left: dict[InstrumentId, LiveBook] = {}
        self.trades = TradedVolume()
        self.recent_trades = RecentTrades()
        if keeps_trades:
            self.trades.listen(self.recent_trades.add)

    def __len__(self) -> int:
        """Count the books."""
        return len(self._books)

    def __iter__(self) -> Iterator[LiveBook]:
        """Iterate over the books of this moment."""
        return iter(tuple(self._books.values()))

    def live_book(self, instrument: InstrumentId) -> LiveBook | None:
        """Return the book itself, None where nobody wants it."""
        return self._books.get(instrument)

    def view(self, instrument: InstrumentId, depth: int) -> BookState | None:
        """Return at most ``depth`` levels a side with the book's status, None where nobody wants the book."""
        book = self._books.get(instrument)
        return None if book is None else book.view(depth)

    def add(self, book: LiveBook) -> None:
        """Start keeping a book; ``seq`` and level epochs continue from an earlier book of the instrument."""
        left = self._left.pop(book.instrument, None)
        if left is not None:
            book.seq = max(book.seq, left.seq)
            book.book = left.book
        self._books[book.instrument] = book
        book.on_status = self._announce

    def listen(self, callback: Callable[[InstrumentId], None]) -> None:
        """Call ``callback`` as soon as a kept book becomes live or stops being live."""
        self._listeners.append(callback)

    def remove(self, instrument: InstrumentId) -> None:
        """Stop keeping a book; whoever still holds it sees ``down``."""
        book = self._books.pop(instrument, None)
        if book is not None:
            book.mark_down("nobody asks for this book any more")
            book.book.empty()
            self._left[instrument] = book
        self.trades.forget(instrument)
        self.recent_trades.forget(instrument)

    def _announce(self, instrument: InstrumentId) -> None:
        for callback in self._listeners:
            callback(instrument)
