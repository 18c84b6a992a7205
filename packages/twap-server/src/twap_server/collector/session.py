"""Work one connection: subscribe to what is wanted, apply frames to books, react to each fault.

In: frames of one WebSocket. Out: changed LiveBooks and trades. It ends by raising a FeedError that means
reconnect; by then its books are already stale. Everything else (gap, bad checksum, crossed book, refusal,
garbage) is healed here, for one instrument at a time, without touching the connection.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Final

from twap_server.books.live import LiveBook
from twap_server.books.pulse import Pulse
from twap_server.collector.connection import Connection
from twap_server.collector.context import Served, SessionContext
from twap_server.collector.rejects import Rejects
from twap_server.collector.resync import BookResync
from twap_server.collector.silence import SilenceLimit
from twap_server.collector.subscriptions import ChannelSubscriptions
from twap_server.collector.suspects import CLOSES, TOO_LARGE
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.errors import first_in
from twap_server.domain.market.errors import (
    ConnectionLost,
    FeedError,
    FeedStale,
    MessageTooLarge,
    WireFormatError,
)
from twap_server.domain.market.events import (
    BookChange,
    BookLost,
    BookSnapshot,
    BookStatus,
    Heartbeat,
    MarketEvent,
    Refused,
    Reply,
    ShutdownNotice,
    Subscribed,
    Trade,
    TradingStatus,
)
from twap_server.domain.market.refusal import RefusalKind

_log = logging.getLogger(__name__)
_MOST_REPLIES: Final = 64


class ExchangeSession:
    """A connection's life. ``retiring`` asks for a successor, ``ready`` says that all its books are live."""

    def __init__(
        self,
        context: SessionContext,
        books: Mapping[str, LiveBook],
        *,
        primary: bool,
    ) -> None:
        """Args: as ``serve``; primary: whether readers see these books; a successor has shadows."""
        self.context = context
        self._served = Served(books=books, primary=primary)
        self.connected = False
        self.saw_book_data = False
        self.failure: FeedError | None = None
        self.ended = asyncio.Event()
        self.retiring = asyncio.Event()
        self.ready = asyncio.Event()
        self._pulse = Pulse(context.clock)
        self._stream = context.network.new_stream(context.exchange)
        self._stream.wall_time = context.clock.now
        self._resync = BookResync(context, self._served, self._stream, refuse=self._refuse)
        self._subscriptions = ChannelSubscriptions(
            context, self._served, self._stream, self._pulse, self._resync
        )
        self._replies: deque[str] = deque()
        self._owes_reply = asyncio.Event()
        self._greeted = asyncio.Event()
        self._silence_limit = SilenceLimit(
            beat_s=context.exchange.liveness.beat_s, fixed_ms=context.config.borne_silence_ms
        )
        self._was_silent = False
        self._rejects = Rejects(context.exchange.name)

    async def run(self) -> None:
        """Work until the connection fails.

        Never raises, ``failure`` says why. Cancelling closes the socket.
        """
        try:
            await self._work()
        except FeedError as error:
            self._lose(error)
        except asyncio.CancelledError:
            self._lose(ConnectionLost("not collected any more"))
            raise
        except Exception:
            _log.exception("session of %s failed", self.context.exchange.name)
            self._lose(ConnectionLost("an internal failure; reconnecting"))
        finally:
            self.connected = False
            self.ended.set()

    @property
    def books(self) -> Mapping[str, LiveBook]:
        """The books that it feeds, by canonical symbol."""
        return self._served.books

    def serve(self, books: Mapping[str, LiveBook], *, primary: bool) -> None:
        """Feed these books from now on, in place of those before: they have what those had.

        Args:
            books: by canonical symbol. What is added to them is subscribed, what is taken out is given up:
                call ``demand_changed`` then.
            primary: whether readers see them.
        """
        self._subscriptions.hand_over(self.books, books)
        self._served.books, self._served.primary = books, primary
        self.demand_changed()

    def demand_changed(self) -> None:
        """Compare wanted with subscribed soon."""
        self._subscriptions.wake()

    def _refuse(self, symbol: str, kind: RefusalKind) -> None:
        self._subscriptions.refuse(symbol, kind)

    async def _work(self) -> None:
        context = self.context
        context.cooldown.check()
        await context.connects.spend()
        async with context.network.open_socket(context.exchange, context.config, context.clock) as connection:
            self.connected = True
            try:
                await self._serve(connection)
            except* FeedError as errors:
                failure = first_in(errors, FeedError) or ConnectionLost("the connection failed")
                self._suspect(failure)
                self._lose(failure)
                raise failure from None

    def _suspect(self, failure: FeedError) -> None:
        """Look for an instrument by which the connection ended."""
        suspects, waiting = self.context.suspects, self._subscriptions.waiting()
        if isinstance(failure, MessageTooLarge):
            suspects.blame(waiting, TOO_LARGE, is_sure=True)
        elif isinstance(failure, ConnectionLost) and self.context.exchange.closes_on_refusal:
            suspects.blame(waiting, CLOSES, is_sure=False)

    async def _serve(self, connection: Connection) -> None:
        async with asyncio.TaskGroup() as group:
            self._resync.start(group, connection)
            group.create_task(self._speak(connection), name="subscriptions")
            group.create_task(self._watch(), name="watch")
            group.create_task(self._ping(connection), name="ping")
            group.create_task(self._reply(connection), name="replies")
            await self._read(connection)

    async def _read(self, connection: Connection) -> None:
        receive = connection.receive
        decode = self._stream.decode
        now, monotonic = connection.moment or self.context.clock.now, self.context.clock.monotonic
        pulse, served, greeted = self._pulse, self._served, self._greeted
        while True:
            burst = await receive()
            pulse.heard_at, received_at = monotonic(), now()
            greeted.set()
            for raw in burst:
                try:
                    events = decode(raw)
                except WireFormatError as error:
                    self._reject(error)
                    events = error.readable
                for event in events:
                    if type(event) is not BookChange:
                        self._on_other(event, received_at)
                    elif (book := served.books.get(event.symbol)) is not None:
                        try:
                            book.on_change(event, received_at)
                        except FeedError as error:
                            self._heal(event.symbol, error)

    def _on_other(self, event: MarketEvent, received_at: Nanos) -> None:
        match event:
            case Trade():
                self._on_trade(event, received_at)
            case Heartbeat():
                self._silence_limit.beat(self._pulse.heard_at)
            case BookSnapshot():
                self._on_snapshot(event, received_at)
            case Subscribed():
                self._subscriptions.on_ack(event)
            case Refused():
                self._subscriptions.on_refusal(event)
            case _:
                self._on_notice(event)

    def _on_notice(self, event: MarketEvent) -> None:
        match event:
            case Reply():
                self._note_reply(event)
            case ShutdownNotice():
                self.retiring.set()
            case BookLost():
                self._resync.lose(event)
            case TradingStatus():
                self.context.on_trading_status(event)

    def _on_trade(self, trade: Trade, received_at: Nanos) -> None:
        served = self._served
        book = served.books.get(trade.symbol)
        if served.primary and book is not None:
            trade.ts_received = received_at
            self.context.trades.add(book.instrument, trade)

    def _on_snapshot(self, snapshot: BookSnapshot, received_at: Nanos) -> None:
        book = self.books.get(snapshot.symbol)
        if book is None or book.status is BookStatus.DOWN:  # of a subscription given up meanwhile
            return
        try:
            book.on_snapshot(snapshot, received_at)
        except FeedError as error:
            self._heal(snapshot.symbol, error)

    def _heal(self, symbol: str, error: FeedError) -> None:
        if isinstance(error, WireFormatError):
            self._note(error)
        self._resync.heal(symbol, error)

    async def _watch(self) -> None:
        """Silence, lifetime, unanswered requests, quiet books: looked at every ``look_every_ms``."""
        clock, config, pulse = self.context.clock, self.context.config, self._pulse
        opened_at = looked_at = pulse.heard_at = clock.monotonic()
        heard_at = Nanos(-1)
        while True:
            now = clock.monotonic()
            self._check_silence(now, since_look=now - looked_at)
            delivered = heard_at != pulse.heard_at
            heard_at, looked_at = pulse.heard_at, now
            if now - opened_at >= config.lifetime_s * SECOND:
                self.retiring.set()
            self._subscriptions.check_answers(now)
            self._resync.check(now)
            self._rejects.tell(now)
            self._look_after_books(delivered=delivered)
            await clock.sleep(config.look_every_ms / 1000)

    def _check_silence(self, now: Nanos, *, since_look: int) -> None:
        """Say how long silence is borne, tell when it lasts longer; end a dead connection, doubt a mute book.

        Raises:
            FeedStale: it is dead. Never right after we were busy: what came meanwhile is still to be read.
        """
        config, pulse = self.context.config, self._pulse
        if not self.books:
            pulse.heard_at = now
        pulse.borne = self._silence_limit.borne(now, pulse.heard_at)
        if pulse.is_silent is not self._was_silent:
            self._was_silent = not self._was_silent
            for book in self.books.values():
                book.on_status(book.instrument)
        was_busy = since_look > config.look_every_ms * MILLISECOND + SECOND
        deadline = (config.silence_s or self.context.exchange.liveness.silence_s) * SECOND
        if was_busy:
            return
        if now - pulse.heard_at >= deadline:
            raise FeedStale("the exchange is silent")
        self._resync.doubt_silent(self.context.clock.now())

    def _look_after_books(self, *, delivered: bool) -> None:
        max_levels, now = self.context.config.max_levels, self.context.clock.now()
        for book in self.books.values():
            if delivered:
                book.confirm(now)
            book.truncate(max_levels)
            if book.status is BookStatus.LIVE:
                self.saw_book_data = True
        served = (book for symbol, book in self.books.items() if self._subscriptions.serves(symbol))
        if self._subscriptions.settled and all(book.status is BookStatus.LIVE for book in served):
            self.ready.set()

    async def _speak(self, connection: Connection) -> None:
        """Wait until the exchange may be spoken to, then keep subscribed what is wanted.

        Raises:
            ConnectionLost: it does not greet.
        """
        clock, liveness = self.context.clock, self.context.exchange.liveness
        if liveness.greets and connection.acknowledges:
            try:
                async with asyncio.timeout(self.context.config.ack_timeout_s):
                    await self._greeted.wait()
            except TimeoutError:
                raise ConnectionLost("the exchange opened the connection and says nothing") from None
        if liveness.settle_ms and connection.acknowledges:
            await clock.sleep(liveness.settle_ms / 1000)
        await self._subscriptions.follow(connection)

    async def _ping(self, connection: Connection) -> None:
        """Ping past the rates: who waits for an hour's budget of subscriptions is cut off for its silence."""
        clock, every_s = self.context.clock, self.context.exchange.liveness.ping_every_s
        while every_s:
            await clock.sleep(every_s)
            await connection.reply(self._stream.ping())

    def _note_reply(self, reply: Reply) -> None:
        if len(self._replies) == _MOST_REPLIES:
            raise ConnectionLost("the exchange asks more than can be answered")
        self._replies.append(reply.text)
        self._owes_reply.set()

    async def _reply(self, connection: Connection) -> None:
        """Answer beside the reading: a send may wait, and reading may not."""
        while True:
            await self._owes_reply.wait()
            self._owes_reply.clear()
            while self._replies:
                await connection.reply(self._replies.popleft())

    def _reject(self, error: WireFormatError) -> None:
        """Trust no book that may have lost a change: no later message need come that would show it."""
        self._resync.doubt(error)
        self._note(error)

    def _note(self, error: WireFormatError) -> None:
        self.context.network.on_unreadable(error)
        self._rejects.note(error)
        self._rejects.tell(self.context.clock.monotonic())

    def _lose(self, error: FeedError) -> None:
        self.failure = error
        for book in self.books.values():
            book.mark_stale(str(error))
