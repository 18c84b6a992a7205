"""Sort Gemini's refusals: the stream's by code, those over REST by reason (manual: error codes)."""

from typing import Final

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.decode import decoder
from twap_server.exchanges.gemini import wire

_decode = decoder(wire.Error)
_TOO_MUCH: Final = -1003
_MARKS: Final = (
    ("invalid stream", RefusalKind.UNKNOWN_SYMBOL),
    ("invalidsymbol", RefusalKind.UNKNOWN_SYMBOL),
    ("invalid symbol", RefusalKind.UNKNOWN_SYMBOL),
    ("ratelimit", RefusalKind.RATE),
    ("maintenance", RefusalKind.BUSY),
)
_WINDOW_S: Final = 60
"""Its limit over REST counts by the minute."""


def of_error(code: int, text: str) -> RefusalKind:
    """Read an error on the stream; one code (-1013) is for any wrong parameter."""
    return RefusalKind.RATE if code == _TOO_MUCH else by_text(text, _MARKS) or RefusalKind.OTHER


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200."""
    try:
        error = _decode(body)
    except WireFormatError:
        error = wire.Error()
    kind = by_text(f"{error.reason} {error.message}", _MARKS) or by_status(status)
    return Refusal(kind, wait_s=_WINDOW_S if kind is RefusalKind.RATE else 0)
