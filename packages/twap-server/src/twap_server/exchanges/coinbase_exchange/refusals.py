"""Sort Coinbase's refusals by their texts, of stream and REST (manual: WebSocket errors, REST requests)."""

from typing import Final

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.coinbase_exchange import wire
from twap_server.exchanges.decode import decoder

_decode = decoder(wire.Error)
_MARKS: Final = (
    ("is not a valid product", RefusalKind.UNKNOWN_SYMBOL),
    ("is delisted", RefusalKind.UNKNOWN_SYMBOL),
    ("rate limit", RefusalKind.RATE),
    ("too many", RefusalKind.RATE),
    ("require authentication", RefusalKind.NOT_PERMITTED),
    ("internal server error", RefusalKind.BUSY),
    ("service unavailable", RefusalKind.BUSY),
)
_NOT_FOUND = "NotFound"


def of_text(text: str) -> RefusalKind:
    """Read an error's text."""
    return by_text(text, _MARKS) or RefusalKind.OTHER


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200: a product that is not there has a message of its own."""
    try:
        message = _decode(body).message
    except WireFormatError:
        return Refusal(by_status(status))
    if message == _NOT_FOUND:
        return Refusal(RefusalKind.UNKNOWN_SYMBOL)
    return Refusal(by_text(message, _MARKS) or by_status(status))
