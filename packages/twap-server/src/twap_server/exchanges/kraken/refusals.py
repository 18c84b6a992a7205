"""Sort Kraken's refusals by their texts, mostly ``ECategory:Text`` (manual: API errors)."""

from typing import Final

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.decode import decoder
from twap_server.exchanges.kraken import wire

_decode = decoder(wire.Body)
_MARKS: Final = (
    ("currency pair not supported", RefusalKind.UNKNOWN_SYMBOL),
    ("unknown asset pair", RefusalKind.UNKNOWN_SYMBOL),
    ("exceeded msg rate", RefusalKind.RATE),
    ("rate limit exceeded", RefusalKind.RATE),
    ("throttled", RefusalKind.RATE),
    ("too many requests", RefusalKind.RATE),
    ("temporary lockout", RefusalKind.RATE),
    ("eservice:", RefusalKind.BUSY),
    ("internal error", RefusalKind.BUSY),
    ("permission denied", RefusalKind.NOT_PERMITTED),
    ("not authenticated", RefusalKind.NOT_PERMITTED),
)


def of_text(text: str) -> RefusalKind:
    """Read an error's text."""
    return by_text(text, _MARKS) or RefusalKind.OTHER


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200: Kraken itself was not reached properly."""
    try:
        errors = _decode(body).error
    except WireFormatError:
        errors = []
    return Refusal(by_text(" ".join(errors), _MARKS) or by_status(status))
