"""Check that an order's window lies inside the recording: only that can be replayed."""

from collections.abc import Iterable

from twap_server.domain.clock import Nanos, to_text
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.terms import OrderRequest


def check_begins(requests: Iterable[OrderRequest], *, first: Nanos, live: Nanos) -> None:
    """Check the windows before the orders are submitted.

    Args:
        requests: with absolute times.
        first: when the first message was received.
        live: when the books became live; orders are submitted then.

    Raises:
        InvalidRequest: a window begins before the recording, or is over before the books are live.
    """
    for one in requests:
        if one.start is not None and one.start < first:
            raise _outside(
                one.token_id,
                f"starts at {to_text(one.start)}, and the recording begins at {to_text(first)}",
            )
        if one.end <= live:
            raise _outside(
                one.token_id,
                f"ends at {to_text(one.end)}, and the recording's books are live from {to_text(live)} on",
            )


def check_ends(records: Iterable[OrderRecord], *, last: Nanos) -> None:
    """Check after the replay that every order has begun.

    Raises:
        InvalidRequest: a window begins after the recording's end.
    """
    for record in records:
        terms, progress = record.order.terms, record.order.progress
        if progress.status.is_open and terms.start > last:
            raise _outside(
                terms.token_id,
                f"starts at {to_text(terms.start)}, and the recording ends at {to_text(last)}",
            )


def _outside(token_id: str, words: str) -> InvalidRequest:
    return InvalidRequest(
        f"order {token_id} {words}: give times within the recording, or none, which means from its beginning",
        field="--order",
    )
