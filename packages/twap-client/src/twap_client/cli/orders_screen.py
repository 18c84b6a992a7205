"""Draw the live table of orders: how far each is, how long it still takes. Models in, Rich out; no clock."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from twap_client.cli.figures import badge, percent, span, whole_seconds
from twap_client.cli.fitting_table import FittingTable, left, right
from twap_models import TwapOrder
from twap_models.reading import for_reading, number

_BAR = 10
KEYS = "↑↓ choose · enter open · p pause · r resume · c cancel · q leave"


def orders_screen(
    orders: Sequence[TwapOrder], chosen: str, now: datetime, notice: str = ""
) -> RenderableType:
    """Draw it.

    Args:
        orders: those to show, in this order.
        chosen: the token of the one that keys are about.
        now: the moment shown.
        notice: what is to be told, such as a question or a lost connection.
    """
    told = Text(notice, style="yellow") if notice else Text(KEYS, style="dim")
    if not orders:
        return Group(Text("no open orders; new ones appear here", style="dim"), told)
    return Group(orders_table(orders, chosen, now), told)


def orders_table(orders: Sequence[TwapOrder], chosen: str, now: datetime) -> FittingTable:
    """Draw the rows; the one that was chosen has a mark."""
    table = FittingTable(
        left("", "token", "status", "side"), right("quantity"), left("symbol"), right("filled"), left("time"),
        left("progress", "exchange"), right("average"),
        header_style="bold",
    )  # fmt: skip
    for order in orders:
        table.add_row(
            "›" if order.token_id == chosen else " ",
            order.token_id,
            badge(order.status),
            order.side,
            number(order.quantity),
            order.instrument or order.symbol,
            percent(order.progress),
            time_left(order, now),
            bar(order),
            order.exchange,
            for_reading(order.average_price),
            style="" if order.status.is_open else "dim",
        )
    return table


def time_left(order: TwapOrder, now: datetime) -> str:
    """How long until it starts, or ends; nothing for one that has ended."""
    if not order.status.is_open or order.end_time is None:
        return "ended"
    if order.start_time is not None and order.start_time > now:
        return f"starts in {span(whole_seconds(order.start_time - now))}"
    return f"{span(whole_seconds(order.end_time - now))} left"


def bar(order: TwapOrder) -> Text:
    """How much is filled, as a bar."""
    done = min(_BAR, int(order.progress * _BAR))
    return Text.assemble(("█" * done, "green"), ("─" * (_BAR - done), "dim"))
