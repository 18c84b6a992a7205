"""submit, orders, order, cancel, report."""

import sys
from typing import Any
from uuid import uuid4

import typer

from twap_client.cli import render
from twap_client.cli.session import ENDED, Session
from twap_client.cli.watch import watch
from twap_models import OrderStatus, TwapOrder, TwapOrderRequest


async def submit(session: Session, fields: dict[str, Any], *, ask: bool, follow: bool) -> int:
    """Show the order, ask, submit it, and follow it if wanted."""
    given = {name: value for name, value in fields.items() if value is not None}
    request = TwapOrderRequest.model_validate({"token_id": str(uuid4())} | given)
    if ask and sys.stdin.isatty() and not _confirmed(session, request):
        session.say("nothing was submitted")
        return 1
    order = await session.client.orders.submit(request)
    if not session.as_json or not follow:
        session.show(order, lambda: render.order_line(order))
    for warning in order.warnings:
        session.say(f"note: {warning}")
    if order.status is OrderStatus.REJECTED:
        session.say(f"rejected: {order.detail or order.reason}")
        return ENDED[order.status]
    if not follow:
        session.say(f"follow it with: twap watch {order.token_id}")
        return 0
    return await watch(session, order.token_id, [])


async def listing(session: Session, limit: int, **filters: str | None) -> int:
    """List orders over as many pages as it takes."""
    found: list[TwapOrder] = []
    async for order in session.client.orders.list(**filters, limit=min(limit, 100)):
        found.append(order)
        if len(found) >= limit:
            break
    session.show(found, lambda: render.orders_table(found))
    return 0


async def show(session: Session, token: str) -> int:
    """Show an order with its slices and fills."""
    order = await session.client.orders.get(token)
    session.show(order, lambda: render.order_view(order))
    return 0


async def cancel(session: Session, token: str) -> int:
    """Cancel an order."""
    order = await session.client.orders.cancel(token)
    session.show(order, lambda: render.order_line(order))
    return 0


async def report(session: Session, token: str) -> int:
    """Show the execution report."""
    order = await session.client.orders.get(token)
    session.show(order.report, lambda: render.report_table(order))
    return 0


def _confirmed(session: Session, request: TwapOrderRequest) -> bool:
    session.err.print(render.request_table(request))
    return typer.confirm("Submit this order?", err=True)
