"""May this book be filled from now? Synced in this connection, unbroken, not crossed, fresh (contract 5)."""

from twap_models.enums import SliceReason
from twap_server.domain.clock import Nanos
from twap_server.domain.market import BookStatus
from twap_server.engine.ports import LiveBookView


def closed_because(live: LiveBookView | None, *, now: Nanos, max_age: int) -> SliceReason | None:
    """Why the book cannot be filled from, or None when it can.

    Args:
        live: the instrument's book, None where there is none.
        now: wall time.
        max_age: nanoseconds a book may go without its connection delivering anything.
    """
    if live is None:
        return SliceReason.NO_BOOK
    match live.status:
        case BookStatus.RESYNCING:
            return SliceReason.RESYNCING
        case BookStatus.STALE | BookStatus.DOWN:
            return SliceReason.STALE_BOOK
        case BookStatus.LIVE:
            return _live_but_unusable(live, now=now, max_age=max_age)


def _live_but_unusable(live: LiveBookView, *, now: Nanos, max_age: int) -> SliceReason | None:
    if now - live.confirmed_at > max_age:
        return SliceReason.STALE_BOOK
    if not live.book.two_sided():
        return SliceReason.NO_BOOK
    return SliceReason.CROSSED_BOOK if live.book.crossed() else None
