"""Serve the scripted server's WebSockets: who is signed in, what each one gets."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from twap_client.testing.examples import NOON
from twap_client.testing.sockets import Socket
from twap_models import BookMessage, KlineMessage, OrderEvent, TradeMessage
from twap_models.enums import AGGREGATE, Interval
from twap_models.stream import (
    Authenticate,
    Authenticated,
    Ping,
    Pong,
    StreamError,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    read_client_message,
)

_Pushed: TypeAlias = BookMessage | TradeMessage | KlineMessage | OrderEvent


class Books(Protocol):
    """What is known of books."""

    def current_book(self, exchange: str, symbol: str) -> BookMessage | None:
        """The book as it is; None: none yet."""

    def why_no_book(self, exchange: str, symbol: str) -> tuple[str, str] | None:
        """Code and words where a book is not to be had; None where it is."""


@dataclass(slots=True)
class _Session:
    username: str
    names: set[str] = field(default_factory=set)


class Feed:
    """All WebSockets of one server.

    Attributes:
        events: order events so far; a new subscription gets those above its ``since``.
        received: every message of a client, oldest first.
        mute: while true, nothing is sent: an open connection that says nothing.
        counted_from: number of the event before the first.
    """

    def __init__(
        self, user: Callable[[str], str | None], cannot_read: Callable[[str], bool], books: Books
    ) -> None:
        self._user = user
        self._books = books
        self._cannot_read = cannot_read
        self._sessions: dict[Socket, _Session] = {}
        self._signed_in: list[Socket] = []
        self._changed = asyncio.Event()
        self.events: list[OrderEvent] = []
        self.received: list[Authenticate | Subscribe | Unsubscribe | Ping] = []
        self.mute = False
        self.counted_from = 0

    @property
    def last_seq(self) -> int:
        """The last event's number."""
        return self.events[-1].seq if self.events else self.counted_from

    @property
    def sockets(self) -> list[Socket]:
        """The open, signed-in ones."""
        return list(self._sessions)

    def drop(self, code: int | None = None) -> None:
        """End every connection: politely with a close code, or without a word."""
        for socket in self.sockets:
            if code is None:
                socket.abort()
            else:
                socket.close(code)

    def push_book(self, book: BookMessage) -> None:
        """Send a book to everyone subscribed to it."""
        self._push(f"{book.exchange}:{book.symbol}", book)

    def push_trade(self, trade: TradeMessage) -> None:
        """Send a trade to everyone subscribed to it."""
        exchange = AGGREGATE if trade.aggregate else trade.exchange
        self._push(f"trades:{exchange}:{trade.symbol}", trade)

    def push_candle(self, candle: KlineMessage) -> None:
        """Send a candle to everyone subscribed to it."""
        self._push(f"klines:{candle.exchange}:{candle.symbol}:{candle.interval}", candle)

    def push_event(self, event: OrderEvent, *, record: bool = True) -> None:
        """Send an order event to everyone who follows orders; recorded, it can be replayed."""
        if record:
            self.events.append(event)
        self._push("orders", event)

    async def wait_for(self, names: set[str], times: int) -> Socket:
        """Wait until the ``times``-th connection has all these subscriptions."""
        while True:
            found = [
                socket
                for socket, session in self._sessions.items()
                if names <= session.names and self._nth(socket) >= times
            ]
            if found:
                return found[-1]
            self._changed.clear()
            await self._changed.wait()

    async def closed(self) -> None:
        """Wait until no connection is left."""
        async with asyncio.timeout(10):
            while self._sessions:
                self._changed.clear()
                await self._changed.wait()

    def take(self, socket: Socket, data: bytes | None) -> None:
        """Handle one message of a client; None when its connection ended."""
        if data is None:
            self._sessions.pop(socket, None)
        else:
            message = read_client_message(data)
            self.received.append(message)
            self._handle(socket, message)
        self._changed.set()

    def _handle(self, socket: Socket, message: Authenticate | Subscribe | Unsubscribe | Ping) -> None:
        session = self._sessions.get(socket)
        match message:
            case Authenticate():
                self._sign_in(socket, message.token)
            case Ping():
                self._send(socket, Pong(id=message.id, time=NOON))
            case Subscribe() if session:
                self._subscribe(socket, session, message)
            case Unsubscribe() if session:
                session.names.discard(_name(message))
                self._send(
                    socket,
                    Unsubscribed(channel=message.channel, exchange=message.exchange, symbol=message.symbol),
                )
            case _:
                socket.close(1008)

    def _subscribe(self, socket: Socket, session: _Session, message: Subscribe) -> None:
        where, symbol = message.exchange or AGGREGATE, message.symbol or ""
        is_book = message.channel == "book"
        if is_book and (refused := self._books.why_no_book(where, symbol)):
            self._send(socket, StreamError(code=refused[0], message=refused[1]))
            return
        session.names.add(_name(message))
        self._acknowledge(socket, message)
        if is_book and (current := self._books.current_book(where, symbol)):
            self._send(socket, current)

    def _sign_in(self, socket: Socket, token: str) -> None:
        username = self._user(token)
        if self._cannot_read(token):
            socket.send(StreamError(code="not_permitted", message="this API key lacks the scope read"))
            socket.close(1008)
            return
        if username is None:
            socket.send(StreamError(code="not_authenticated", message="the access token is not valid"))
            socket.close(1008)
            return
        session = self._sessions.get(socket)
        if session is not None and session.username != username:
            socket.send(StreamError(code="not_permitted", message="another user's token"))
            socket.close(1008)
            return
        if session is None:
            self._sessions[socket] = _Session(username)
            self._signed_in.append(socket)
        self._send(socket, Authenticated(username=username))

    def _acknowledge(self, socket: Socket, message: Subscribe) -> None:
        orders = message.channel == "orders"
        self._send(
            socket,
            Subscribed(
                channel=message.channel,
                exchange=message.exchange,
                symbol=message.symbol,
                interval=message.interval,
                seq=self.last_seq if orders else None,
            ),
        )
        if orders and message.since is not None:
            for event in self.events:
                if event.seq > message.since:
                    self._send(socket, event)

    def _push(self, name: str, message: _Pushed) -> None:
        for socket, session in self._sessions.items():
            if name in session.names:
                self._send(socket, message)

    def _send(
        self,
        socket: Socket,
        message: Authenticated
        | Subscribed
        | Unsubscribed
        | Pong
        | BookMessage
        | TradeMessage
        | KlineMessage
        | OrderEvent
        | StreamError,
    ) -> None:
        if not self.mute:
            socket.send(message)

    def _nth(self, socket: Socket) -> int:
        return 1 + self._signed_in.index(socket)


def _name(message: Subscribe | Unsubscribe) -> str:
    name = f"{message.exchange or AGGREGATE}:{message.symbol}"
    match message.channel:
        case "orders":
            return "orders"
        case "trades":
            return f"trades:{name}"
        case "klines":
            return f"klines:{name}:{message.interval or Interval.M1}"
        case _:
            return name
