"""Opaque page cursors: the creation time and id of a page's last order."""

import base64
import binascii
import re

from twap_server.domain.clock import Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.order import Order

_CONTENT = re.compile(r"(\d{1,19}):([\x21-\x7e]{1,128})", re.ASCII)
_LARGEST = 2**63 - 1


def write_cursor(last: Order) -> str:
    """Name the place after this order."""
    content = f"{last.terms.created}:{last.terms.order_id}"
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[Nanos, str]:
    """Read a cursor back.

    Raises:
        InvalidRequest: it was not written by this server.
    """
    try:
        content = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        content = ""
    match = _CONTENT.fullmatch(content)
    if match is None or int(match[1]) > _LARGEST:
        raise InvalidRequest("expected the cursor of a Link header", field="after")
    return Nanos(int(match[1])), match[2]
