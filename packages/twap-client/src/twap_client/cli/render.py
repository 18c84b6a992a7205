"""Show models as Rich tables and lines. Pure: no clock, no network, nothing printed."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.text import Text

from twap_client.cli.figures import (
    STATUS_STYLES,
    age,
    badge,
    beside,
    clock,
    lag,
    percent,
    rounded,
    span,
    stamp,
)
from twap_client.cli.fitting_table import Column, FittingTable, left, right, words
from twap_client.cli.realism_view import IDEAL, realism_words
from twap_client.cli.watch_screen import (
    book_panel,
    books_screen,
    fills_table,
    order_panel,
    slices_table,
    watch_screen,
)
from twap_models import (
    Account,
    ApiKey,
    BookMessage,
    Candle,
    Exchange,
    ExecutionReport,
    Instrument,
    OrderEvent,
    OrderEventType,
    TwapOrder,
    TwapOrderDetail,
    TwapOrderRequest,
)
from twap_models.enums import AGGREGATE, Strategy
from twap_models.reading import NOTHING, for_reading, number, reason_words
from twap_models.strategies import strategy_words

__all__ = [
    "account_line",
    "book_line",
    "book_panel",
    "books_screen",
    "candles_table",
    "event_line",
    "events_table",
    "exchanges_table",
    "instruments_table",
    "keys_table",
    "levels_table",
    "order_line",
    "order_panel",
    "order_view",
    "orders_table",
    "report_table",
    "request_table",
    "watch_screen",
]


def account_line(account: Account, server: str) -> Text:
    """Say who is signed in where."""
    return Text(f"signed in to {server} as {account.username}")


def keys_table(keys: Sequence[ApiKey], now: datetime) -> FittingTable:
    """Draw API keys, oldest first; one that has ended by ``now`` says so."""
    table = _sheet(left("id", "name", "scopes", "created (UTC)", "expires (UTC)", "last used (UTC)"))
    for key in keys:
        has_ended = key.expires is not None and key.expires <= now
        ends = Text(f"ended {stamp(key.expires)}", style="red") if has_ended else Text(stamp(key.expires))
        table.add_row(
            key.key_id, key.name, " ".join(key.scopes), stamp(key.created), ends, stamp(key.last_used)
        )
    return table


def exchanges_table(exchanges: Sequence[Exchange]) -> FittingTable:
    """Draw the exchanges."""
    table = _sheet(
        left("exchange", "status"), right("instruments", "connections"), left("integrity"),
        words("reason", "intervals"),
    )  # fmt: skip
    for item in exchanges:
        table.add_row(
            item.name,
            badge(item.status),
            str(item.instruments),
            str(item.connections),
            item.integrity,
            item.reason,
            " ".join(item.intervals),
        )
    return table


def instruments_table(exchange: str, instruments: Sequence[Instrument]) -> FittingTable:
    """Draw an exchange's instruments."""
    table = _sheet(
        left("symbol", "native"), right("tick", "lot", "min qty", "min notional"), left("status"),
        title=f"{exchange}: {len(instruments)} instrument{'s' * (len(instruments) != 1)}",
    )  # fmt: skip
    for item in instruments:
        table.add_row(
            item.symbol,
            item.native,
            _tick(item),
            number(item.lot_size),
            number(item.min_quantity),
            number(item.min_notional),
            item.status,
        )
    return table


def _tick(item: Instrument) -> str:
    """The tick, and how many digits a price may have at most: then the step grows with the price."""
    most = f", {item.price_digits} digits" if item.price_digits else ""
    return f"{number(item.tick_size)}{most}"


def candles_table(title: str, candles: Sequence[Candle]) -> FittingTable:
    """Draw candles, oldest first; one that is still forming is dimmed."""
    table = _sheet(
        left("open time (UTC)"), right("open", "high", "low", "close", "volume"), left(""), title=title
    )
    for item in candles:
        prices = (item.open, item.high, item.low, item.close, item.volume)
        table.add_row(
            stamp(item.open_time),
            *map(number, prices),
            "" if item.closed else "forming",
            style="" if item.closed else "dim",
        )
    return table


def levels_table(book: BookMessage) -> FittingTable:
    """List a book's levels, for a program: bids first, the best of each side first."""
    table = _sheet(left("exchange", "symbol", "status", "reason", "side"), right("price", "quantity"))
    for side, levels in (("bid", book.bids), ("ask", book.asks)):
        for price, quantity in levels:
            name = (book.exchange, book.instrument, book.status, book.reason)
            table.add_row(*name, side, number(price), number(quantity))
    return table


def orders_table(orders: Sequence[TwapOrder], now: datetime | None = None) -> FittingTable:
    """Draw a list of orders; with ``now``, how far away their ends are."""
    table = _sheet(
        left("token", "status", "side"), right("quantity"), left("symbol"), right("filled"), left("exchange"),
        right("average"), left("ends (UTC)"),
    )  # fmt: skip
    for item in orders:
        table.add_row(
            item.token_id,
            badge(item.status),
            item.side,
            number(item.quantity),
            item.instrument or item.symbol,
            percent(item.progress),
            item.exchange,
            for_reading(item.average_price),
            beside(item.end_time, now),
        )
    return table


def order_line(order: TwapOrder) -> Text:
    """Say an order's state in one line."""
    action = f"{order.side} {number(order.quantity)} {order.instrument or order.symbol} on {order.exchange}"
    text = Text(f"{order.token_id}  {action}  ")
    text.append(order.status, style=STATUS_STYLES.get(order.status, ""))
    if order.filled_quantity:
        average = for_reading(order.average_price)
        text.append(f"  {percent(order.progress)} filled: {number(order.filled_quantity)} at {average}")
    if order.reason:
        text.append(f"  ({reason_words(order.reason)})")
    return text


