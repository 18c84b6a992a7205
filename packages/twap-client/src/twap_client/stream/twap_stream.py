"""Read the live feed: survive lost connections, restore subscriptions, report what is missing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from twap_client._background import Background
from twap_client._backoff import Backoff
from twap_client._connection import Connection
from twap_client._transport import SignIn
from twap_client.config import ClientConfig
from twap_client.errors import (
    ConnectFailed,
    NotAuthenticated,
    NotReady,
    RateLimited,
    ServerError,
    StreamClosed,
    TransportError,
    Unavailable,
)
from twap_client.stream.events import Disconnected, Reconnected, StreamItem
from twap_client.stream.mailbox import Mailbox
from twap_client.stream.names import Candles, Depth, wanted
from twap_client.stream.renewal import Renewal
from twap_client.stream.sequence import BookSequence, OrderSequence
from twap_client.stream.trades import SeenTrades
from twap_client.stream.wishes import Wishes
from twap_models.stream import (
    AnyServerMessage,
    Authenticated,
    BookMessage,
    KlineMessage,
    OrderEvent,
    Pong,
    StreamError,
    Subscribe,
    Subscribed,
    TradeMessage,
    Unsubscribed,
)

log = logging.getLogger("twap_client")
log.addHandler(logging.NullHandler())

_PASSING = (StreamClosed, TransportError, Unavailable, RateLimited, ServerError)
_NEVER_OF_ITSELF = ("tls", "not_twap")
"""Why a first connection fails for good: a certificate or an address that is wrong."""
_NO_DELIVERY = (Authenticated, Subscribed, Unsubscribed, Pong, StreamError)
_READY_WITHIN = timedelta(seconds=30)

Spawn = Callable[[Coroutine[Any, Any, None]], Background]


class TwapStream:
    """An async iterator of books, trades, candles, order events and news of the connection.

    ``async for item in client.stream(...)`` starts it and stops it when the loop is left; ``async with`` does
    the same for a longer block. Made by ``TwapClient.stream``, whose ``async with`` owns the background task.
    """

    def __init__(
        self,
        subscriptions: dict[str, Subscribe],
        *,
        depth: Depth | None,
        own: bool | None,
        since: int | None,
        config: ClientConfig,
        sign_in: SignIn,
        spawn: Spawn,
    ) -> None:
        self._config = config
        self._sign_in = sign_in
        self._renewal: Renewal | None = None
        self._spawn = spawn
        self._depth, self._own = depth, own
        self._wishes = Wishes(subscriptions)
        self._sequence = OrderSequence(since)
        self._book_sequence = BookSequence()
        self._seen_trades = SeenTrades()
        self._mailbox = Mailbox(config.event_capacity)
        self._backoff = Backoff(config.reconnect_first, config.reconnect_cap, at_once=True)
        self._task: Background | None = None
        self._closed = False
        self._is_looped = False
        self._heard_at: float | None = None
        self._down = False
        self._attempts = 0
        self._trouble = ""

    async def __aenter__(self) -> Self:
        self._check_open()
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def __anext__(self) -> StreamItem:
        self._start()
        return await self._mailbox.get()

    def __aiter__(self) -> AsyncIterator[StreamItem]:
        self._check_open()
        if self._is_looped:
            raise StreamClosed(
                "this stream had its loop: a loop without async with closes it when it is left"
            )
        self._is_looped = self._task is None
        return self._iterate() if self._is_looped else self

    @property
    def trouble(self) -> str:
        """Why there is no connection now, in words; empty while there is one."""
        return self._trouble

    async def ready(self, *, timeout: timedelta | float | None = _READY_WITHIN) -> None:
        """Wait until the server has answered every subscription: nothing from here on is missed.

        After ``subscribe`` and after a lost connection it waits anew.

        Args:
            timeout: how long to wait, also in seconds; None: for ever.

        Raises:
            NotReady: not in time (a ``TimeoutError`` too), and why. The stream goes on trying.
            NotAuthenticated: the sign-in was refused.
            NotPermitted: the API key may not read.
            ConnectFailed: the certificate is not trusted, or something else than a twap server answers.
            StreamClosed: the stream was closed.
        """
        self._start()
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        try:
            async with asyncio.timeout(seconds):
                await self._wishes.granted.wait()
        except TimeoutError:
            why = self._trouble or "the server has not answered every subscription yet"
            raise NotReady(f"the stream was not ready within {seconds:g} s: {why}") from None
        self._mailbox.raise_failure()
        self._check_open()

    async def subscribe(
        self,
        *books: str,
        orders: bool = False,
        trades: Iterable[str] = (),
        klines: Iterable[Candles] = (),
    ) -> None:
        """Ask for more, now and after every reconnect; ``ready()`` waits for the answer.

        Args:
            books: ``exchange:symbol``; ``aggregate:symbol`` is the consolidated book.
            orders: also the account's order events.
            trades: ``exchange:symbol``; ``aggregate:symbol``: of all exchanges that list it.
            klines: ``exchange:symbol:interval``.
        """
        for name, message in self._named(books, orders=orders, trades=trades, klines=klines).items():
            self._wishes.add(name, message)

    async def unsubscribe(
        self,
        *books: str,
        orders: bool = False,
        trades: Iterable[str] = (),
        klines: Iterable[Candles] = (),
    ) -> None:
        """Give up what was asked for; unknown names are ignored."""
        named = (*books, *wanted(trades=trades, klines=klines, orders=orders))
        for name in named:
            self._wishes.drop(name)

    async def aclose(self) -> None:
        """Stop and close the socket; any number of times."""
        self._closed = True
        self._mailbox.close()
        if self._task is not None:
            await self._task.stopped()
        self._wishes.granted.set()

    def _named(
        self, books: Iterable[str], *, orders: bool, trades: Iterable[str], klines: Iterable[Candles]
    ) -> dict[str, Subscribe]:
        return wanted(books, trades=trades, klines=klines, orders=orders, depth=self._depth, own=self._own)

    async def _iterate(self) -> AsyncIterator[StreamItem]:
        self._start()
        try:
            while True:
                try:
                    item = await self._mailbox.get()
                except StopAsyncIteration:
                    return
                yield item
        finally:
            await self.aclose()

    def _check_open(self) -> None:
        if self._closed or self._mailbox.is_over:
            raise StreamClosed("this stream was closed: open another one with client.stream(...)")

    def _start(self) -> None:
        if self._task is None and not self._closed:
            self._task = self._spawn(self._run())

    async def _run(self) -> None:
        """Keep connected until cancelled or refused. What goes wrong surfaces once, at the reader."""
        try:
            await self._keep_connected()
        except Exception as error:  # the task's outermost edge: handed to the reader
            log.info("the stream ends: %s", error)
            self._mailbox.close(error)
        finally:
            self._mailbox.close()
            self._wishes.granted.set()

    async def _keep_connected(self) -> None:
        while True:
            self._attempts += 1
            try:
                await self._session()
            except _PASSING as error:
                if self._is_hopeless(error):
                    raise
                await self._note_loss(error)
            delay = self._backoff.next_delay()
            log.info("the stream is tried again in %.2f s (%s)", delay, self._trouble)
            await asyncio.sleep(delay)

    def _is_hopeless(self, error: Exception) -> bool:
        """Whether no other attempt will do better: there was no connection yet, and waiting cures nothing."""
        is_first = self._heard_at is None
        return is_first and isinstance(error, ConnectFailed) and error.reason in _NEVER_OF_ITSELF

    async def _session(self) -> None:
        connection = await self._open()
        self._renewal = Renewal(connection, self._sign_in, self._config)
        self._book_sequence = BookSequence()
        beside = (
            self._spawn(self._wishes.tell(connection, self._resumed)),
            self._spawn(self._renewal.run()),
        )
        try:
            await self._note_return(connection)
            while True:
                message = await connection.receive()
                await self._take(message)
                self._settle(connection, message)
        finally:
            for task in beside:
                task.stop()
            await connection.close()
            for task in beside:
                await task.stopped()

    async def _open(self) -> Connection:
        token = await self._sign_in.access_token()
        try:
            connection = await Connection.open(token, self._config)
        except NotAuthenticated:
            token = await self._sign_in.access_token(token)
            connection = await Connection.open(token, self._config)
        self._sign_in.note_end(token, connection.signed_in_until)
        return connection

    def _resumed(self, message: Subscribe) -> Subscribe:
        if message.channel != "orders" or self._sequence.last is None:
            return message
        return message.model_copy(update={"since": self._sequence.last})

    async def _take(self, message: AnyServerMessage) -> None:
        match message:
            case BookMessage() | TradeMessage() | KlineMessage():
                self._take_market(message)
            case OrderEvent():
                await self._take_order(message)
            case StreamError(code="not_authenticated"):
                raise StreamClosed("the sign-in of this connection has ended: signing in again")
            case StreamError():
                await self._mailbox.put(message)
            case _:
                await self._take_answer(message)

    def _take_market(self, message: BookMessage | TradeMessage | KlineMessage) -> None:
        match message:
            case BookMessage():
                if self._book_sequence.accept(message):
                    self._mailbox.put_book(message)
            case TradeMessage():
                if self._seen_trades.accept(message):
                    self._mailbox.put_trade(message)
            case KlineMessage():
                self._mailbox.put_candle(message)

    async def _take_answer(self, message: AnyServerMessage) -> None:
        match message:
            case Subscribed(channel="orders"):
                await self._begin_orders(message.seq)
            case Authenticated() if self._renewal:
                self._renewal.acknowledge()
            case Pong():
                self._wishes.note(message.id)
            case _:
                pass

    async def _begin_orders(self, last: int | None) -> None:
        gap = self._sequence.acknowledge(last)
        if gap:
            await self._mailbox.put(gap)

    async def _take_order(self, event: OrderEvent) -> None:
        new, gap = self._sequence.accept(event)
        if gap:
            await self._mailbox.put(gap)
        if new:
            await self._mailbox.put(event)

    async def _note_loss(self, error: Exception) -> None:
        self._trouble = str(error)
        self._wishes.lose()
        self._mailbox.forget_books()  # what nobody has read yet is no longer current
        if not self._down:
            self._down = True
            log.warning("the stream has no connection: %s", error)
            await self._mailbox.put(Disconnected(reason=self._trouble))

    async def _note_return(self, connection: Connection) -> None:
        now = connection.opened_at
        if self._down:
            downtime = timedelta(seconds=now - (self._heard_at or now))
            log.info("the stream is connected again after %s, attempt %d", downtime, self._attempts)
            await self._mailbox.put(Reconnected(downtime=downtime, attempts=self._attempts))
        self._down = False
        self._attempts = 0
        self._heard_at = now
        self._trouble = ""

    def _settle(self, connection: Connection, message: AnyServerMessage) -> None:
        """A connection that has delivered makes the waits start small again; a brief one is no proof."""
        self._heard_at = connection.heard_at
        lasted = connection.heard_at - connection.opened_at
        if not isinstance(message, _NO_DELIVERY) or lasted >= self._config.reconnect_cap.total_seconds():
            self._backoff.reset(at_once=lasted >= self._config.reconnect_first.total_seconds())
