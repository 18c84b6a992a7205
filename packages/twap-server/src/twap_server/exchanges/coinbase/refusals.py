"""Sort refusals by their texts, of stream and REST (manual: error responses; texts as others saw them)."""

from typing import Final

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.coinbase import wire
from twap_server.exchanges.decode import decoder

_decode = decoder(wire.Error)
_MARKS: Final = (
    ("not a valid product", RefusalKind.UNKNOWN_SYMBOL),
    ("invalid product", RefusalKind.UNKNOWN_SYMBOL),
    ("too many", RefusalKind.RATE),
    ("rate limit", RefusalKind.RATE),
    ("authenticat", RefusalKind.NOT_PERMITTED),
    ("permission", RefusalKind.NOT_PERMITTED),
    ("internal", RefusalKind.BUSY),
    ("unavailable", RefusalKind.BUSY),
)
_NOT_FOUND, _HTTP_NOT_FOUND = "NOT_FOUND", 404


def of_text(text: str) -> RefusalKind:
    """Read an error's text."""
    return by_text(text, _MARKS) or RefusalKind.OTHER


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200: a product that is not there has a code of its own."""
    try:
        error = _decode(body)
    except WireFormatError:
        return Refusal(by_status(status))
    if status == _HTTP_NOT_FOUND and error.error == _NOT_FOUND:
        return Refusal(RefusalKind.UNKNOWN_SYMBOL)
    return Refusal(by_text(error.message, _MARKS) or by_status(status))
