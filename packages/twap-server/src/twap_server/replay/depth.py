"""Find how many levels a side the books of a recording have: a replay asks for as many.

In: the exchange, its instruments, what it answered, the first messages. Out: a number of levels; 0 where
none of them is a whole book.
"""

from collections.abc import Iterable

from twap_server.domain.errors import TwapError
from twap_server.domain.market.errors import FeedError
from twap_server.domain.market.events import BookSnapshot
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Asking, Exchange, Start, Stream, T
from twap_server.recordings.frames import RecordedFrame, boundary_of, is_answer
from twap_server.replay.answers import RecordedRest


def recorded_depth(
    exchange: Exchange, listed: Iterable[Instrument], rest: RecordedRest, frames: Iterable[RecordedFrame]
) -> int:
    """Count the levels of the first whole book."""
    exchange.learn(listed)
    books = _fetched(exchange, rest, listed) if exchange.start is Start.FETCHED else _pushed(exchange, frames)
    return next((depth for depth in map(_levels, books) if depth), 0)


def _levels(book: BookSnapshot) -> int:
    return max(len(book.bids), len(book.asks))


def _pushed(exchange: Exchange, frames: Iterable[RecordedFrame]) -> Iterable[BookSnapshot]:
    streams: dict[str, Stream] = {}
    for _, raw, _, conn in frames:
        if is_answer(conn):
            continue
        if bounded := boundary_of(conn):
            streams.pop(bounded, None)
            continue
        try:
            events = (streams.get(conn) or streams.setdefault(conn, exchange.new_stream())).decode(raw)
        except FeedError:
            continue
        yield from (one for one in events if isinstance(one, BookSnapshot))


def _fetched(exchange: Exchange, rest: RecordedRest, listed: Iterable[Instrument]) -> Iterable[BookSnapshot]:
    for one in listed:
        book = _led(exchange.snapshot(one), rest)
        if book is not None:
            yield book


def _led(asking: Asking[T], rest: RecordedRest) -> T | None:
    """Lead a conversation by what was recorded; None where an answer is missing or cannot be read."""
    try:
        return rest.lead(asking)
    except (TwapError, FeedError):
        return None
