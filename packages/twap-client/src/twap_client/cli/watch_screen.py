"""Draw the live view: a book on the left, an order on the right. Models in, Rich out; no clock or network."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from twap_client.cli.figures import (
    STATUS_STYLES,
    age,
    badge,
    clock,
    coloured,
    lag,
    percent,
    rounded,
    span,
    whole_seconds,
)
from twap_client.cli.fitting_table import FittingTable, left, right
from twap_client.cli.fitting_view import Beside, TallestThatFits
from twap_client.cli.framed import Framed
from twap_client.cli.ladder import Ladder
from twap_models import BookMessage, Fill, OrderStatus, Slice, SliceOutcome, TwapOrderDetail
from twap_models.reading import for_reading, number

_LEVELS = 10


class Detail(NamedTuple):
    """How much of an order and its book is drawn."""

    slices: int
    fills: int
    levels: int


_FULL = Detail(6, 5, _LEVELS)
_LESS = (Detail(6, 3, 7), Detail(4, 2, 5), Detail(3, 0, 4), Detail(2, 0, 3), Detail(0, 0, 3), Detail(0, 0, 1))


def watch_screen(
    book: BookMessage | None, order: TwapOrderDetail | None, now: datetime, notice: str = ""
) -> RenderableType:
    """Draw the whole view, with as much detail as the screen is high.

    Args:
        book: the newest book, or None while none has come.
        order: the order followed, or None.
        now: the moment shown, for ages and the time left.
        notice: what is to be told beside, such as a lost connection.
    """

    def draw(detail: Detail) -> RenderableType:
        left = (
            book_panel(book, now, levels=detail.levels)
            if book
            else Panel(Text("waiting for a book …", style="dim"), title="book")
        )
        shown = left if order is None else Beside(left, order_panel(order, now, detail))
        return Group(shown, Text(notice, style="yellow")) if notice else shown

    return TallestThatFits(*(partial(draw, detail) for detail in (_FULL, *_LESS)))


def books_screen(books: Sequence[BookMessage], now: datetime, notice: str = "") -> RenderableType:
    """Draw several books side by side, as far as they fit."""

    def draw(levels: int) -> RenderableType:
        shown: RenderableType = Text("waiting for books …", style="dim")
        if books:
            shown = Columns([book_panel(book, now, width=58, levels=levels) for book in books])
        return Group(shown, Text(notice, style="yellow")) if notice else shown

    return TallestThatFits(*(partial(draw, levels) for levels in range(_LEVELS, 0, -1)))


def book_panel(
    book: BookMessage, now: datetime, *, width: int | None = None, levels: int = _LEVELS
) -> RenderableType:
    """Draw a book, so many levels a side. One that is not live is dimmed and says why."""
    live = book.status == "live"
    title = Text.assemble((f"{book.exchange} {book.instrument}", "bold"), "  ", badge(book.status))
    parts: list[RenderableType] = [Ladder(book.bids, book.asks, levels)]
    if not live:
        parts.insert(0, Text(f"not current: {book.reason or book.status}", style="bold yellow"))
    if book.sources:
        parts.append(Text(f"these levels are of {', '.join(_behind(book.sources))}", style="dim"))
    if book.missing:
        parts.append(Text(f"without {', '.join(book.missing)}", style="yellow"))
    if book.crossed:
        parts.append(Text("crossed: one exchange bids at least what another asks", style="yellow"))
    return Framed(
        Group(*parts),
        title=title,
        subtitle=Text(f"{_spread(book)} · {_age(book, now)}", style="dim"),
        border_style=STATUS_STYLES.get(book.status, "white") if not live else "none",
        style="none" if live else "dim",
        width=width,
    )


def _behind(sources: Mapping[str, Sequence[Sequence[str]]]) -> list[str]:
    """The exchanges behind the levels of a merged book, each once."""
    return sorted({name for side in sources.values() for level in side for name in level})


def order_panel(order: TwapOrderDetail, now: datetime, detail: Detail = _FULL) -> RenderableType:
    """Draw an order: progress, figures, its last slices and fills."""
    action = f"{order.side} {number(order.quantity)} {order.instrument or order.symbol}"
    title = Text.assemble((f"{action} on {order.exchange}", "bold"), "  ", badge(order.status))
    parts: list[RenderableType] = [_progress(order), _figures(order, now)]
    if order.slices and detail.slices:
        parts += [Text("last slices", style="bold"), slices_table(order.slices, detail.slices)]
    if order.fills and detail.fills:
        parts += [Text("last fills", style="bold"), fills_table(order.fills, detail.fills)]
    if order.status is OrderStatus.PAUSED:
        parts.append(Text(f"paused: it fills nothing until `twap resume {order.token_id}`", style="yellow"))
    if order.detail:
        parts.append(Text(order.detail, style="yellow"))
    return Framed(Group(*parts), title=title, subtitle=Text(order.token_id, style="dim"))


def slices_table(slices: Sequence[Slice], latest: int | None = None) -> FittingTable:
    """Draw slices, and where some are left out in between, how many; with ``latest``, the last that ended."""
    brief = latest is not None
    table = FittingTable(
        right("#"), left("due", "outcome", "reason"), right("filled/wanted", "average"), brief=brief
    )
    expected = None
    for item in slices if latest is None else list(filter(_has_ended, slices))[-latest:]:
        if expected is not None and item.index > expected:
            table.add_row("…", f"{item.index - expected:,} more")
        expected = item.index + 1
        table.add_row(
            str(item.index + 1),
            clock(item.due_time),
            coloured(item.outcome),
            coloured(item.reason),
            f"{number(item.filled_quantity)} / {number(item.wanted_quantity)}",
            for_reading(item.average_price),
        )
    return table


def fills_table(fills: Sequence[Fill], latest: int | None = None, *, more_after: int = -1) -> FittingTable:
    """Draw fills in the order they happened; with ``latest``, only the last so many.

    Args:
        fills: what to draw.
        latest: how many of the last ones; None for all.
        more_after: behind so many of them others are left out.
    """
    brief = latest is not None
    table = FittingTable(
        right("slice"), left("time", "exchange"), right("price", "quantity", "fee"), brief=brief
    )
    for at, item in enumerate(fills if latest is None else fills[-latest:]):
        if at == more_after:
            table.add_row("…", "more")
        table.add_row(
            str(item.slice + 1),
            clock(item.time),
            item.exchange,
            number(item.price),
            number(item.quantity),
            number(item.fee),
        )
    return table


def _has_ended(item: Slice) -> bool:
    return item.outcome is not SliceOutcome.PENDING


def _spread(book: BookMessage) -> str:
    mid = book.mid
    if mid is None:
        return "one side is empty"
    spread = book.asks[0][0] - book.bids[0][0]
    return f"spread {number(spread)} ({rounded(spread / mid * 10_000, 2)} bps)" if mid else "no mid"


def _age(book: BookMessage, now: datetime) -> str:
    if book.age_ms is None:
        return age(None)
    since = max(timedelta(0), now - book.ts_sent) // timedelta(milliseconds=1)
    return age(book.age_ms + since) + lag(book.lag_ms)


def _progress(order: TwapOrderDetail) -> Table:
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(
        ProgressBar(total=100, completed=float(min(order.progress, Decimal(1)) * 100)),
        percent(order.progress),
    )
    return grid


def _figures(order: TwapOrderDetail, now: datetime) -> Table:
    left = order.end_time - now if order.end_time and order.status.is_open else None
    ended = 1 + max((item.index for item in order.slices if _has_ended(item)), default=-1)
    grid = Table.grid(expand=True, padding=(0, 1, 0, 0))
    for _ in range(2):
        grid.add_column(style="dim")
        grid.add_column(overflow="fold")
    grid.add_row("filled", number(order.filled_quantity), "remaining", number(order.remaining_quantity))
    grid.add_row("average", for_reading(order.average_price), "limit", number(order.limit_price))
    if order.start_time is not None and order.start_time > now and left is not None:
        grid.add_row("starts in", span(whole_seconds(order.start_time - now)), "at", clock(order.start_time))
    else:
        grid.add_row("time left", span(left), "until", clock(order.end_time))
    grid.add_row("slices", f"{ended} of {order.slice_count}", "one every", span(order.interval))
    if order.revision > 1:
        grid.add_row("revision", str(order.revision))
    return grid
