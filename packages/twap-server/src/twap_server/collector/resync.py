"""Resynchronise one book without reconnecting.

Where books start from REST: hold changes, fetch a snapshot, join; again with backoff until it fits.
Where each message is the whole book: wait for the next one. Elsewhere, or where none comes: unsubscribe and
subscribe the book; where nothing proves a book, now and then without a fault too.
One attempt in flight per instrument, and few a minute.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable

from twap_server.books.live import LiveBook
from twap_server.collector.backoff import backoff_delays
from twap_server.collector.connection import Connection
from twap_server.collector.context import Served, SessionContext
from twap_server.collector.rate_limit import RateLimiter
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import ExchangeRefuses, UnavailableError, UnknownSymbol
from twap_server.domain.market.errors import ChecksumMismatch, FeedError, WireFormatError
from twap_server.domain.market.events import BookLost, BookStatus
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.base import Start, Stream

_log = logging.getLogger(__name__)
_FREE_FAILURES = 2
"""So many failures in a row are healed at once: a gap is nothing unusual."""


class BookResync:
    """Remedies for one session's books."""

    def __init__(
        self,
        context: SessionContext,
        served: Served,
        stream: Stream,
        *,
        refuse: Callable[[str, RefusalKind], None],
    ) -> None:
        """Build it; ``start`` puts it to work.

        Args:
            context, served, stream: of this connection.
            refuse: leaves a symbol alone for a while that the exchange does not know.
        """
        self._context, self._served, self._stream, self._refuse = context, served, stream, refuse
        self._subscribed: set[str] = set()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._since: dict[str, Nanos] = {}
        self._quiet_since: dict[str, Nanos] = {}
        self._refresh_at: dict[str, Nanos] = {}
        self._budgets: defaultdict[str, RateLimiter] = defaultdict(
            lambda: RateLimiter(context.clock, amount=context.config.resubscribes_per_minute, window_s=60)
        )
        self._group: asyncio.TaskGroup
        self._connection: Connection

    def start(self, group: asyncio.TaskGroup, connection: Connection) -> None:
        """Work on this connection, with tasks of this group."""
        self._group = group
        self._connection = connection

    def on_subscribed(self, symbol: str) -> None:
        """Begin: the exchange acknowledged, changes are held from now on."""
        self._subscribed.add(symbol)
        self._since[symbol] = self._context.clock.monotonic()
        if self._context.exchange.start is Start.FETCHED:
            self.begin(symbol)

    def forget(self, symbol: str) -> None:
        """Stop what is under way for a symbol: it is not subscribed any more, or has a new book."""
        for known in (self._since, self._quiet_since, self._refresh_at):
            known.pop(symbol, None)
        self._subscribed.discard(symbol)
        task = self._busy.pop(symbol, None)
        if task is not None:
            task.cancel()

    def restart(self, symbol: str) -> None:
        """Begin anew at once with a subscribed symbol, whatever is under way."""
        task = self._busy.pop(symbol, None)
        if task is not None:
            task.cancel()
        self.begin(symbol)

    def heal(self, symbol: str, error: FeedError) -> None:
        """Begin anew after a fault; the book is already ``resyncing``.

        A checksum that is wrong again and again means that numbers are written otherwise than the list says.
        """
        context = self._context
        _log.info("%s %s: %s", context.exchange.name, symbol, error)
        if isinstance(error, ChecksumMismatch) and context.backoff.failures(symbol):
            context.doubt_list()
        self._begin_after_fault(symbol)

    def doubt(self, error: WireFormatError) -> None:
        """Begin anew with every book that may have lost a change, and with what would have proved it."""
        books = self._served.books
        for symbol in books if error.doubted is None else error.doubted:
            self._doubt_one(symbol, str(error))

    def lose(self, lost: BookLost) -> None:
        """Begin anew with a book of which the exchange says that it does not know it now."""
        exchange = self._context.exchange.name
        _log.info("%s %s: %s: %.200r", exchange, lost.symbol, lost.reason, lost.message)
        self._doubt_one(lost.symbol, lost.reason)

    def _doubt_one(self, symbol: str, reason: str) -> None:
        book = self._served.books.get(symbol)
        if book is not None and book.status in (BookStatus.LIVE, BookStatus.RESYNCING):
            book.resync(reason)
            self._begin_after_fault(symbol)

    def doubt_silent(self, now: Nanos) -> None:
        """Begin anew with each live book that says nothing, where each speaks whether it changed or not.

        Args:
            now: wall time.
        """
        borne = self._context.exchange.book_silence_s * SECOND
        for symbol, book in self._served.books.items() if borne else ():
            if book.status is BookStatus.LIVE and now - book.ts_received >= borne:
                book.resync("the exchange says nothing of this book")
                self._begin_after_fault(symbol)

    def check(self, now: Nanos) -> None:
        """Ask again: no change has met the snapshot, a snapshot never came, or an unproven book is old."""
        config = self._context.config
        for symbol, book in self._served.books.items():
            if not book.awaits_first_change:
                self._quiet_since.pop(symbol, None)
            elif now - self._quiet_since.setdefault(symbol, now) >= config.quiet_proof_s * SECOND:
                self._quiet_since[symbol] = now
                self.begin(symbol)
            if book.status is not BookStatus.RESYNCING:
                self._since.pop(symbol, None)
            elif symbol in self._since and now - self._since[symbol] >= config.ack_timeout_s * SECOND:
                self.begin(symbol)
            if self._is_old(symbol, book, now):
                self.begin(symbol, has_failed=False)

    def _is_old(self, symbol: str, book: LiveBook, now: Nanos) -> bool:
        """Tell whether a live book that nothing proves is due; chance keeps a connection's books apart."""
        context = self._context
        if not context.exchange.refresh_s or book.status is not BookStatus.LIVE:
            self._refresh_at.pop(symbol, None)
            return False
        period = (context.config.refresh_s or context.exchange.refresh_s) * SECOND
        return now >= self._refresh_at.setdefault(
            symbol, Nanos(now + context.rng.randint(period // 2, period))
        )

    def _begin_after_fault(self, symbol: str) -> None:
        """Begin anew; where each message is the whole book only after ``check`` has waited for the next."""
        if self._context.exchange.start is Start.WHOLE:
            self._since.setdefault(symbol, self._context.clock.monotonic())
        else:
            self.begin(symbol)

    def begin(self, symbol: str, *, has_failed: bool = True) -> None:
        """Get a subscribed book right, unless that is under way; what failed before waits ever longer."""
        if symbol in self._busy or symbol not in self._subscribed:
            return
        self._since[symbol] = self._context.clock.monotonic()
        self._busy[symbol] = self._group.create_task(
            self._run(symbol, has_failed=has_failed), name=f"heal {symbol}"
        )

    async def _run(self, symbol: str, *, has_failed: bool) -> None:
        context = self._context
        try:
            if context.exchange.start is Start.FETCHED:
                await self._fetch(symbol)
            else:
                if has_failed:
                    await context.clock.sleep(context.backoff.failed(symbol, free=_FREE_FAILURES))
                await self._resubscribe(symbol)
                self._since[symbol] = context.clock.monotonic()
        finally:
            if self._busy.get(symbol) is asyncio.current_task():
                del self._busy[symbol]

    async def _fetch(self, symbol: str) -> None:
        context = self._context
        config, clock, rng = context.config, context.clock, context.rng
        for delay in backoff_delays(rng, initial_ms=config.backoff_initial_ms, cap_s=config.backoff_max_s):
            if symbol not in self._served.books or await self._joined(symbol):
                return
            await clock.sleep(delay)

    async def _joined(self, symbol: str) -> bool:
        context, config = self._context, self._context.config
        instrument = context.instruments().get(symbol)
        if instrument is None:
            return True
        try:
            snapshot = await context.history.snapshot(instrument)
            book = self._served.books.get(symbol)
            if book is not None and book.status is BookStatus.RESYNCING:
                book.on_snapshot(snapshot, context.clock.now())
        except FeedError:
            return False
        except UnavailableError as error:
            self._hold_up(symbol, error)
            if context.history.refusal is not None:  # what failed only once is soon asked for again
                await context.clock.sleep(min(error.retry_after, config.backoff_max_s))
            return False
        except UnknownSymbol:
            self._refuse(symbol, RefusalKind.UNKNOWN_SYMBOL)
        return True

    def _hold_up(self, symbol: str, error: UnavailableError) -> None:
        book = self._served.books.get(symbol)
        if book is not None:
            book.hold_up(str(error), is_barred=isinstance(error, ExchangeRefuses))

    async def _resubscribe(self, symbol: str) -> None:
        await self._budgets[symbol].spend()
        await self._context.resubscribes.spend()
        instrument, book = self._context.instruments().get(symbol), self._served.books.get(symbol)
        if instrument is None or book is None:
            return
        if book.status is BookStatus.LIVE:
            book.resync("asked for anew, because nothing proves it")
        for request in self._stream.renew(instrument):
            await self._connection.send(request.text)
