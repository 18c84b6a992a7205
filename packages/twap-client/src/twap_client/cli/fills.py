"""Carry out fills: list executions of many orders as tables, JSON lines or CSV, page by page."""

import sys
from collections.abc import AsyncIterator
from decimal import Context
from typing import Any

from rich.console import Group

from twap_client._assets import assets_of
from twap_client.cli import render
from twap_client.cli.csv_rows import cell, write_rows
from twap_client.cli.long_work import progress
from twap_client.cli.session import Session
from twap_client.cli.watch_screen import fills_table
from twap_models import Fill, TwapOrder
from twap_models.fields import format_time

_EXACT = Context(prec=100)
"""The product of two numbers of 30 digits has 60."""
_COLUMNS = (
    "token_id", "instrument", "side", "fill_id", "slice", "time", "exchange", "price", "quantity", "notional",
    "fee", "fee_currency",
)  # fmt: skip
_A_PAGE = 500


async def fills(session: Session, limit: int | None, *, as_csv: bool, **filters: str | None) -> int:
    """Print the fills of the newest orders that the filters find; ``limit`` None takes all of them.

    Raises:
        NotFound: one order's are wanted, and it is not there.
    """
    if (token := filters.get("token_id")) is not None:
        await session.client.orders.get(token, slices=0, fills=0)
    as_csv = as_csv or session.as_csv
    if as_csv and not session.as_json:
        write_rows([_COLUMNS])
    seen = 0
    with progress(session.err, "reading orders", total=limit, is_shown=not sys.stdout.isatty()) as advance:
        async for order in session.client.orders.list(
            timeout=None, **filters, limit=min(limit or _A_PAGE, _A_PAGE)
        ):
            if order.filled_quantity:
                async for page in _pages(session, order):
                    _print(session, order, page, as_csv=as_csv)
            seen += 1
            advance()
            if seen == limit:
                break
    return 0


async def _pages(session: Session, order: TwapOrder) -> AsyncIterator[list[Fill]]:
    page: list[Fill] = []
    async for fill in session.client.orders.fills(order.token_id):
        page.append(fill)
        if len(page) == _A_PAGE:
            yield page
            page = []
    if page:
        yield page


def _print(session: Session, order: TwapOrder, page: list[Fill], *, as_csv: bool) -> None:
    if session.as_json:
        for fill in page:
            session.line(_wire(order, fill))
    elif as_csv:
        write_rows([_cells(order, fill) for fill in page])
    else:
        session.out.print(Group(render.order_line(order), fills_table(page)))


def _wire(order: TwapOrder, fill: Fill) -> dict[str, Any]:
    """A fill that says whose it is."""
    names = {"token_id": order.token_id, "instrument": order.instrument, "side": order.side.value}
    product = _EXACT.multiply(fill.price, fill.quantity)
    return names | fill.to_wire() | {"notional": product, "fee_currency": _fee_currency(order)}


def _cells(order: TwapOrder, fill: Fill) -> list[str]:
    found = _wire(order, fill) | {"time": format_time(fill.time)}
    return [cell(found[name]) for name in _COLUMNS]


def _fee_currency(order: TwapOrder) -> str:
    """Fees are quote currency."""
    return assets_of(order.instrument)[1]
