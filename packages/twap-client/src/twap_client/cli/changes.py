"""Carry out pause, resume, amend, events."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from twap_client.cli import render, spoken
from twap_client.cli.local_time import absolute
from twap_client.cli.long_work import progress
from twap_client.cli.parting import on_interrupt
from twap_client.cli.session import Session
from twap_client.order_fields import KEEP
from twap_models import OrderEvent, TwapOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendmentOptions:
    """What the options of ``amend`` say."""

    quantity: str | None
    limit: str | None
    no_limit: bool
    end: str | None
    revision: int | None


async def pause(session: Session, token: str) -> int:
    """Pause an order."""
    with _in_doubt(session, token, "paused"):
        order = await session.client.orders.pause(token)
    return _show(session, order)


async def resume(session: Session, token: str) -> int:
    """Let a paused order go on."""
    with _in_doubt(session, token, "resumed"):
        order = await session.client.orders.resume(token)
    return _show(session, order)


async def amend(session: Session, token: str, wanted: AmendmentOptions) -> int:
    """Amend an order.

    Raises:
        ValueError: an option is wrong, they contradict each other, or none is given.
    """
    if wanted.no_limit and wanted.limit is not None:
        raise ValueError("give --limit or --no-limit, not both")
    if not wanted.no_limit and wanted.quantity is wanted.limit is wanted.end is None:
        raise ValueError("nothing to change: give --quantity, --limit, --no-limit or --end")
    keep_or_drop = None if wanted.no_limit else KEEP
    end = absolute("--end", spoken.moment("--end", wanted.end), session.say)
    with _in_doubt(session, token, "amended"):
        order = await session.client.orders.amend(
            token,
            quantity=wanted.quantity,
            price=keep_or_drop if wanted.limit is None else wanted.limit,
            end_time=end,
            revision=wanted.revision,
        )
    for warning in order.warnings:
        session.say(f"note: {warning}")
    return _show(session, order)


async def events(session: Session, token: str, since: int) -> int:
    """List an order's events."""
    found: list[OrderEvent] = []
    with progress(session.err, "reading events") as advance:
        async for event in session.client.orders.events(token, since=since):
            found.append(event)
            advance()
    session.show(found, lambda: render.events_table(found, session.now))
    return 0


def _in_doubt(session: Session, token: str, done: str) -> AbstractContextManager[None]:
    return on_interrupt(session, f"whether the order {token!r} was {done} is not known", token)


def _show(session: Session, order: TwapOrder) -> int:
    session.show(order, lambda: render.order_line(order))
    return 0
