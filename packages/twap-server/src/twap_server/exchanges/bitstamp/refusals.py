"""Sort Bitstamp's refusals, of stream and REST (manual: errors, request limits)."""

from typing import Final

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.bitstamp import wire
from twap_server.exchanges.decode import decoder

_decode = decoder(wire.Error)
_MARKS: Final = (
    ("too many", RefusalKind.RATE),
    ("rate limit", RefusalKind.RATE),
    ("maintenance", RefusalKind.BUSY),
)
"""``Bad subscription string.`` may be about anything: an unknown market is acknowledged, and silent."""
_TOO_MANY = "400.002"
_NOT_FOUND = 404


def of_text(text: str) -> RefusalKind:
    """Read an error's text."""
    return by_text(text, _MARKS) or RefusalKind.OTHER


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200: the market stands in the path, so one that is not there is a 404."""
    if status == _NOT_FOUND:
        return Refusal(RefusalKind.UNKNOWN_SYMBOL)
    try:
        error = _decode(body)
    except WireFormatError:
        return Refusal(by_status(status))
    if error.response_code == _TOO_MANY:
        return Refusal(RefusalKind.RATE)
    said = (bytes(error.reason) + bytes(error.error)).decode(errors="replace")
    return Refusal(by_text(said, _MARKS) or by_status(status))
