"""Follow in lines, for a pipe or a log: an order's events, each once and in order, or the stream's messages.

An order's lines begin with its first event. What is recorded is read first; the stream goes on from there,
and replays what a lost connection missed. Only the event that ends an order ends its lines: a look at the
order itself would be ahead of them.
"""

import asyncio
from dataclasses import asdict
from decimal import Decimal

from twap_client._backoff import Backoff
from twap_client.cli import render
from twap_client.cli.session import Session
from twap_client.errors import RateLimited, TransportError, Unavailable
from twap_client.stream import Disconnected, Gap, Reconnected, StreamItem
from twap_models import BookMessage, OrderEvent, OrderEventType, TwapOrder
from twap_models.stream import StreamError as SubscriptionRefused

PASSING = (TransportError, Unavailable, RateLimited)
"""What another try may cure."""

_LAST = (OrderEventType.ENDED, OrderEventType.REJECTED)


class OrderLines:
    """The lines of one order.

    Attributes:
        order: as the last line told of it.
        ended: whether the last line was printed.
    """

    def __init__(self, session: Session, order: TwapOrder) -> None:
        self._session = session
        self._seq = 0
        self.order = order
        self.ended = False

    async def follow(self, books: list[str]) -> TwapOrder:
        """Print every event up to the one that ends the order, and what becomes of these books meanwhile.

        Raises:
            NotFound: the order is gone: the server has another database now.
        """
        await self._catch_up()
        if not self.ended:
            async with self._session.client.stream(books, orders=True, since=self._seq) as stream:
                while not self.ended:
                    await self._take(await anext(stream))
        return self.order

    async def _take(self, item: StreamItem) -> None:
        match item:
            case OrderEvent():
                self._print(item)
            case Gap(channel="orders"):
                print_item(self._session, item)
                # A lower number means a database brought back from an earlier moment: its events come anew.
                self._seq = min(self._seq, item.got)
                await self._catch_up()
            case _:
                print_item(self._session, item)

    async def _catch_up(self) -> None:
        """Print what is recorded, however often the server has to be asked: it may be starting anew."""
        config = self._session.client.config
        backoff = Backoff(config.reconnect_first, config.reconnect_cap)
        while True:
            try:
                return await self._print_recorded()
            except PASSING as error:
                self._session.say(f"{error}; trying again")
            await asyncio.sleep(backoff.next_delay())

    async def _print_recorded(self) -> None:
        """Print what is recorded and was not printed. Of an order that was closed before, this is all."""
        orders = self._session.client.orders
        before = await orders.get(self.order.token_id, slices=0, fills=0)
        async for event in orders.events(self.order.token_id, since=self._seq):
            self._print(event)
        if not (before.status.is_open or self.ended):
            self.order, self.ended = before, True

    def _print(self, event: OrderEvent) -> None:
        if event.token_id != self.order.token_id or event.seq <= self._seq or self.ended:
            return
        self._seq, self.order = event.seq, event.order
        self.ended = event.event in _LAST
        print_item(self._session, event)


async def follow_all(session: Session, books: list[str]) -> None:
    """Print what comes of these books, or without any, of all the account's orders; until interrupted."""
    async for item in session.client.stream(books, orders=not books):
        print_item(session, item)


def print_item(session: Session, item: StreamItem) -> None:
    """Print one item of the stream as a line; news of the connection are messages, in JSON lines too."""
    if session.as_json:
        session.line(_wire(item))
        return
    match item:
        case BookMessage():
            session.out.print(render.book_line(item), markup=False, soft_wrap=True)
        case OrderEvent():
            session.out.print(render.event_line(item), markup=False, soft_wrap=True)
        case Disconnected():
            session.say(f"connection lost ({item.reason}); reconnecting")
        case Reconnected():
            seconds = item.downtime.total_seconds()
            session.say(f"connected again after {seconds:.1f} s, {item.attempts} attempts")
        case Gap():
            session.say(f"{item.channel}: expected number {item.expected}, got {item.got}")
        case SubscriptionRefused():
            session.say(f"refused: {item.message} ({item.code})")


def _wire(item: StreamItem) -> object:
    if isinstance(item, Reconnected):
        return {
            "type": item.type,
            "downtime": Decimal(str(item.downtime.total_seconds())),
            "attempts": item.attempts,
        }
    return asdict(item) if isinstance(item, Disconnected | Gap) else item
