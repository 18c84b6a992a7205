"""The connection of some of an exchange's instruments, kept up for ever.

After a failure: backoff with full jitter, starting anew only when book data has flowed. Before a planned
end (lifetime, shutdown notice): the next connection gets its books live on its own, then takes over;
readers notice nothing.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from twap_server.books.keeper import Keeper
from twap_server.books.live import LiveBook
from twap_server.collector.around import Surroundings
from twap_server.collector.backoff import delays
from twap_server.collector.connection import AttemptRefused
from twap_server.collector.session import Session
from twap_server.domain.errors import ConnectionLost, FeedError
from twap_server.domain.instrument import Instrument

_log = logging.getLogger(__name__)


class Shard:
    """One lane to an exchange: at any time one session that readers see, for a while also its successor."""

    def __init__(self, around: Surroundings, keeper: Keeper) -> None:
        self._around = around
        self._keeper = keeper
        self._sessions: dict[Session, asyncio.Task[None]] = {}
        self._delays = self._new_delays()
        self.symbols: set[str] = set()
        """Canonical symbols to serve; call ``changed`` after changing it."""
        self.failure: FeedError | None = ConnectionLost("not connected yet")
        """Why there is no connection now."""

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        return any(session.connected for session in self._sessions)

    def changed(self) -> None:
        """Tell the sessions that ``symbols`` changed."""
        for session in self._sessions:
            session.demand_changed()

    async def run(self) -> None:
        """Keep connected, for ever. Cancelling closes the connection and marks its books down."""
        while True:
            session = await self._serve()
            failure = session.failure or ConnectionLost("the connection ended")
            if session.saw_book_data:
                self._delays = self._new_delays()
            self._note(failure, had_connected=session.saw_book_data)
            await self._pause(failure)

    def find_book(self, instrument: Instrument) -> LiveBook:
        """Return the book that readers see, a new one where there is none."""
        book = self._keeper.live_book(instrument.id)
        if book is None:
            book = self.new_book(instrument)
            self._keeper.add(book)
        return book

    def new_book(self, instrument: Instrument) -> LiveBook:
        """Build an empty book."""
        exchange = self._around.exchange
        return LiveBook(instrument.id, exchange.new_sequencer(instrument), depth=exchange.book_depth)

    async def _serve(self) -> Session:
        async with asyncio.TaskGroup() as group:
            current = self._start(group, primary=True)
            while not current.ended.is_set():
                await _first(current.ended, current.retiring)
                if not current.ended.is_set():
                    current = await self._replace(group, current)
        return current

    async def _replace(self, group: asyncio.TaskGroup, current: Session) -> Session:
        following = self._start(group, primary=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._around.config.handover_s):
                await _first(following.ready, following.ended, current.ended)
        if following.ready.is_set() or (current.ended.is_set() and not following.ended.is_set()):
            following.take_over(current, self.find_book)
            self._stop(current)
            return following
        self._stop(following)
        await self._pause(following.failure or ConnectionLost("the next connection is not ready in time"))
        return current

    def _start(self, group: asyncio.TaskGroup, *, primary: bool) -> Session:
        find = self.find_book if primary else self.new_book
        session = Session(self._around, lambda: self.symbols, find, primary=primary)
        self._sessions[session] = group.create_task(self._run(session), name="session")
        return session

    async def _run(self, session: Session) -> None:
        try:
            await session.run()
        finally:
            self._sessions.pop(session, None)

    def _stop(self, session: Session) -> None:
        task = self._sessions.get(session)
        if task is not None:
            task.cancel()

    def _note(self, failure: FeedError, *, had_connected: bool) -> None:
        self.failure = failure
        _log.warning("%s: %s", self._around.exchange.name, failure)
        for book in self._own_books():
            if had_connected:
                book.mark_stale(str(failure))
            else:
                book.mark_down(str(failure))

    def _own_books(self) -> Iterator[LiveBook]:
        name = self._around.exchange.name
        for book in self._keeper:
            if book.instrument.exchange == name and book.instrument.symbol in self.symbols:
                yield book

    async def _pause(self, failure: FeedError) -> None:
        seconds = next(self._delays)
        if isinstance(failure, AttemptRefused):
            seconds = max(seconds, failure.retry_after)
        await self._around.clock.sleep(seconds)

    def _new_delays(self) -> Iterator[float]:
        config = self._around.config
        return delays(self._around.rng, initial_ms=config.backoff_initial_ms, cap_s=config.backoff_max_s)


async def _first(*events: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(event.wait()) for event in events]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
