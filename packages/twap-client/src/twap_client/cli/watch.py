"""watch: follow an order to its end, or live books. A full view on a terminal, lines elsewhere."""

import asyncio
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from twap_client.cli import render
from twap_client.cli.session import ENDED, Session
from twap_client.stream import Disconnected, Gap, Reconnected, StreamItem, TwapStream
from twap_models import BookMessage, OrderEvent, Slice, SliceOutcome, TwapOrder, TwapOrderDetail
from twap_models.stream import StreamError as SubscriptionRefused

_TICK_S = 1.0


@dataclass(slots=True)
class Watched:
    """What the view shows."""

    order: TwapOrderDetail | None = None
    books: dict[str, BookMessage] = field(default_factory=dict)
    notice: str = ""

    @property
    def ended(self) -> bool:
        """Whether the order followed has reached its end."""
        return self.order is not None and not self.order.status.is_open


async def watch(session: Session, token: str | None, books: list[str]) -> int:
    """Follow until the order ends; books alone, until interrupted.

    Returns:
        The exit code for the order's final state.
    """
    watched = Watched()
    if token is not None:
        watched.order = await session.client.orders.get(token)
        if not books:
            books = _own_book(watched.order)
    orders = token is not None or not books
    async with session.client.stream(books, orders=orders) as stream:
        if token is not None and not watched.ended:
            await stream.ready()
            watched.order = await session.client.orders.get(token)
        full = session.out.is_terminal and not session.as_json and bool(books or token)
        await (_follow_on_screen if full else _follow_in_lines)(session, stream, watched)
    return await _result(session, watched)


def _own_book(order: TwapOrderDetail) -> list[str]:
    return [f"{order.exchange}:{order.instrument}"] if order.instrument and order.status.is_open else []


async def _follow_on_screen(session: Session, stream: TwapStream, watched: Watched) -> None:
    with Live(console=session.out, screen=True, auto_refresh=False, transient=True) as live:
        while not watched.ended:
            live.update(_picture(watched), refresh=True)
            item = await _next(stream)
            if item is not None:
                await take(session, watched, item)


async def _follow_in_lines(session: Session, stream: TwapStream, watched: Watched) -> None:
    while not watched.ended:
        item = await anext(stream)
        if isinstance(item, OrderEvent) and watched.order and item.token_id != watched.order.token_id:
            continue
        _print_item(session, item)
        await take(session, watched, item)


async def _next(stream: TwapStream) -> StreamItem | None:
    """Wait for the next item, but not past the next tick: the time left is shown too."""
    try:
        async with asyncio.timeout(_TICK_S):
            return await anext(stream)
    except TimeoutError:
        return None


async def take(session: Session, watched: Watched, item: StreamItem) -> None:
    """Bring the view up to date with one item of the stream."""
    match item:
        case BookMessage():
            watched.books[f"{item.exchange}:{item.instrument}"] = item
        case OrderEvent():
            if watched.order and item.token_id == watched.order.token_id:
                watched.order = merged(watched.order, item)
        case Disconnected():
            watched.notice = f"connection lost ({item.reason}); reconnecting"
            watched.books = {name: _lost(book) for name, book in watched.books.items()}
        case Reconnected() | Gap():
            watched.notice = ""
            if watched.order:
                watched.order = await session.client.orders.get(watched.order.token_id)
        case SubscriptionRefused():
            watched.notice = item.message


def merged(order: TwapOrderDetail, event: OrderEvent) -> TwapOrderDetail:
    """Add an event to an order; one that the order already contains changes nothing."""
    known = {fill.fill_id for fill in order.fills}
    newer = event.order if event.order.filled_quantity >= order.filled_quantity else order
    slices = {item.index: item for item in order.slices if _still_holds(item, order, newer)}
    if event.slice:
        slices[event.slice.index] = event.slice
    fields = {name: getattr(newer, name) for name in type(event.order).model_fields}
    return order.model_copy(
        update=fields
        | {
            "slices": [slices[index] for index in sorted(slices)],
            "fills": [*order.fills, *(fill for fill in event.fills if fill.fill_id not in known)],
        }
    )


def _still_holds(item: Slice, order: TwapOrder, newer: TwapOrder) -> bool:
    """Slices to come belong to the plan before an amendment; those that ended stay."""
    return item.outcome is not SliceOutcome.PENDING or newer.revision == order.revision


def _lost(book: BookMessage) -> BookMessage:
    return book.model_copy(update={"status": "stale", "reason": "connection to the server lost"})


def _picture(watched: Watched) -> RenderableType:
    # The view shows ages and the time left, so it is the one place of the client that asks what time it is.
    now = datetime.now(UTC)  # noqa: TID251
    books = list(watched.books.values())
    if watched.order is None:
        view = render.books_screen(books, now)
    else:
        view = render.watch_screen(next(iter(books), None), watched.order, now)
    return Group(view, Text(watched.notice, style="yellow")) if watched.notice else view


def _print_item(session: Session, item: StreamItem) -> None:
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


async def _result(session: Session, watched: Watched) -> int:
    if watched.order is None:
        return 0
    order = await session.client.orders.get(watched.order.token_id)
    if session.as_json:
        session.line(order)
    else:
        session.out.print(render.order_line(order), soft_wrap=True)
        session.out.print(render.report_table(order))
    return ENDED[order.status]
