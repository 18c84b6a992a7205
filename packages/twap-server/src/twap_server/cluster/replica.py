"""Follow one instrument of a collector on another node: its book and its trades."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from twap_server.books.registry import BookRegistry
from twap_server.cluster.coding import WrongVersion, decode
from twap_server.cluster.collector_word import CollectorWord
from twap_server.cluster.heard_book import WAITING, HeardBook
from twap_server.cluster.heard_trades import HeardTrades
from twap_server.cluster.market_messages import BookAnswer, BookPulse, TradeTold, book_told
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.replica_book import ReplicaBook
from twap_server.cluster.subjects import Subjects
from twap_server.domain.clock import Clock
from twap_server.domain.market.instrument import InstrumentId

NOT_COLLECTED = "its collector does not collect it yet"
NO_ROOM = "its collector collects as many books as it takes, and no order wants this one"


class Replica:
    """One instrument's, from the moment somebody wants it."""

    def __init__(
        self,
        instrument: InstrumentId,
        *,
        registry: BookRegistry,
        word: CollectorWord,
        clock: Clock,
        ask: Callable[[str], None],
    ) -> None:
        """Put the book into the registry; ``ask`` is called with its symbol when the whole book is needed."""
        self.instrument = instrument
        self.book = ReplicaBook(instrument, clock, word)
        self.word = word
        """Of the collector of its part."""
        self.listens = False
        """Whether what is told reaches it: the whole book is of use from then on."""
        self._was_silent = self.book.is_silent
        registry.add(self.book)
        self._book = HeardBook(self.book, clock, lambda: ask(instrument.symbol))
        self._trades = HeardTrades(instrument, registry, clock)

    async def run(self, messenger: Messenger, subjects: Subjects) -> None:
        """Listen, for ever. Cancelling ends it."""
        async with AsyncExitStack() as stack:
            books = await messenger.listen(subjects.book(self.instrument), self._hear_book)
            stack.push_async_callback(books.end)
            trades = await messenger.listen(subjects.trades(self.instrument), self._hear_trade)
            stack.push_async_callback(trades.end)
            self.listens = True
            self._book.lose(WAITING)
            await asyncio.Event().wait()

    @property
    def is_waiting(self) -> bool:
        """Whether the whole book is needed, and of use."""
        return self.listens and self._book.is_waiting

    def compare(
        self, epoch: int, told: BookPulse | None, *, late: int, was_silent: bool, is_refused: bool
    ) -> None:
        """Compare with a pulse.

        Args:
            epoch: of the collector.
            told: what the pulse says of the book; None: it does not name it.
            late: nanoseconds by which the pulse was late.
            was_silent: it is the first after silence.
            is_refused: the collector does not collect the book for want of room.
        """
        if not self.listens:
            return
        if told is None:
            self._book.begin(epoch)
            self._book.not_listed(was_silent=was_silent)
            if is_refused and self._book.is_waiting:
                self.book.mark_down(NO_ROOM)
            return
        self._book.compare(epoch, told, late=late, was_silent=was_silent)
        self._trades.compare(epoch, told.traded)

    def take(self, answer: BookAnswer) -> None:
        """Take the whole book, and the newest trades."""
        self._trades.show(answer.epoch, answer.trades, answer.traded)
        if answer.book is not None:
            self._book.take_whole(answer.book)
        elif self._book.is_waiting:
            self.book.mark_down(NOT_COLLECTED)

    def heed(self, word: CollectorWord) -> None:
        """Go by another collector from now on."""
        self.word = word
        self.book.heed(word)

    def lose(self, reason: str) -> None:
        """Trust nothing of the book until it has come anew."""
        if self.listens:
            self._book.lose(reason)

    def look(self) -> None:
        """Tell who listens to the registry when silence began or is over."""
        if self.book.is_silent is not self._was_silent:
            self._was_silent = not self._was_silent
            self.book.on_status(self.instrument)

    def _hear_book(self, body: bytes) -> None:
        try:
            told = book_told(body)
        except WrongVersion as error:
            self.lose(str(error))
            raise
        self._book.hear(told)

    def _hear_trade(self, body: bytes) -> None:
        self._trades.hear(decode(body, TradeTold))
