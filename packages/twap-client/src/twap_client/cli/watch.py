"""Carry out watch: follow an order to its end, or live books. A full view on a terminal, lines elsewhere."""

import asyncio
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.live import Live

from twap_client.cli import render
from twap_client.cli.follow import PASSING, OrderLines, follow_all
from twap_client.cli.key_presses import LEAVES, KeyPresses
from twap_client.cli.open_books import collected, may_stream, poll_books, see_that_they_exist
from twap_client.cli.parting import goes_on, while_it_works
from twap_client.cli.session import ENDED, Session
from twap_client.cli.watch_orders import watch_orders
from twap_client.errors import TwapClientError, UsageError
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
    """Follow until the order ends; books or all open orders, until left.

    Returns:
        The exit code for the order's final state; 0 when the view was left.

    Raises:
        NotFound, BadRequest: there is no such book.
    """
    await see_that_they_exist(session, books)
    if token is not None:
        return await _told(session, await _follow_order(session, token, books))
    if books or not session.has_screen:
        return await _follow_books(session, books)
    return await watch_table(session, status="open")


async def watch_table(session: Session, limit: int = 50, **filters: str | None) -> int:
    """Show orders in a live table; one that is opened is followed, until that view is left for the table.

    Returns:
        0 when the table was left, else the exit code for an order that was opened and has ended.
    """
    while (token := await watch_orders(session, limit, **filters)) is not None:
        order = await _follow_order(session, token, [])
        if not order.status.is_open:
            return await _told(session, order)
    return 0


async def top(session: Session, books: list[str]) -> int:
    """Show books, open orders and health on the whole screen; an order that is opened is followed meanwhile.

    Raises:
        UsageError: there is no terminal to draw on.
        NotFound, BadRequest: there is no such book.
    """
    from twap_client.cli.top import TopApp  # noqa: PLC0415 -- textual is an extra

    if not session.has_screen:
        raise UsageError("`twap top` needs a terminal: `twap watch` prints lines elsewhere")
    await see_that_they_exist(session, books)
    await session.client.orders.list(status="open", limit=1)  # whoever is not signed in is told so at once
    shown = books or await collected(session)
    while (token := await TopApp(session, shown).run_async()) is not None:
        order = await _follow_order(session, token, [])
        if not order.status.is_open:
            return await _told(session, order)
    session.say("no longer watching; orders go on: `twap watch` shows them again")
    return 0


async def _follow_order(session: Session, token: str, books: list[str]) -> TwapOrder:
    return await _follow_known(session, await _latest(session, token), books)


async def _follow_known(session: Session, order: TwapOrderDetail, books: list[str]) -> TwapOrder:
    with while_it_works(session, order.token_id) if order.status.is_open else nullcontext():
        return await _follow(session, order, books) or order


async def _told(session: Session, order: TwapOrder) -> int:
    """Say what became of an order, or that it goes on; gives the exit code."""
    if order.status.is_open:
        session.say(goes_on(order.token_id))
        return 0
    return await _result(session, order)


async def _follow_books(session: Session, books: list[str]) -> int:
    try:
        if books and not await may_stream(session):
            await poll_books(session, books)
        else:
            await _follow(session, None, books)
    finally:
        if session.has_screen:
            session.say(f"no longer watching {', '.join(books)}")
    return 0


async def watch_submitted(session: Session, token: str) -> int:
    """Follow an order that was just accepted to its end; gives the exit code."""
    with while_it_works(session, token):
        order = await _latest(session, token)
    return await _told(session, await _follow_known(session, order, []))


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
        with (
            KeyPresses() as keys,
            Live(console=session.out, screen=True, auto_refresh=False, transient=True) as live,
        ):
            while not watched.ended and keys.take() not in LEAVES:
                live.update(_picture(watched), refresh=True)
                item = await _next(stream, keys)
                if item is not None:
                    await take(session, watched, item)
    return watched.order


async def _next(stream: TwapStream, keys: KeyPresses) -> StreamItem | None:
    """Wait for the next item, but not past a key or the next tick: the time left is shown too."""
    try:
        async with asyncio.timeout(_TICK_S) as wait:
            keys.end(wait)
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
