"""Read the live feed: survive lost connections, restore subscriptions, report what is missing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from twap_client._background import Background
from twap_client._backoff import Backoff
from twap_client._connection import Connection
from twap_client._transport import SignIn
from twap_client.config import ClientConfig
from twap_client.errors import (
    NotAuthenticated,
    RateLimited,
    ServerError,
    StreamClosed,
    TransportError,
    Unavailable,
)
from twap_client.stream.events import Disconnected, Reconnected, StreamItem
from twap_client.stream.mailbox import Mailbox
from twap_client.stream.renewal import Renewal
from twap_client.stream.sequence import BookSequence, OrderSequence
from twap_models.enums import AGGREGATE
from twap_models.stream import (
    AnyServerMessage,
    Authenticated,
    BookMessage,
    OrderEvent,
    StreamError,
    Subscribe,
    Subscribed,
    Unsubscribe,
)

_PASSING = (StreamClosed, TransportError, Unavailable, RateLimited, ServerError)
_ORDERS = "orders"

Spawn = Callable[[Coroutine[Any, Any, None]], Background]


class TwapStream:
    """An async iterator of books, order events and news of the connection.

    ``async for item in client.stream(...)`` starts it and stops it when the loop is left; ``async with`` does
    the same for a longer block. Made by ``TwapClient.stream``, whose ``async with`` owns the background task.
    """

    def __init__(
        self,
        books: Iterable[str],
        *,
        orders: bool,
        since: int | None,
        config: ClientConfig,
        sign_in: SignIn,
        spawn: Spawn,
    ) -> None:
        self._config = config
        self._sign_in = sign_in
        self._renewal: Renewal | None = None
        self._spawn = spawn
        self._wanted: dict[str, Subscribe] = {name: _book(name) for name in books}
        if orders:
            self._wanted[_ORDERS] = Subscribe(channel="orders")
        self._sequence = OrderSequence(since)
        self._book_sequence = BookSequence()
        self._mailbox = Mailbox(config.event_capacity)
        self._backoff = Backoff(config.reconnect_first, config.reconnect_cap)
        self._connection: Connection | None = None
        self._task: Background | None = None
        self._ready = asyncio.Event()
        self._heard_at: float | None = None
        self._down = False
        self._attempts = 0

    async def __aenter__(self) -> Self:
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
        return self if self._task is not None else self._iterate()

    async def ready(self) -> None:
        """Wait until every subscription was sent and order events flow: nothing from here on is missed.

        Raises:
            NotAuthenticated: the sign-in was refused.
            NotPermitted: the API key may not read.
        """
        self._start()
        await self._ready.wait()
        self._mailbox.raise_failure()

    async def subscribe(self, *books: str, orders: bool = False) -> None:
        """Ask for more, now and after every reconnect.

        Args:
            books: ``exchange:symbol``; ``aggregate:symbol`` is the consolidated book.
            orders: also the account's order events.
        """
        added = {name: _book(name) for name in books}
        if orders:
            added[_ORDERS] = Subscribe(channel="orders")
        for name, message in added.items():
            if name not in self._wanted:
                self._wanted[name] = message
                await self._tell(self._resumed(message))

    async def unsubscribe(self, *books: str, orders: bool = False) -> None:
        """Give up what was asked for; unknown names are ignored."""
        for name in (*books, _ORDERS) if orders else books:
            gone = self._wanted.pop(name, None)
            if gone is not None:
                await self._tell(
                    Unsubscribe(channel=gone.channel, exchange=gone.exchange, symbol=gone.symbol)
                )

    async def aclose(self) -> None:
        """Stop and close the socket; any number of times."""
        self._mailbox.close()
        if self._task is not None:
            await self._task.stopped()

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

    def _start(self) -> None:
        if self._task is None:
            self._task = self._spawn(self._run())

    async def _run(self) -> None:
        """Keep connected until cancelled or refused. What goes wrong surfaces once, at the reader."""
        try:
            await self._keep_connected()
        except Exception as error:  # the task's outermost edge: handed to the reader
            self._mailbox.close(error)
        finally:
            self._mailbox.close()
            self._ready.set()

    async def _keep_connected(self) -> None:
        while True:
            self._attempts += 1
            try:
                await self._session()
            except _PASSING as error:
                await self._note_loss(error)
            await asyncio.sleep(self._backoff.next_delay())

    async def _session(self) -> None:
        connection = await self._open()
        self._renewal = Renewal(connection, self._sign_in, self._config)
        renewing = self._spawn(self._renewal.run())
        try:
            await self._replay(connection)
            while True:
                await self._take(await connection.receive())
                self._settle(connection)
        finally:
            self._connection = None
            renewing.stop()
            await connection.close()
            await renewing.stopped()

    async def _open(self) -> Connection:
        token = await self._sign_in.access_token()
        try:
            return await Connection.open(token, self._config)
        except NotAuthenticated:
            return await Connection.open(await self._sign_in.access_token(token), self._config)

    async def _replay(self, connection: Connection) -> None:
        self._book_sequence = BookSequence()
        self._mailbox.forget_books()
        sent: dict[str, Subscribe] = {}
        while missing := [(n, m) for n, m in self._wanted.items() if n not in sent]:
            for name, message in missing:
                await connection.send(self._resumed(message))
                sent[name] = message
        self._connection = connection
        await self._note_return()

    def _resumed(self, message: Subscribe) -> Subscribe:
        if message.channel != "orders" or self._sequence.last is None:
            return message
        return message.model_copy(update={"since": self._sequence.last})

    async def _take(self, message: AnyServerMessage) -> None:
        match message:
            case BookMessage():
                if self._book_sequence.accept(message):
                    self._mailbox.put_book(message)
            case OrderEvent():
                await self._take_order(message)
            case Subscribed(channel="orders"):
                await self._begin_orders(message.seq)
            case Authenticated() if self._renewal:
                self._renewal.acknowledge()
            case StreamError(code="not_authenticated"):
                raise StreamClosed("the sign-in of this connection has ended: signing in again")
            case StreamError():
                await self._mailbox.put(message)
            case _:
                pass

    async def _begin_orders(self, last: int | None) -> None:
        gap = self._sequence.acknowledge(last)
        if gap:
            await self._mailbox.put(gap)
        self._ready.set()

    async def _take_order(self, event: OrderEvent) -> None:
        new, gap = self._sequence.accept(event)
        if gap:
            await self._mailbox.put(gap)
        if new:
            await self._mailbox.put(event)

    async def _note_loss(self, error: Exception) -> None:
        if not self._down:
            self._down = True
            await self._mailbox.put(Disconnected(reason=str(error)))

    async def _note_return(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._down:
            downtime = timedelta(seconds=now - (self._heard_at or now))
            await self._mailbox.put(Reconnected(downtime=downtime, attempts=self._attempts))
        self._down = False
        self._attempts = 0
        self._heard_at = now
        if _ORDERS not in self._wanted:
            self._ready.set()

    def _settle(self, connection: Connection) -> None:
        """Only a connection that has delivered for a while makes the waits start small again."""
        self._heard_at = connection.heard_at
        if connection.heard_at - connection.opened_at >= self._config.stable_after.total_seconds():
            self._backoff.reset()

    async def _tell(self, message: Subscribe | Unsubscribe) -> None:
        """Send now if connected; otherwise the next connection replays what is wanted."""
        if self._connection is not None:
            with suppress(StreamClosed):
                await self._connection.send(message)


def _book(name: str) -> Subscribe:
    exchange, colon, symbol = name.partition(":")
    if not (colon and exchange and symbol):
        raise ValueError(f"expected exchange:symbol, such as {AGGREGATE}:BTC-USDT, got {name!r}")
    return Subscribe(channel="book", exchange=exchange, symbol=symbol)
