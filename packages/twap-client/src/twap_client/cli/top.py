"""Draw twap top: live books, open orders with their progress, the exchanges' health; keys to change an order.

Needs the extra ``tui``. Nothing here decides: what is shown is what the server told, and a lost connection is
said, and no book is shown as current then.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import DataTable, Footer, Static

from twap_client.cli.figures import age, badge, percent, rounded
from twap_client.cli.follow import PASSING
from twap_client.cli.orders_screen import bar, time_left
from twap_client.cli.session import Session
from twap_client.cli.watch_orders import Table
from twap_client.errors import TwapClientError
from twap_client.stream import Disconnected, Reconnected
from twap_models import BookMessage, Exchange, TwapOrder
from twap_models.reading import for_reading, number
from twap_models.stream import StreamError as SubscriptionRefused

_TICK_S = 1.0
_HEALTH_S = 5.0
_MOST = 100
_BOOKS = ("book", "state", "bid", "ask", "spread", "spread, bps", "age")
_ORDERS = ("order", "state", "side", "quantity", "symbol", "filled", "time", "average", "exchange", "")
_HEALTH = ("exchange", "state", "lag", "connections", "instruments", "integrity", "why")

Cells = Sequence[str | Text]


class TopApp(App[str]):
    """The whole screen. Its result is the token of an order that was opened; none when it was left."""

    TITLE = "twap top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    .pane { height: auto; max-height: 35%; }
    #orders-pane { height: 1fr; max-height: 100%; }
    .name { text-style: bold; color: $text-muted; }
    DataTable { height: auto; max-height: 100%; }
    #told { color: $warning; height: auto; }
    """
    BINDINGS = [
        Binding("p", "pause", "pause"),
        Binding("r", "resume", "resume"),
        Binding("c", "cancel", "cancel"),
        Binding("o", "open", "open"),
        Binding("y", "confirm", "yes", show=False),
        Binding("q", "leave", "leave"),
    ]

    def __init__(self, session: Session, books: Sequence[str]) -> None:
        super().__init__()
        self._session = session
        self._wanted = list(books)
        self._books: dict[str, BookMessage] = {}
        self._exchanges: list[Exchange] = []
        self._table = Table()

    def compose(self) -> ComposeResult:
        """Lay the panes out, one below the other."""
        for name in ("books", "orders", "health"):
            with Vertical(classes="pane", id=f"{name}-pane"):
                yield Static(name, classes="name")
                yield DataTable(id=name, cursor_type="row" if name == "orders" else "none")
        yield Static("", id="told")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to follow."""
        for name, columns in (("books", _BOOKS), ("orders", _ORDERS), ("health", _HEALTH)):
            table = self._pane(name)
            for column in columns:
                table.add_column(column, key=column)
        self._pane("orders").focus()
        self.run_worker(self._follow(), exit_on_error=True)
        self.run_worker(self._look(), group="health")
        self.set_interval(_TICK_S, self._draw)
        self.set_interval(_HEALTH_S, lambda: self.run_worker(self._look(), group="health", exclusive=True))

    async def _follow(self) -> None:
        """Take what the stream brings, until the app is left."""
        await self._list()
        async with self._session.client.stream(self._followed(), orders=True) as stream:
            async for item in stream:
                match item:
                    case BookMessage():
                        self._books[f"{item.exchange}:{item.instrument}"] = item
                    case SubscriptionRefused():
                        self._table.notice = item.message
                    case _:
                        self._table.take(item)
                if isinstance(item, Disconnected):
                    lost = {"status": "stale", "reason": "connection to the server lost"}
                    self._books = {name: book.model_copy(update=lost) for name, book in self._books.items()}
                if self._table.stale:
                    await self._list()
                    await stream.subscribe(*self._followed())
                if not isinstance(item, BookMessage | Reconnected):
                    self._draw()

    def _followed(self) -> list[str]:
        """The books that were asked for, and those of open orders."""
        own = [
            f"{order.exchange}:{order.instrument}"
            for order in self._table.orders.values()
            if order.status.is_open and order.instrument
        ]
        return list(dict.fromkeys([*self._wanted, *own]))

    async def _list(self) -> None:
        found: list[TwapOrder] = []
        with suppress(*PASSING):
            async for order in self._session.client.orders.list(status="open", limit=_MOST):
                found.append(order)
                if len(found) == _MOST:
                    break
            self._table.read(found)
        self._draw()

    async def _look(self) -> None:
        try:
            self._exchanges = await self._session.client.market.exchanges()
        except TwapClientError as error:
            self._exchanges = [_unknown(one) for one in self._exchanges]
            self._table.notice = str(error)
        self._draw()

    def _draw(self) -> None:
        if not self.query("#told"):  # it is being left, and what follows the stream does not know yet
            return
        # Ages and the time left are shown by this machine's clock.
        now = datetime.now(UTC)  # noqa: TID251
        orders = self._table.orders
        _fill(self._pane("books"), {name: _book_cells(book, now) for name, book in self._books.items()})
        _fill(self._pane("orders"), {token: _order_cells(one, now) for token, one in orders.items()})
        _fill(self._pane("health"), {one.name: _health_cells(one) for one in self._exchanges})
        told = self._table.notice or ("" if orders else "no open orders; new ones appear here")
        self.query_one("#told", Static).update(Text(told))

    def _pane(self, name: str) -> "DataTable[str | Text]":
        return self.query_one(f"#{name}", DataTable)

    def _chosen(self) -> str:
        table = self._pane("orders")
        if not table.row_count:
            return ""
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the order that enter or a click chose."""
        if event.data_table.id == "orders":
            self.exit(str(event.row_key.value))

    def action_open(self) -> None:
        """Open the chosen order."""
        if token := self._chosen():
            self.exit(token)

    def action_leave(self) -> None:
        """Leave; orders go on."""
        self.exit(None)

    async def action_pause(self) -> None:
        """Pause the chosen order."""
        await self._change(self._chosen(), self._session.client.orders.pause)

    async def action_resume(self) -> None:
        """Let the chosen order go on."""
        await self._change(self._chosen(), self._session.client.orders.resume)

    def action_cancel(self) -> None:
        """Ask whether the chosen order is to be canceled."""
        self._table.asks = self._chosen()
        if self._table.asks:
            self._table.notice = f"cancel {self._table.asks}? y cancels it"
        self._draw()

    async def action_confirm(self) -> None:
        """Cancel the order that was asked about."""
        token, self._table.asks = self._table.asks, ""
        await self._change(token, self._session.client.orders.cancel)

    async def _change(self, token: str, change: Callable[[str], Awaitable[TwapOrder]]) -> None:
        if not token:
            return
        self._table.asks = ""
        try:
            order = await change(token)
        except TwapClientError as error:
            self._table.notice = str(error)
        else:
            self._table.orders[order.token_id], self._table.notice = order, ""
        self._draw()


