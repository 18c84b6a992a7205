"""Write what the page asks of a replay: what there is, frames a page at a time, the mid over all of it."""

import re
from dataclasses import dataclass
from typing import Any, Final

from msgspec.json import Encoder

from twap_server.api.wire import present
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos, to_iso
from twap_server.domain.errors import InvalidRequest, OrderNotFound
from twap_server.domain.orders.record import OrderRecord
from twap_server.theatre.camera import Camera, FilmedBook

MOST_FRAMES: Final = 120
"""Of one answer."""
MOST_MIDS: Final = 2_000
_encode: Final = Encoder(decimal_format="number").encode
_MID: Final = re.compile(rb'\{"mid":([^,]+),')
_LONGEST_MID: Final = 128
"""Bytes of a frame's text within which its mid ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screenplay:
    """A replay that is over, and what was filmed of it."""

    name: str
    """Of the recordings."""
    camera: Camera
    records: tuple[OrderRecord, ...]
    start: Nanos
    end: Nanos
    """Recorded time of the first and of the last moment played."""
    messages: int
    unread: str
    """How many messages could not be read, and why; empty when all were."""

    def record(self, token_id: str) -> OrderRecord:
        """What is recorded of an order.

        Raises:
            OrderNotFound: the replay has none of that name.
        """
        for one in self.records:
            if one.order.terms.token_id == token_id:
                return one
        raise OrderNotFound(f"the replay has no order {token_id!r}")

    def book(self, number: int) -> FilmedBook:
        """A book by its place in the summary.

        Raises:
            InvalidRequest: there is none.
        """
        books = self.camera.books
        if not 0 <= number < len(books):
            raise InvalidRequest(f"expected a book from 0 to {len(books) - 1}, got {number}", field="book")
        return books[number]


def summary(play: Screenplay) -> bytes:
    """What there is: the recording, its frames, books and orders as they ended."""
    body: dict[str, Any] = {
        "recording": play.name,
        "start": to_iso(play.start),
        "end": to_iso(play.end),
        "first": to_iso(play.camera.first),
        "frames": play.camera.count,
        "messages": play.messages,
        "unread": play.unread,
        "books": [_book(one) for one in play.camera.books],
        "orders": [_order(one) for one in play.records],
    }
    return _encode(body)


def frames(play: Screenplay, *, book: int, first: int, every: int, limit: int) -> bytes:
    """Frames ``first``, ``first + every`` …, at most ``limit``, each with what happened since the one before.

    Of trades each has the newest; the first frame has those before it, too, and every order that is there.

    Raises:
        InvalidRequest: no such book, or no such frame.
    """
    filmed, count = play.book(book), play.camera.count
    if not 0 <= first < count:
        raise InvalidRequest(f"expected a frame from 0 to {count - 1}, got {first}", field="first")
    before, made = -1, []
    for number in range(first, min(count, first + every * limit), every):
        made.append(_frame(play.camera, filmed, before, number))
        before = number
    head = b'{"first":%d,"every":%d,"frames":[' % (first, every)
    return head + b",".join(made) + b"]}"


def mids(play: Screenplay, *, book: int) -> bytes:
    """The mid over the whole replay: of every frame, or of every so many that 2,000 are enough.

    Raises:
        InvalidRequest: no such book.
    """
    shown, count = play.book(book).frames, play.camera.count
    every = max(1, -(-count // MOST_MIDS))
    found = (_MID.match(shown.book_begin(number, _LONGEST_MID)) for number in range(0, count, every))
    return b'{"every":%d,"mids":[%b]}' % (every, b",".join(one[1] if one else b"null" for one in found))


def _frame(camera: Camera, filmed: FilmedBook, before: int, number: int) -> bytes:
    book = filmed.frames.book(number)
    trades, left_out = filmed.frames.trades(before, number)
    changed = ((token, kept.changed(before, number)) for token, kept in camera.orders.items())
    orders = b",".join(_encode(token) + b":" + body for token, body in changed if body is not None)
    text = b'{"number":%d,"time":"%b",%b,"trades":[%b],"left_out":%d,"orders":{%b}}'
    time = to_iso(Nanos(camera.first + number * SECOND)).encode()
    return text % (number, time, book[1:-1], trades, left_out, orders)


def _book(filmed: FilmedBook) -> dict[str, Any]:
    topic = filmed.topic
    return {
        "exchange": topic.exchange,
        "symbol": topic.symbol,
        "instrument": present.instrument(filmed.instrument).to_wire(),
    }


def _order(record: OrderRecord) -> dict[str, Any]:
    """An order as it ended, and when each of its slices was decided: what the page steps along.

    Rounded up: the moment that is stepped to has the slice in it.
    """
    decided = [
        {
            "index": one.index,
            "ms": -(-one.decided_at // MILLISECOND),
            "outcome": one.outcome.value,
        }
        for one in record.slices
    ]
    return {"order": present.order_body(record.order), "slices": decided}
