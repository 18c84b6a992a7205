"""Carry out watch without a token, and orders --watch: a live table of orders, with keys to change one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.live import Live

from twap_client.cli.follow import PASSING
from twap_client.cli.key_presses import KeyPresses
from twap_client.cli.orders_screen import orders_screen
from twap_client.cli.session import Session
from twap_client.errors import TwapClientError
from twap_client.stream import Disconnected, Gap, Reconnected, StreamItem, TwapStream
from twap_models import OrderEvent, TwapOrder

_TICK_S = 1.0
_MOST = 50


@dataclass(slots=True)
class Table:
    """What is shown.

    Attributes:
        orders: by token, in the order they are shown.
        chosen: whose turn it is, by token.
        asks: the token of an order that is to be canceled, when that is confirmed.
        opened: the token of an order to be opened.
        stale: whether the list is to be read again.
        over: whether the view is left.
    """

    orders: dict[str, TwapOrder] = field(default_factory=dict)
    chosen: str = ""
    notice: str = ""
    asks: str = ""
    opened: str = ""
    stale: bool = True
    over: bool = False

    def read(self, orders: list[TwapOrder]) -> None:
        """Take a list that was read anew; what ended meanwhile stays, and says so."""
        self.orders = {order.token_id: order for order in orders} | self._ended(orders)
        self.stale = False
        if self.chosen not in self.orders:
            self.chosen = next(iter(self.orders), "")

    def take(self, item: StreamItem) -> None:
        """Bring it up to date with one item of the stream."""
        match item:
            case OrderEvent() if item.token_id in self.orders:
                self.orders[item.token_id] = item.order
            case OrderEvent():
                self.stale = True
            case Disconnected():
                self.notice = f"connection lost ({item.reason}); reconnecting"
            case Reconnected() | Gap():
                self.notice, self.stale = "", True
            case _:
                pass

    def move(self, steps: int) -> None:
        """Choose another row."""
        tokens = list(self.orders)
        if tokens:
            at = tokens.index(self.chosen) + steps
            self.chosen = tokens[max(0, min(len(tokens) - 1, at))]

    def _ended(self, orders: list[TwapOrder]) -> dict[str, TwapOrder]:
        listed = {order.token_id for order in orders}
        gone = [order for token, order in self.orders.items() if token not in listed]
        return {order.token_id: order for order in gone if not order.status.is_open}


async def watch_orders(session: Session, limit: int = _MOST, **filters: str | None) -> str | None:
    """Show orders until the view is left; gives the token of one that was opened."""
    table = Table()
    try:
        async with session.client.stream(orders=True) as stream:
            await stream.ready()
            with KeyPresses() as keys, Live(console=session.out, screen=True, auto_refresh=False) as live:
                while not (table.over or table.opened):
                    await _refresh(session, table, limit, filters)
                    live.update(_picture(table), refresh=True)
                    await _next(stream, keys, table)
                    await _press(session, table, keys)
    finally:
        working = sum(order.status.is_open for order in table.orders.values())
        if not table.opened:
            session.say(f"no longer watching; {_open(working)}: `twap watch` shows them again")
    return table.opened or None


async def _refresh(session: Session, table: Table, limit: int, filters: dict[str, str | None]) -> None:
    if not table.stale:
        return
    found: list[TwapOrder] = []
    try:
        async for order in session.client.orders.list(timeout=None, **filters, limit=limit):
            found.append(order)
            if len(found) == limit:
                break
    except PASSING as error:
        table.notice = str(error)
    else:
        table.read(found)


async def _next(stream: TwapStream, keys: KeyPresses, table: Table) -> None:
    """Wait for an item, a key or the next tick, for times are shown too."""
    try:
        async with asyncio.timeout(_TICK_S) as wait:
            keys.end(wait)
            table.take(await anext(stream))
    except TimeoutError:
        pass


async def _press(session: Session, table: Table, keys: KeyPresses) -> None:
    while (key := keys.take()) is not None:
        if table.asks:
            await _answer(session, table, key)
        elif key in ("q", "escape"):
            table.over = True
        elif key in ("up", "k", "down", "j"):
            table.move(-1 if key in ("up", "k") else 1)
        elif table.chosen:
            await _change(session, table, key)


async def _change(session: Session, table: Table, key: str) -> None:
    orders = session.client.orders
    match key:
        case "enter" | "o":
            table.opened = table.chosen
        case "p":
            await _do(table, orders.pause)
        case "r":
            await _do(table, orders.resume)
        case "c":
            table.asks = table.chosen
            table.notice = f"cancel {table.chosen}? y cancels it, any other key does not"


async def _answer(session: Session, table: Table, key: str) -> None:
    table.chosen, table.asks, table.notice = table.asks, "", ""
    if key == "y":
        await _do(table, session.client.orders.cancel)


async def _do(table: Table, change: Callable[[str], Awaitable[TwapOrder]]) -> None:
    """Change the chosen order; a refusal is told below the table."""
    try:
        order = await change(table.chosen)
    except TwapClientError as error:
        table.notice = str(error)
    else:
        table.orders[order.token_id], table.notice = order, ""


def _picture(table: Table) -> RenderableType:
    # The view shows how long orders still take, by this machine's clock.
    now = datetime.now(UTC)  # noqa: TID251
    return orders_screen(list(table.orders.values()), table.chosen, now, table.notice)


def _open(count: int) -> str:
    return f"{count} orders go on" if count != 1 else "1 order goes on"
