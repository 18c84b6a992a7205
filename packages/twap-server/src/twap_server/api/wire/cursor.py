"""Make and read page cursors: where a page of orders, or of one order's slices and fills, ended."""

import base64
import binascii
import re

from twap_server.domain.clock import Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.record import PagePosition

_CONTENT = re.compile(r"(\d{1,19}):([\x21-\x7e]{1,128})", re.ASCII)
_PLACE = re.compile(r"(-1|\d{1,9}):(-1|\d{1,9}):(-1|\d{1,9})", re.ASCII)
_LARGEST = 2**63 - 1


def write_cursor(last: Order) -> str:
    """Name the place after this order."""
    return _opaque(f"{last.terms.created}:{last.terms.order_id}")


def write_end(last: Order) -> str:
    """Name the place after this closed order, where orders go by their end."""
    return _opaque(f"{last.progress.ended}:{last.terms.order_id}")


def read_cursor(text: str) -> tuple[Nanos, str]:
    """Read a cursor back.

    Raises:
        InvalidRequest: it was not written by this server.
    """
    match = _CONTENT.fullmatch(_content(text))
    if match is None or int(match[1]) > _LARGEST:
        raise _not_ours()
    return Nanos(int(match[1])), match[2]


def write_place(place: PagePosition) -> str:
    """Name a place among an order's slices and fills."""
    return _opaque(f"{place.slice}:{place.fill[0]}:{place.fill[1]}")


def read_place(text: str) -> PagePosition:
    """Read such a cursor back.

    Raises:
        InvalidRequest: it was not written by this server.
    """
    match = _PLACE.fullmatch(_content(text))
    if match is None:
        raise _not_ours()
    return PagePosition(slice=int(match[1]), fill=(int(match[2]), int(match[3])))


def _opaque(content: str) -> str:
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _content(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def _not_ours() -> InvalidRequest:
    return InvalidRequest("expected the cursor that came with a page", field="after")
