"""Keep the connection for some of an exchange's instruments open, and own their books.

A book is registered, and fed, from ``add`` to ``remove``: the session that readers see works on the very
mapping that is changed here, and only here is a book put into the registry or taken out.

After a failure: backoff with full jitter, starting anew only when book data has flowed. Before a planned
end (lifetime, shutdown notice): the next connection gets its books live on its own, then takes over;
readers notice nothing.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping, Set
from functools import partial

from twap_server.books.live import LiveBook, NewBook
from twap_server.books.registry import BookRegistry
from twap_server.collector.backoff import backoff_delays
from twap_server.collector.context import SessionContext
from twap_server.collector.failures import words_of
from twap_server.collector.session import ExchangeSession
from twap_server.domain.market.errors import AttemptRefused, ConnectionLost, FeedError, MessageTooLarge
from twap_server.domain.market.instrument import Instrument

_log = logging.getLogger(__name__)


class Shard:
    """One lane to an exchange: at any time one session that readers see, for a while also its successor."""

    def __init__(self, context: SessionContext, registry: BookRegistry) -> None:
        self._context = context
        self._registry = registry
        self._sessions: dict[ExchangeSession, asyncio.Task[None]] = {}
        self._backoff_delays = self._new_delays()
        self._books: dict[str, LiveBook] = {}
        """By canonical symbol: in the registry, and fed by the session that readers see."""
        self._shadows: dict[str, LiveBook] | None = None
        """The same symbols' books of a successor while there is one; nobody sees them."""
        self.failure: FeedError | None = ConnectionLost("not connected yet")
        """Why there is no connection now."""

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        return any(session.connected for session in self._sessions)

    @property
    def symbols(self) -> Set[str]:
        """The canonical symbols whose books are kept here."""
        return self._books.keys()

    def add(self, instrument: Instrument) -> None:
        """Begin to keep a book: readers find it at once, it is subscribed soon."""
        symbol = instrument.id.symbol
        self._books[symbol] = self._new_book(instrument, self._context.new_book)
        if self._shadows is not None:
            self._shadows[symbol] = self._new_book(instrument)
        self._registry.add(self._books[symbol])
        self.changed()

    def remove(self, symbol: str) -> None:
        """Give a book up: readers lose it and nothing feeds it from now on, it is unsubscribed soon."""
        book = self._books.pop(symbol)
        if self._shadows is not None:
            self._shadows.pop(symbol, None)
        self._registry.remove(book.instrument)
        self.changed()

    def list_changed(self, listed: Mapping[str, Instrument]) -> None:
        """Take in a newer list: the size of a contract may have changed."""
        for books in (self._books, self._shadows or {}):
            for symbol, book in books.items():
                if symbol in listed and book.book.scale != listed[symbol].multiplier:
                    book.count_in(listed[symbol].multiplier)
        self.changed()

    def changed(self) -> None:
        """Tell the sessions that books or the list of instruments changed."""
        for session in self._sessions:
            session.demand_changed()

    async def run(self) -> None:
        """Keep connected, for ever. Cancelling closes the connection and marks its books down."""
        while True:
            session = await self._serve()
            failure = session.failure or ConnectionLost("the connection ended")
            if session.saw_book_data and not isinstance(failure, MessageTooLarge):
                self._backoff_delays = self._new_delays()
            self._note(failure, had_connected=session.saw_book_data)
            await self._pause(failure)

    def _new_book(self, instrument: Instrument, new_book: NewBook = LiveBook) -> LiveBook:
        exchange = self._context.exchange
        return new_book(
            instrument.id,
            exchange.new_sequencer(instrument),
            depth=exchange.book_depth,
            multiplier=instrument.multiplier,
        )

    async def _serve(self) -> ExchangeSession:
        async with asyncio.TaskGroup() as group:
            current = self._start(group, self._books, primary=True)
            while not current.ended.is_set():
                await _first(current.ended, current.retiring)
                if not current.ended.is_set():
                    current = await self._replace(group, current)
        return current

    async def _replace(self, group: asyncio.TaskGroup, current: ExchangeSession) -> ExchangeSession:
        listed = self._context.instruments()
        shadows = {one: self._new_book(listed[one]) for one in self._books if one in listed}
        self._shadows = shadows
        following = self._start(group, shadows, primary=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._context.config.handover_s):
                await _first(following.ready, following.ended, current.ended)
        self._shadows = None
        if following.ready.is_set() or (current.ended.is_set() and not following.ended.is_set()):
            self._take_over(current, following, shadows)
            self._stop(current)
            return following
        self._stop(following)
        await self._pause(following.failure or ConnectionLost("the next connection is not ready in time"))
        return current

    def _take_over(
        self, current: ExchangeSession, following: ExchangeSession, shadows: Mapping[str, LiveBook]
    ) -> None:
        """Let the successor's books go on in those that readers see; level epochs and ``live`` stay."""
        for symbol, book in self._books.items():
            if symbol in shadows:
                book.take_over(shadows[symbol])
            else:
                book.mark_down("the new connection does not serve this book")
        current.serve({}, primary=False)
        following.serve(self._books, primary=True)

    def _start(
        self, group: asyncio.TaskGroup, books: Mapping[str, LiveBook], *, primary: bool
    ) -> ExchangeSession:
        session = ExchangeSession(self._context, books, primary=primary)
        self._sessions[session] = group.create_task(self._run(session), name="session")
        return session

    async def _run(self, session: ExchangeSession) -> None:
        try:
            await session.run()
        finally:
            self._sessions.pop(session, None)

    def _stop(self, session: ExchangeSession) -> None:
        task = self._sessions.get(session)
        if task is not None:
            task.cancel()

    def _note(self, failure: FeedError, *, had_connected: bool) -> None:
        if self.failure is None or words_of(self.failure) != words_of(failure) or had_connected:
            _log.warning("%s: %s", self._context.exchange.name, failure)
        self.failure = failure
        is_barred = isinstance(failure, AttemptRefused) and failure.is_barred
        if isinstance(failure, AttemptRefused):
            again = partial(AttemptRefused, failure.words, is_barred=failure.is_barred)
            self._context.cooldown.shut(failure.retry_after, again)
        for book in self._books.values():
            if had_connected:
                book.mark_stale(str(failure))
            else:
                book.mark_down(str(failure), is_barred=is_barred)

    async def _pause(self, failure: FeedError) -> None:
        seconds = next(self._backoff_delays)
        if isinstance(failure, AttemptRefused):
            seconds = max(seconds, failure.retry_after)
        await self._context.clock.sleep(seconds)

    def _new_delays(self) -> Iterator[float]:
        config = self._context.config
        return backoff_delays(
            self._context.rng, initial_ms=config.backoff_initial_ms, cap_s=config.backoff_max_s
        )


async def _first(*events: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(event.wait()) for event in events]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
