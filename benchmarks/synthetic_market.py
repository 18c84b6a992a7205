"""50 live books fed with 20 messages a second each, as Binance would send them.

In: nothing. Out: the ``BookRegistry`` of a server, filled through the product's adapter (decoding, sequence
check, book). Messages change ten levels, most of them near the touch, and remove one in ten.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from decimal import Decimal

from twap_server.books.live import LiveBook, NewBook
from twap_server.books.registry import BookRegistry
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.exchanges.binance.spot import BinanceExchange

BOOKS = 50
MESSAGES_A_SECOND = 20
"""Of each book."""
_LEVELS = 500
_PREPARED = 400
"""Messages a book; then they come again under new numbers."""
_FEED_EVERY = 5 * MILLISECOND


def first_mid(number: int) -> int:
    """The price around which the levels of book ``number`` lie."""
    return 1_000 + number


class Feed:
    """50 books and what an exchange would send about them."""

    def __init__(
        self,
        registry: BookRegistry,
        exchange: BinanceExchange,
        listed: list[Instrument],
        new_book: NewBook = LiveBook,
    ) -> None:
        self._registry, self._stream, self._listed = registry, exchange.new_stream(), listed
        self._bodies = [_bodies(number) for number in range(len(listed))]
        self._sent = 0
        for number, one in enumerate(listed):
            sequencer = exchange.new_sequencer(one)
            book = new_book(one.id, sequencer, depth=exchange.book_depth, multiplier=one.multiplier)
            registry.add(book)
            book.on_snapshot(_snapshot(one, number), Nanos(time.time_ns()))

    async def run(self) -> None:
        """Send the messages of all books, evenly over each second, until cancelled."""
        begin = time.monotonic_ns()
        while True:
            due = (time.monotonic_ns() - begin) * len(self._listed) * MESSAGES_A_SECOND // SECOND
            while self._sent < due:
                self.send()
            await asyncio.sleep(_FEED_EVERY / SECOND)

    def send(self) -> None:
        """Send the next message of the next book, as bytes through the adapter."""
        turn, at = divmod(self._sent, len(self._listed))
        self._sent += 1
        raw = self._bodies[at][turn % _PREPARED].replace(b"@first", b"%d" % (turn * 4 + 1))
        raw = raw.replace(b"@last", b"%d" % (turn * 4 + 4))
        now = Nanos(time.time_ns())
        for event in self._stream.decode(raw):
            assert isinstance(event, BookChange)
            book = self._registry.live_book(self._listed[at].id)
            assert book is not None
            book.on_change(event, now)

    @property
    def sent(self) -> int:
        """Messages so far."""
        return self._sent


def instrument(number: int) -> Instrument:
    """The instrument of book ``number``."""
    return Instrument(
        id=InstrumentId("binance", f"C{number:02}-USDT"),
        native=f"C{number:02}USDT",
        base=f"C{number:02}",
        quote="USDT",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.0001"),
        min_quantity=Decimal("0.0001"),
        min_notional=Decimal(5),
        status="trading",
    )


def _snapshot(one: Instrument, number: int) -> BookSnapshot:
    rng, mid = random.Random(number), first_mid(number)
    return BookSnapshot(
        symbol=one.id.symbol,
        bids=[(f"{mid - step / 100:.8f}", _quantity(rng)) for step in range(1, _LEVELS + 1)],
        asks=[(f"{mid + step / 100:.8f}", _quantity(rng)) for step in range(1, _LEVELS + 1)],
        last_id=0,
    )


def _bodies(number: int) -> list[bytes]:
    rng = random.Random(number)
    return [_body(number, rng) for _ in range(_PREPARED)]


def _body(number: int, rng: random.Random) -> bytes:
    """Ten changed levels, most of them near the touch, one in ten removed."""
    bids, asks = (",".join(_changes(number, sign, rng)) for sign in (-1, 1))
    return (
        f'{{"stream":"c{number:02}usdt@depth@100ms","data":{{"e":"depthUpdate","E":1723161255208,'
        f'"s":"C{number:02}USDT","U":@first,"u":@last,"b":[{bids}],"a":[{asks}]}}}}'
    ).encode()


def _changes(number: int, sign: int, rng: random.Random) -> Iterator[str]:
    for step in rng.sample([*range(1, 21), *range(21, _LEVELS + 1, 24)], 5):
        quantity = "0.00000000" if rng.random() < 0.1 else _quantity(rng)
        yield f'["{first_mid(number) + sign * step / 100:.8f}","{quantity}"]'


def _quantity(rng: random.Random) -> str:
    return f"{rng.randrange(1, 200_000) / 10_000:.8f}"