def order_view(order: TwapOrderDetail, *, more_fills_after: int = -1) -> RenderableType:
    """Draw an order with the slices and fills that it has; behind so many fills others are left out."""
    parts: list[RenderableType] = [order_line(order), _facts(order)]
    if order.slices:
        parts += [Text("\nslices", style="bold"), slices_table(order.slices)]
        rest = order.slice_count - order.slices[-1].index - 1
        if rest > 0:
            parts.append(
                Text(f"… {rest:,} {'to come' if order.status.is_open else 'canceled with the order'}")
            )
    if order.fills:
        fills = fills_table(order.fills, more_after=more_fills_after)
        parts += [Text("\nfills", style="bold"), fills]
    return Group(*parts)


def report_table(made: ExecutionReport) -> FittingTable:
    """Draw in a few lines what the execution cost. A positive cost is bad."""
    shortfall = made.costs.implementation_shortfall
    table = _sheet(left("execution"), right(""))
    table.add_row("filled", f"{number(made.filled_quantity)} of {number(made.quantity)}")
    table.add_row("average price", for_reading(made.average_price))
    table.add_row("arrival price", number(made.arrival_price))
    table.add_row("arrival slippage", f"{rounded(made.arrival_slippage_bps, 2)} bps")
    if made.fills:
        table.add_row("shortfall", f"{number(shortfall.amount)} ({rounded(shortfall.bps, 2)} bps)")
    table.add_row("notional", number(made.notional))
    table.add_row("fees", number(made.fees))
    table.add_row("fills", str(made.fills))
    for reason, count in made.slices_by_reason.items():
        table.add_row(f"slices: {reason}", str(count))
    return table


def request_table(request: TwapOrderRequest) -> FittingTable:
    """Draw an order before it is sent."""
    table = _sheet(left("order"), right(""))
    for name, value in request.model_dump(exclude_none=True).items():
        shown = {"interval": request.interval, "duration": request.duration}.get(name)
        table.add_row(name.replace("_", " "), span(shown) if shown is not None else str(value))
    return table


def book_line(book: BookMessage) -> str:
    """Say a book's best prices in one line."""
    bid = f"{number(book.bids[0][1])} @ {number(book.bids[0][0])}" if book.bids else NOTHING
    ask = f"{number(book.asks[0][1])} @ {number(book.asks[0][0])}" if book.asks else NOTHING
    why = f" ({book.reason})" if book.reason else ""
    where = f"{book.exchange} {book.instrument}"
    ages = age(book.age_ms) + lag(book.lag_ms)
    return f"{clock(book.ts_sent)} {where} {book.status}{why} bid {bid} ask {ask} {ages}"


def event_line(event: OrderEvent) -> str:
    """Say in one line what happened to an order."""
    done = f"{event.order.status} {percent(event.order.progress)}"
    return f"{clock(event.time)} {event.token_id} {_what(event)} [{done}]"


def events_table(events: Sequence[OrderEvent], now: datetime | None = None) -> FittingTable:
    """Draw what happened to an order, oldest first; with ``now``, how long ago."""
    table = _sheet(right("seq"), left("time (UTC)", "status"), right("filled"), words("event"))
    for item in events:
        progress = f"{number(item.order.filled_quantity)} of {number(item.order.quantity)}"
        table.add_row(str(item.seq), beside(item.time, now), badge(item.order.status), progress, _what(item))
    return table


def _what(event: OrderEvent) -> str:
    if event.event is OrderEventType.AMENDED:
        return f"amended: {_terms(event.order)}, revision {event.order.revision}"
    part = event.slice
    if part is None:
        return event.event.value
    reason = f" ({part.reason})" if part.reason else ""
    average = f" at {for_reading(part.average_price)}" if part.average_price is not None else ""
    wanted = f"{number(part.filled_quantity)} of {number(part.wanted_quantity)}"
    return f"slice {part.index + 1} {part.outcome}{reason}: {wanted}{average}{_where(event)}"


def _terms(order: TwapOrder) -> str:
    limit = "no limit" if order.limit_price is None else f"limit {number(order.limit_price)}"
    return f"{number(order.quantity)} until {clock(order.end_time)} in {order.slice_count} slices, {limit}"


def _where(event: OrderEvent) -> str:
    """How much on which exchange, where the order may fill on several."""
    if event.order.exchange != AGGREGATE or not event.fills:
        return ""
    sums: dict[str, Decimal] = {}
    for fill in event.fills:
        sums[fill.exchange] = sums.get(fill.exchange, Decimal(0)) + fill.quantity
    return f" ({', '.join(f'{name} {number(quantity)}' for name, quantity in sums.items())})"


def _facts(order: TwapOrderDetail) -> FittingTable:
    table = _sheet(left(""), words(""))
    table.add_row("window", f"{stamp(order.start_time)} to {stamp(order.end_time)} UTC")
    table.add_row("slices", f"{order.slice_count}, one every {span(order.interval)}")
    if order.strategy != Strategy.TWAP:
        table.add_row("strategy", strategy_words(order.strategy, order.strategy_parameters))
    if order.realism != IDEAL:
        table.add_row("realism", realism_words(order.realism))
    table.add_row("limit", number(order.limit_price))
    if order.revision > 1:
        table.add_row("revision", f"{order.revision}: amended")
    table.add_row("remaining", number(order.remaining_quantity))
    if order.detail:
        table.add_row("detail", order.detail)
    return table


def _sheet(*columns: Sequence[Column], title: str = "") -> FittingTable:
    return FittingTable(*columns, title=title, header_style="bold")
