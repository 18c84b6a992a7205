"""twap-server in the race: its real reading loop, adapter, sequence check and books, fed from memory.

``ExchangeSession`` is the one of a running server; only its socket is replaced by a list. What a run times
is all that a server does from a frame's bytes to a book that may be filled from.
"""

import gc
import random
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from typing import ClassVar

import httpx

from benchmarks.books.contender import COMPARED, Mode, Outcome
from benchmarks.books.stream import Stream
from twap_server.books.live import LiveBook
from twap_server.books.registry import BookRegistry
from twap_server.clock import SystemClock
from twap_server.collector.config import CollectorConfig
from twap_server.collector.context import SessionContext, session_context
from twap_server.collector.history import History
from twap_server.collector.network import INTERNET
from twap_server.collector.session import ExchangeSession
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.native import COMPILED
from twap_server.exchanges.base import Exchange
from twap_server.exchanges.registry import EXCHANGES

_ALL = 1_000_000
_Receive = Callable[[], Awaitable[bytes]]


class TwapServer:
    """The product as it is installed here."""

    label: ClassVar[str] = "twap-server" if COMPILED else "twap-server (nothing compiled here)"
    modes: ClassVar[Collection[Mode]] = (*COMPARED, Mode.DECIMALS)

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._by_native = {one.native: one for one in stream.instruments}
        self._frames = [text.encode() for _, text in stream.messages]

    def run(self, mode: Mode) -> Outcome:
        """Feed fresh books; every message must have been taken and every book be live."""
        session = self._session()
        books = {native: session.books[one.id.symbol] for native, one in self._by_native.items()}
        before = sum(book.seq for book in books.values())
        receive = self._receive(mode, books)
        gc.collect()
        begin = time.process_time()
        _read(session, receive)
        seconds = time.process_time() - begin
        self._check(session, sum(book.seq for book in books.values()) - before)
        return Outcome(
            seconds,
            tops={native: book.book.top_text(10) for native, book in books.items()},
            exact={native: book.book.top_text(_ALL) for native, book in books.items()},
        )

    def _session(self) -> ExchangeSession:
        exchange = next(one for one in EXCHANGES if one.name == self._stream.exchange)()
        exchange.learn(self._stream.instruments)
        around = _session_context(exchange, self._stream)
        books: dict[str, LiveBook] = {}
        session, registry = ExchangeSession(around, books, primary=True), BookRegistry()
        for one in self._stream.instruments:
            book = LiveBook(one.id, exchange.new_sequencer(one), depth=exchange.book_depth)
            books[one.id.symbol] = book
            registry.add(book)
            book.resync("synchronising")  # as when it is asked for
        if exchange.needs_rest_snapshot:
            for native, text in self._stream.snapshots:
                instrument = self._by_native[native]
                snapshot = exchange.parse_depth(text.encode(), instrument)
                session.books[instrument.id.symbol].on_snapshot(snapshot, around.clock.now())
        else:
            _read(session, _one_by_one(text.encode() for _, text in self._stream.snapshots))
        return session

    def _receive(self, mode: Mode, books: dict[str, LiveBook]) -> _Receive:
        touched = [books[native] for native, _ in self._stream.messages]
        match mode:
            case Mode.EVERY:
                return _looking(self._frames, [book.book.top_text for book in touched])
            case Mode.SECOND:
                return _looking_each_second(self._frames, self._stream.seconds, list(books.values()))
            case Mode.DECIMALS:
                return _looking(self._frames, [book.view for book in touched])
            case _:
                return _one_by_one(self._frames)

    def _check(self, session: ExchangeSession, taken: int) -> None:
        if taken != len(self._frames):
            raise RuntimeError(f"took {taken} of {len(self._frames)} messages")
        for book in session.books.values():
            if book.status is not BookStatus.LIVE:
                raise RuntimeError(f"{book.instrument} ended {book.status}: {book.reason}")


class EndOfTape(Exception):
    """No more frames."""


class _Tape:
    """The connection as the reading loop sees it."""

    def __init__(self, receive: _Receive) -> None:
        self.receive = receive


def _read(session: ExchangeSession, receive: _Receive) -> None:
    """Run the session's reading loop, which never has to wait here, to the end of the tape."""
    reading: Coroutine[None, None, None] = session._read(_Tape(receive))  # type: ignore[arg-type]
    try:
        reading.send(None)
    except EndOfTape:
        return
    raise RuntimeError("the reading loop waited for something")


def _one_by_one(frames: Iterable[bytes]) -> _Receive:
    left = iter(frames)

    async def receive() -> bytes:
        for frame in left:
            return frame
        raise EndOfTape

    return receive


def _looking(frames: list[bytes], looks: list[Callable[[int], object]]) -> _Receive:
    """Look at the book that the last frame changed before the next frame comes."""
    left = zip(frames, [looks[0], *looks], strict=False)

    async def receive() -> bytes:
        for frame, look in left:
            look(10)
            return frame
        raise EndOfTape

    return receive


def _looking_each_second(frames: list[bytes], seconds: bytes, books: list[LiveBook]) -> _Receive:
    left = zip(frames, b"\0" + seconds, strict=False)

    async def receive() -> bytes:
        for frame, is_over in left:
            if is_over:
                for book in books:
                    book.book.top_text(10)
            return frame
        raise EndOfTape

    return receive


def _session_context(exchange: Exchange, stream: Stream) -> SessionContext:
    clock, config = SystemClock(), CollectorConfig()
    listed = {one.id.symbol: one for one in stream.instruments}
    return session_context(
        exchange,
        config=config,
        clock=clock,
        rng=random.Random(1),
        history=History(exchange, config, clock, httpx.AsyncClient()),
        network=INTERNET,
        trades=BookRegistry().trades,
        instruments=lambda: listed,
    )
