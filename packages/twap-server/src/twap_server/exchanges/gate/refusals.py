"""Sort Gate's refusals: the stream's by code and text, those over REST by label (manual: Error; Labels)."""

from typing import Final

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.decode import decoder
from twap_server.exchanges.gate import wire

_decode = decoder(wire.RestError)
_LABELS: Final = {
    "INVALID_CURRENCY_PAIR": RefusalKind.UNKNOWN_SYMBOL,
    "TOO_MANY_REQUESTS": RefusalKind.RATE,
    "TOO_BUSY": RefusalKind.BUSY,
    "TOO_FAST": RefusalKind.RATE,
    "SERVER_ERROR": RefusalKind.BUSY,
    "INTERNAL": RefusalKind.BUSY,
    "FORBIDDEN": RefusalKind.NOT_PERMITTED,
    "READ_ONLY": RefusalKind.NOT_PERMITTED,
}
_MARKS: Final = (
    ("unknown currency pair", RefusalKind.UNKNOWN_SYMBOL),
    ("invalid currency pair", RefusalKind.UNKNOWN_SYMBOL),
    ("too many", RefusalKind.RATE),
    ("rate limit", RefusalKind.RATE),
)
_CODES: Final = {3: RefusalKind.BUSY, 4: RefusalKind.NOT_PERMITTED}
_WINDOW_S = 10
"""The budget of an endpoint is whole again after so long; when exactly, only a header says."""


def of_stream(error: wire.ErrorMessage) -> RefusalKind:
    """Read an error on the stream; code 2 means any wrong argument."""
    return by_text(error.message, _MARKS) or _CODES.get(error.code, RefusalKind.OTHER)


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200."""
    try:
        label = _decode(body).label
    except WireFormatError:
        label = ""
    kind = _LABELS.get(label, by_status(status))
    return Refusal(kind, wait_s=_WINDOW_S if kind is RefusalKind.RATE else 0)
