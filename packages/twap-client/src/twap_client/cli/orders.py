"""Carry out submit, orders, order."""

import sys
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import typer
from rich.console import Console

from twap_client.cli import render, spoken
from twap_client.cli.local_time import absolute
from twap_client.cli.parting import on_interrupt
from twap_client.cli.preview import preview_view
from twap_client.cli.session import ENDED, Session
from twap_client.cli.watch import watch_submitted
from twap_client.errors import UsageError
from twap_models import OrderStatus, TwapOrder, TwapOrderDetail, TwapOrderRequest

_PAGE = 500
_FEW, _ENDS = 20, 5
"""Slices or fills: so many are shown whole; of more, so many at each end."""


class Submission:
    """One ``submit``: read and confirmed before the event loop runs, for a prompt would block it."""

    def __init__(self, fields: dict[str, Any], *, ask: bool, follow: bool, dry_run: bool = False) -> None:
        self._fields = {name: value for name, value in fields.items() if value is not None}
        self._ask = ask and not dry_run
        self._follow = follow
        self._dry_run = dry_run

    def prepare(self) -> bool:
        """Read the order, show it and ask; False when it is not wanted.

        Raises:
            ValueError: a field is wrong.
        """
        console = Console(stderr=True, highlight=False)
        _see_that_it_is_whole(self._fields)
        self._request = TwapOrderRequest.model_validate(
            {"token_id": str(uuid4())} | self._fields | self._lengths() | self._times(console)
        )
        if not (self._ask and sys.stdin.isatty()):
            return True
        console.print(render.request_table(self._request))
        try:
            wanted = typer.confirm("Submit this order?", err=True)
        except typer.Abort:
            wanted = False
        if not wanted:
            console.print("nothing was submitted")
        return wanted

    def _times(self, console: Console) -> dict[str, Any]:
        def say(line: str) -> None:
            console.print(line, markup=False, soft_wrap=True)

        options = {"start_time": "--start", "end_time": "--end"}
        given = {name: option for name, option in options.items() if name in self._fields}
        return {
            name: absolute(option, spoken.moment(option, self._fields[name]), say)
            for name, option in given.items()
        }

    def _lengths(self) -> dict[str, Any]:
        lengths = {name: f"--{name}" for name in ("duration", "interval") if name in self._fields}
        shares = [name for name in ("randomize", "participation_cap") if name in self._fields]
        return {name: spoken.length(option, self._fields[name]) for name, option in lengths.items()} | {
            name: spoken.percent(self._fields[name]) for name in shares
        }

    async def work(self, session: Session) -> int:
        """Submit it, and follow it if wanted; in a dry run only say what would become of it."""
        if self._dry_run:
            return await self._preview(session)
        token = self._request.token_id
        with on_interrupt(session, f"the order {token!r} may exist", token):
            order = await session.client.orders.submit(self._request)
        following = self._follow and order.status is not OrderStatus.REJECTED
        if not (session.as_json and following):
            session.show(order, lambda: render.order_line(order))
        for warning in order.warnings:
            session.say(f"note: {warning}")
        if order.status is OrderStatus.REJECTED:
            session.say(f"rejected: {order.detail or order.reason}")
            return ENDED[order.status]
        if following:
            return await watch_submitted(session, order.token_id)
        session.say(f"follow it with: twap watch {order.token_id}")
        return 0

    async def _preview(self, session: Session) -> int:
        preview = await session.client.orders.preview(self._request)
        session.show(preview, lambda: preview_view(preview))
        session.say("dry run: nothing was submitted")
        return 0 if preview.accepted else ENDED[OrderStatus.REJECTED]


def _see_that_it_is_whole(fields: Mapping[str, Any]) -> None:
    """Say in the words of the command line what is missing or said twice.

    Raises:
        UsageError: an order is not determined.
    """
    for one, other, missing in (
        ("end_time", "duration", "say how long it takes: --duration 1h, or until when: --end T"),
        ("interval", "slices", "say how it is sliced: --interval 5 (seconds; or 1m), or --slices N"),
    ):
        if one not in fields and other not in fields:
            raise UsageError(missing)
        if one in fields and other in fields:
            raise UsageError(f"give --{one.removesuffix('_time')} or --{other}, not both")


async def listing(session: Session, limit: int, **filters: str | None) -> int:
    """List orders over as many pages as it takes."""
    found: list[TwapOrder] = []
    async for order in session.client.orders.list(**filters, limit=min(limit + 1, _PAGE)):
        found.append(order)
        if len(found) > limit:
            session.say(f"the newest {limit} only: there are more, see them with --limit {limit * 10}")
            break
    shown = found[:limit]
    session.show(shown, lambda: render.orders_table(shown))
    return 0


async def show(session: Session, token: str, *, whole: bool) -> int:
    """Show an order with its slices and fills; of many the first and the last, unless the whole is wanted."""
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
