"""What the merged book costs with ever more exchanges: one change to one book, then the merged message anew.

Books of 400 levels a side, each exchange a few ticks apart, kept by the product; the message has ten levels a
side and is encoded as the stream sends it. The product makes it once a second, not for each change.
"""

import random
import statistics
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace

from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part
from twap_server.api.stream.book_messages import BookSource
from twap_server.books.consolidated import consolidate
from twap_server.books.counters import BookCounters
from twap_server.books.live import LiveBook
from twap_server.books.registry import BookRegistry
from twap_server.clock import SystemClock
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import BookChange, BookSnapshot, BookState
from twap_server.domain.market.instrument import TRADING, InstrumentId
from twap_server.exchanges.chain import Chain
from twap_server.feed.bus import BookTopic

_SYMBOL, _TOPIC = "BTC-USDT", BookTopic("aggregate", "BTC-USDT", "BTC-USDT")
_LEVELS, _MESSAGES = 400, 3_000
_EXCHANGES = (1, 2, 5, 10, 20)
_SPREAD = Decimal("0.05")


class Market:
    """Books of so many exchanges, without the exchanges."""

    def __init__(self, count: int) -> None:
        self.registry = BookRegistry()
        self._rng = random.Random(count)
        self.names = [f"exchange-{number}" for number in range(count)]
        self.books = [self._book(name, number) for number, name in enumerate(self.names)]
        self._status = [SimpleNamespace(name=name) for name in self.names]

    def _book(self, name: str, shift: int) -> LiveBook:
        book = LiveBook(InstrumentId(name, _SYMBOL), Chain())
        book.resync("synchronising")
        bids = [(_price(600_000 - shift - number), "1.5") for number in range(_LEVELS)]
        asks = [(_price(600_005 + shift + number), "1.5") for number in range(_LEVELS)]
        book.on_snapshot(BookSnapshot(symbol=_SYMBOL, bids=bids, asks=asks, last_id=1), Nanos(1))
        self.registry.add(book)
        return book

    def change(self, number: int) -> None:
        """Change a level near the best of one book."""
        book = self.books[number % len(self.books)]
        price = book.view(10).bids[self._rng.randrange(10)].price
        size, ident = f"0.{self._rng.randrange(1, 9_999):04d}", number // len(self.books) + 2
        change = BookChange(symbol=_SYMBOL, bids=[(str(price), size)], asks=[], first_id=ident, last_id=ident)
        book.on_change(change, Nanos(ident))

    def exchanges(self) -> Sequence[SimpleNamespace]:
        return self._status

    def instruments(self, exchange: str) -> Mapping[str, str]:
        return MappingProxyType({_SYMBOL: exchange})

    def trading_status(self, instrument: InstrumentId) -> str:
        return TRADING

    def view(self, instrument: InstrumentId, depth: int) -> BookState | None:
        return self.registry.view(instrument, depth)


def _price(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}"


def measure(options: Options) -> Part:
    """Measure the merging alone and the whole message, for each number of exchanges."""
    messages = _MESSAGES // 10 if options.quick else _MESSAGES
    part = Part(
        "merged_book", "The merged book of many exchanges", notes=["Microseconds of processor a message."]
    )
    for count in _EXCHANGES:
        runs = [_run(count, messages) for _ in range(options.repeats)]
        who = f"{count} exchange{'s' * (count > 1)}"
        part.figures.append(Figure("merging ten levels a side", who, "us", [merged for merged, _ in runs]))
        part.figures.append(Figure("the whole message, encoded", who, "us", [whole for _, whole in runs]))
    few, many = (statistics.median(part.figures[place].values) for place in (1, 7))
    part.notes.append(f"Ten exchanges cost {many / few:.1f} times as much as one, the message encoded.")
    return part


def _run(count: int, messages: int) -> tuple[float, float]:
    market = Market(count)
    source = BookSource(
        market,  # type: ignore[arg-type] - what a merged message reads, and no more
        SystemClock(),
        BookCounters(),
        max_spread=_SPREAD,
        own_impact=None,  # type: ignore[arg-type] - the topic has no owner
    )
    merging = whole = 0
    for number in range(messages):
        market.change(number)
        begin = time.process_time_ns()
        views = {name: market.view(InstrumentId(name, _SYMBOL), 10) for name in market.names}
        consolidate(views, 10, max_spread=_SPREAD)
        between = time.process_time_ns()
        source.frame(_TOPIC)
        merging, whole = merging + between - begin, whole + time.process_time_ns() - between
    return merging / messages / 1_000, whole / messages / 1_000


if __name__ == "__main__":
    run(measure, doc=__doc__)