def _fill(table: "DataTable[str | Text]", rows: Mapping[str, Cells]) -> None:
    """Bring the rows up to date, and leave the cursor where it is."""
    shown = {str(key.value) for key in table.rows}
    for key in shown - rows.keys():
        table.remove_row(key)
    for key, cells in rows.items():
        if key not in shown:
            table.add_row(*cells, key=key)
            continue
        for column, cell in zip(table.columns, cells, strict=True):
            table.update_cell(key, column, cell, update_width=True)


def _book_cells(book: BookMessage, now: datetime) -> Cells:
    bid, ask = (side[0][0] if side else None for side in (book.bids, book.asks))
    spread = None if bid is None or ask is None else ask - bid
    relative = None if spread is None or not book.mid else spread / book.mid * 10_000
    since = max(0, int((now - book.ts_sent).total_seconds() * 1000))
    old = None if book.age_ms is None else book.age_ms + since
    name = f"{book.exchange}:{book.instrument}"
    return (
        name,
        badge(book.status),
        number(bid),
        number(ask),
        number(spread),
        rounded(relative, 2),
        age(old),
    )


def _order_cells(order: TwapOrder, now: datetime) -> Cells:
    return (
        order.token_id,
        badge(order.status),
        order.side,
        number(order.quantity),
        order.instrument or order.symbol,
        percent(order.progress),
        time_left(order, now),
        for_reading(order.average_price),
        order.exchange,
        bar(order),
    )


def _health_cells(one: Exchange) -> Cells:
    lag = "–" if one.lag_ms is None else f"{one.lag_ms} ms"
    return (
        one.name,
        badge(one.status),
        lag,
        str(one.connections),
        str(one.instruments),
        one.integrity,
        one.reason,
    )


def _unknown(one: Exchange) -> Exchange:
    return one.model_copy(update={"status": "unknown", "reason": "the server gave no news", "lag_ms": None})
