"""Translate what is known of collected books to the wire models. Decides nothing."""

from twap_models.enums import Integrity
from twap_models.health import BookHealth, StatusChange
from twap_server.domain.clock import MILLISECOND, Nanos, to_datetime
from twap_server.domain.market.status import CollectedBook


def book_health(book: CollectedBook, integrity: Integrity, now: Nanos) -> BookHealth:
    """How one collected book fares; ``integrity``: its exchange's."""
    received = book.last_change
    return BookHealth(
        exchange=book.instrument.exchange,
        symbol=book.instrument.symbol,
        status=str(book.status),
        reason=book.reason,
        since=to_datetime(book.since),
        integrity=integrity,
        messages_per_second=book.changes_per_second,
        changes=book.changes,
        resyncs=book.resyncs,
        reconnects=book.reconnects,
        last_change=None if received is None else to_datetime(received),
        age_ms=None if received is None else max(0, now - received) // MILLISECOND,
        lag_ms=None if book.lag is None else book.lag // MILLISECOND,
        history=[
            StatusChange(time=to_datetime(one.time), status=str(one.status), reason=one.reason)
            for one in book.history
        ],
    )
