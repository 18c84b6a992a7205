"""twap-server in the race: its real reading loop, adapter, sequence check and books, fed from memory.

``ExchangeSession`` is the one of a running server; only its socket is replaced by a list. What a run times
is all that a server does from a frame's bytes to a book that may be filled from.
"""

import gc
import random
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from itertools import islice
from typing import ClassVar, cast

import httpx

from benchmarks.books.contender import COMPARED, Mode, Outcome
from benchmarks.books.stream import Stream
from benchmarks.harness.answered import answered
from twap_server.books.live import LiveBook
from twap_server.books.registry import BookRegistry
from twap_server.clock import SystemClock
from twap_server.collector.config import CollectorConfig
from twap_server.collector.context import SessionContext, session_context
from twap_server.collector.history import History
from twap_server.collector.network import INTERNET
from twap_server.collector.session import ExchangeSession
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.native import COMPILED
from twap_server.exchanges.base import Exchange, Start
from twap_server.exchanges.registry import EXCHANGES

_ALL = 1_000_000
_BURST = 64
"""Messages that are there at once, as a socket has them that is as busy as the reader."""
_Receive = Callable[[], Awaitable[Iterable[bytes]]]


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
        receive = _in_bursts(self._read_frames(mode, books), len(self._frames))
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
        if exchange.start is Start.FETCHED:
            for native, text in self._stream.snapshots:
                instrument = self._by_native[native]
                snapshot = answered(exchange.snapshot(instrument), text.encode())
                session.books[instrument.id.symbol].on_snapshot(snapshot, around.clock.now())
        else:
            _read(
                session,
                _in_bursts(
                    [text.encode() for _, text in self._stream.snapshots], len(self._stream.snapshots)
                ),
            )
        return session

    def _read_frames(self, mode: Mode, books: dict[str, LiveBook]) -> Iterable[bytes]:
        """The frames, and between them the looks that the mode asks for."""
        touched = [books[native] for native, _ in self._stream.messages]
        match mode:
            case Mode.EVERY:
                return _looking(self._frames, [book.book.top_text for book in touched])
            case Mode.SECOND:
                return _looking_each_second(self._frames, self._stream.seconds, list(books.values()))
            case Mode.DECIMALS:
                return _looking(self._frames, [book.view for book in touched])
            case _:
                return self._frames

    def _check(self, session: ExchangeSession, taken: int) -> None:
        if taken != len(self._frames):
            raise RuntimeError(f"took {taken} of {len(self._frames)} messages")
        for book in session.books.values():
            if book.status is not BookStatus.LIVE:
                raise RuntimeError(f"{book.instrument} ended {book.status}: {book.reason}")


class EndOfTape(Exception):
    """No more frames."""


class _Tape:
    """The connection as the reading loop sees it; the messages come as fast as they are read."""

    acknowledges = False
    moment: Callable[[], Nanos] | None = None

    def __init__(self, receive: _Receive) -> None:
        # Drawn one by one, so that a look falls between two messages; the loop does no more than iterate.
        self.receive = cast(Callable[[], Awaitable[Sequence[bytes]]], receive)

    async def send(self, text: str) -> None:
        raise NotImplementedError(f"nobody is there to be told {text}")

    reply = send


def _read(session: ExchangeSession, receive: _Receive) -> None:
    """Run the session's reading loop, which never has to wait here, to the end of the tape."""
    reading: Coroutine[None, None, None] = session._read(_Tape(receive))
    try:
        reading.send(None)
    except EndOfTape:
        return
    raise RuntimeError("the reading loop waited for something")


def _in_bursts(frames: Iterable[bytes], count: int) -> _Receive:
    left = iter(frames)
    bursts = (islice(left, _BURST) for _ in range(0, count, _BURST))

    async def receive() -> Iterable[bytes]:
        for burst in bursts:
            return burst
        raise EndOfTape

    return receive


def _looking(frames: list[bytes], looks: list[Callable[[int], object]]) -> Iterator[bytes]:
    """Look at the book that the last frame changed before the next frame comes."""
    for frame, look in zip(frames, [looks[0], *looks], strict=False):
        look(10)
        yield frame


def _looking_each_second(frames: list[bytes], seconds: bytes, books: list[LiveBook]) -> Iterator[bytes]:
    for frame, is_over in zip(frames, b"\0" + seconds, strict=False):
        if is_over:
            for book in books:
                book.book.top_text(10)
        yield frame


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
