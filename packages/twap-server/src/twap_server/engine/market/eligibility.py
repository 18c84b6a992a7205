"""Decide whether orders may fill from a book now: traded, synced on this connection, uncrossed, fresh."""

from twap_models.enums import SliceReason
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import takes_orders
from twap_server.engine.ports import LiveBookView


def why_not_tradable(
    live: LiveBookView | None, *, status: str, limited: bool, now: Nanos, max_age: int
) -> SliceReason | None:
    """Why the book cannot be filled from, or None when it can.

    Args:
        live: the instrument's book, None where there is none.
        status: whether the instrument trades, as the exchange says.
        limited: the order has a limit.
        now: wall time.
        max_age: nanoseconds a book may go without its connection delivering anything.
    """
    if not takes_orders(status, limited=limited):
        return SliceReason.NOT_TRADABLE
    if live is None:
        return SliceReason.NO_BOOK
    if live.is_barred:
        return SliceReason.NOT_TRADABLE
    match live.status:
        case BookStatus.LIVE:  # first: it is the usual one, and each costs a look-up
            return _live_but_unusable(live, now=now, max_age=max_age)
        case BookStatus.RESYNCING:
            return SliceReason.RESYNCING
        case BookStatus.STALE | BookStatus.DOWN:
            return SliceReason.STALE_BOOK


def _live_but_unusable(live: LiveBookView, *, now: Nanos, max_age: int) -> SliceReason | None:
    if live.is_silent:
        return SliceReason.STALE_BOOK
    if now - live.confirmed_at > max_age:
        return SliceReason.STALE_BOOK
    if not live.book.two_sided():
        return SliceReason.NO_BOOK
    return SliceReason.CROSSED_BOOK if live.book.crossed() else None
