"""What all peers share: fresh books from the snapshots, three timed loops, tops as they come."""

import gc
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from benchmarks.books.contender import COMPARED, Book, Mode, Outcome
from benchmarks.books.stream import Stream

Handle = Callable[[str], Any]
"""Takes raw text into the book of the symbol it names and returns that book."""


class Peer(ABC):
    """Another tool, driven with as little of our own code as possible."""

    label: ClassVar[str]
    modes: ClassVar = COMPARED

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.books: dict[str, Any] = {}
        self.set_up()

    @abstractmethod
    def set_up(self) -> None:
        """Import the tool.

        Raises:
            ImportError: it is not installed.
        """

    @abstractmethod
    def load(self, symbol: str, text: str) -> Any:
        """Make a book from a snapshot."""

    @abstractmethod
    def binance(self) -> Handle:
        """Return what handles ``depthUpdate`` messages."""

    @abstractmethod
    def coinbase(self) -> Handle:
        """Return what handles ``l2update`` messages."""

    @staticmethod
    @abstractmethod
    def top(book: Any) -> Book:
        """Return the ten best levels a side, detached from the live book."""

    def run(self, mode: Mode) -> Outcome:
        """Begin anew and take every message."""
        self.books = {symbol: self.load(symbol, text) for symbol, text in self.stream.snapshots}
        handle = {"binance": self.binance, "coinbase-exchange": self.coinbase}[self.stream.exchange]()
        gc.collect()
        seconds = _LOOPS[mode](self, handle)
        return Outcome(seconds, tops={symbol: _plain(self.top(book)) for symbol, book in self.books.items()})


def _updating(peer: Peer, handle: Handle) -> float:
    begin = time.process_time()
    for _, text in peer.stream.messages:
        handle(text)
    return time.process_time() - begin


def _every(peer: Peer, handle: Handle) -> float:
    top = peer.top
    begin = time.process_time()
    for _, text in peer.stream.messages:
        top(handle(text))
    return time.process_time() - begin


def _second(peer: Peer, handle: Handle) -> float:
    top, books = peer.top, list(peer.books.values())
    begin = time.process_time()
    for (_, text), is_over in zip(peer.stream.messages, peer.stream.seconds, strict=True):
        handle(text)
        if is_over:
            for book in books:
                top(book)
    return time.process_time() - begin


_LOOPS = {Mode.UPDATING: _updating, Mode.EVERY: _every, Mode.SECOND: _second}


def _plain(book: Book) -> Book:
    bids, asks = ([(float(price), float(size)) for price, size, *_ in side] for side in book)
    return bids, asks
