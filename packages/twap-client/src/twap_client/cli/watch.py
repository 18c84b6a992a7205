"""Carry out watch: follow an order to its end, or live books. A full view on a terminal, lines elsewhere."""

import asyncio
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.live import Live

from twap_client.cli import render
from twap_client.cli.follow import PASSING, OrderLines, follow_all
from twap_client.cli.parting import while_it_works
from twap_client.cli.session import ENDED, Session
from twap_client.errors import TwapClientError
from twap_client.stream import Disconnected, Gap, Reconnected, StreamItem, TwapStream
from twap_models import BookMessage, OrderEvent, Slice, SliceOutcome, TwapOrder, TwapOrderDetail
from twap_models.stream import StreamError as SubscriptionRefused

_TICK_S = 1.0
_KEPT = 50
"""Slices and fills; more than are shown."""


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
    if token is None:
        await _follow(session, None, books)
        return 0
    order = await _latest(session, token)
    with while_it_works(session, token) if order.status.is_open else nullcontext():
        ended = await _follow(session, order, books)
    return await _result(session, ended or order)


async def watch_submitted(session: Session, token: str) -> int:
    """Follow an order that was just accepted to its end; gives the exit code."""
    with while_it_works(session, token):
        ended = await _follow(session, await _latest(session, token), [])
    return 0 if ended is None else await _result(session, ended)


async def _follow(session: Session, order: TwapOrderDetail | None, books: list[str]) -> TwapOrder | None:
    if order is not None and not books:
        books = _own_book(order)
    if session.has_screen and (order or books):
        return await _follow_on_screen(session, order, books)
    if order is not None:
        return await OrderLines(session, order).follow(books)
    await follow_all(session, books)
    return None


async def _latest(session: Session, token: str) -> TwapOrderDetail:
    """As much of an order as the view shows: it may have a hundred thousand slices."""
    return await session.client.orders.get(token, slices=_KEPT, fills=_KEPT, latest=True)


def _own_book(order: TwapOrderDetail) -> list[str]:
    return [f"{order.exchange}:{order.instrument}"] if order.instrument and order.status.is_open else []


async def _follow_on_screen(
    session: Session, order: TwapOrderDetail | None, books: list[str]
) -> TwapOrderDetail | None:
    watched = Watched(order)
    async with session.client.stream(books, orders=order is not None) as stream:
        if order is not None and not watched.ended:
            await stream.ready()
            watched.order = await _latest(session, order.token_id)
        with Live(console=session.out, screen=True, auto_refresh=False, transient=True) as live:
            while not watched.ended:
                live.update(_picture(watched), refresh=True)
                item = await _next(stream)
                if item is not None:
                    await take(session, watched, item)
    return watched.order


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
                with suppress(*PASSING):  # the events that were missed come all the same
                    watched.order = await _latest(session, watched.order.token_id)
        case SubscriptionRefused():
            watched.notice = item.message


def merged(order: TwapOrderDetail, event: OrderEvent) -> TwapOrderDetail:
    """Add an event to an order's latest; one that the order already contains changes nothing."""
    known = {fill.fill_id for fill in order.fills}
    newer = event.order if event.order.filled_quantity >= order.filled_quantity else order
    slices = {item.index: item for item in order.slices if _still_holds(item, order, newer)}
    if event.slice:
        slices[event.slice.index] = event.slice
    fields = {name: getattr(newer, name) for name in type(event.order).model_fields}
    return order.model_copy(
        update=fields
        | {
            "slices": [slices[index] for index in sorted(slices)][-_KEPT:],
            "fills": [*order.fills, *(fill for fill in event.fills if fill.fill_id not in known)][-_KEPT:],
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
        return render.books_screen(books, now, watched.notice)
    return render.watch_screen(next(iter(books), None), watched.order, now, watched.notice)


async def _result(session: Session, order: TwapOrder) -> int:
    """Print how it ended and what it cost. No failure changes the exit code from here on."""
    try:
        report = await session.client.orders.report(order.token_id)
    except TwapClientError as error:
        session.say(f"no report now ({error}): twap report {order.token_id}")
        report = None
    if session.as_json:
        session.line(order.to_wire() | {"report": report and report.to_wire()})
        return ENDED[order.status]
    session.out.print(render.order_line(order))
    if report is not None:
        session.out.print(render.report_table(report))
    return ENDED[order.status]
