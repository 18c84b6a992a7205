"""Follow frames as a collector does, and count what came of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from support.exchanges.case import ExchangeCase
from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
from twap_server.domain.market.errors import FeedError, StreamGap, WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot, BookStatus
from twap_server.exchanges.base import Start, Stream


@dataclass
class Followed:
    """Books and counts."""

    books: dict[str, LiveBook] = field(default_factory=dict)
    figures: Counter[str] = field(default_factory=Counter)
    """``frames``, ``unreadable``, ``faults``, ``applied`` (to a live book), ``live`` (books
    at the end), and one of each kind of event in lower case."""
    faults: list[FeedError] = field(default_factory=list)


def follow(case: ExchangeCase, frames: Iterable[tuple[str, bytes]]) -> Followed:
    """Follow the frames of any connections; a book that starts over REST gets a made-up, empty snapshot."""
    exchange, told = case.taught(), Followed()
    streams: dict[str, Stream] = {}
    for conn, frame in frames:
        told.figures["frames"] += 1
        stream = streams.get(conn) or streams.setdefault(conn, exchange.new_stream())
        try:
            events = stream.decode(frame)
        except WireFormatError as error:
            told.figures["unreadable"] += 1
            events = error.readable
        except StreamGap as error:
            _fault(told, error)
            streams[conn] = exchange.new_stream()
            continue
        for event in events:
            told.figures[type(event).__name__.lower()] += 1
            if isinstance(event, BookChange | BookSnapshot):
                _take(case, told, event)
    told.figures["live"] = sum(book.status is BookStatus.LIVE for book in told.books.values())
    return told


def _take(case: ExchangeCase, told: Followed, event: BookChange | BookSnapshot) -> None:
    book = told.books.get(event.symbol)
    if book is None:
        instrument, exchange = case.instrument(*event.symbol.split("-")), case.taught()
        depth = exchange.book_depth
        book = told.books[event.symbol] = LiveBook(
            instrument.id,
            exchange.new_sequencer(instrument),
            depth=depth,
            multiplier=instrument.multiplier,
        )
        book.resync("synchronising")
        if case.shape.start is Start.FETCHED and isinstance(event, BookChange):
            before = BookSnapshot(symbol=event.symbol, bids=[], asks=[], last_id=event.first_id - 1)
            book.on_snapshot(before, Nanos(1))
    try:
        if isinstance(event, BookSnapshot):
            book.on_snapshot(event, Nanos(1))
        else:
            book.on_change(event, Nanos(1))
    except FeedError as error:
        _fault(told, error)
    told.figures["applied"] += book.status is BookStatus.LIVE


def _fault(told: Followed, error: FeedError) -> None:
    told.figures["faults"] += 1
    told.faults.append(error)
