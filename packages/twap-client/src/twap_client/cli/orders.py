"""Carry out orders, order."""

from collections.abc import Mapping

from rich.text import Text

from twap_client.cli import render
from twap_client.cli.long_work import progress
from twap_client.cli.session import Session
from twap_client.cli.watch import watch, watch_table
from twap_models import TwapOrder, TwapOrderDetail

_PAGE = 500
_COUNTED = 2_500
"""Further than this nobody is made to wait for a count."""
_FEW, _ENDS = 20, 5
"""Slices or fills: so many are shown whole; of more, so many at each end."""


async def listing(session: Session, limit: int, **filters: str | None) -> int:
    """List orders over as many pages as it takes; say how many there are beside those that are shown."""
    shown: list[TwapOrder] = []
    count = 0
    with progress(session.err, "reading orders") as advance:
        async for order in session.client.orders.list(timeout=None, **filters, limit=_PAGE):
            count += 1
            advance()
            if count <= limit:
                shown.append(order)
            elif count > _COUNTED:
                break
    if count > limit:
        session.say(_more(limit, count, filters))
    session.show(shown, lambda: render.orders_table(shown, session.now))
    return 0


def _more(limit: int, count: int, filters: Mapping[str, str | None]) -> str:
    options = "".join(f" --{name} {value}" for name, value in filters.items() if value is not None)
    if count > _COUNTED:
        return f"the newest {limit:,} of more than {_COUNTED:,}: `twap orders{options} --limit N` shows more"
    return f"the newest {limit:,} of {count:,}: `twap orders{options} --limit {count}` shows all"


async def live(session: Session, limit: int, **filters: str | None) -> int:
    """List orders as they change; away from a terminal, print a line for each event of all orders."""
    if session.has_screen:
        return await watch_table(session, limit, **filters)
    return await watch(session, None, [])


async def show(session: Session, token: str, *, whole: bool) -> int:
    """Show an order with its slices and fills; of many the first and the last, unless the whole is wanted."""
    if session.as_csv:
        session.show((await session.client.orders.get(token)).slices, Text)
        return 0
    if session.as_json or whole:
        order = await session.client.orders.get(token)
        session.show(order, lambda: render.order_view(order))
        return 0
    order = await session.client.orders.get(token, slices=_FEW, fills=_FEW)
    if order.slice_count <= _FEW and len(order.fills) < _FEW:
        session.show(order, lambda: render.order_view(order))
        return 0
    last = await session.client.orders.get(token, slices=_ENDS, fills=_ENDS, latest=True)
    ends = _both_ends(order, last)
    session.show(ends, lambda: render.order_view(ends, more_fills_after=_hidden_after(order)))
    session.say(f"all of it: `twap order {token} --all`\nas CSV: `twap report {token} --fills FILE`")
    return 0


def _both_ends(order: TwapOrderDetail, last: TwapOrderDetail) -> TwapOrderDetail:
    """The newer of the two, with its first and its last slices and fills."""
    slices, fills = order.slices, order.fills
    if order.slice_count > _FEW:
        slices = slices[:_ENDS] + [item for item in last.slices if item.index >= _ENDS]
    if len(fills) == _FEW:
        fills = fills[:_ENDS] + last.fills
    return last.model_copy(update={"slices": slices, "fills": fills})


def _hidden_after(order: TwapOrderDetail) -> int:
    return _ENDS if len(order.fills) == _FEW else -1
