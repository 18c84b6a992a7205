"""Sort MEXC's refusals: the stream's by text, those over REST by code (manual: error codes)."""

from typing import Final

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.decode import decoder
from twap_server.exchanges.mexc import wire

_decode = decoder(wire.Error)
_KINDS: Final = {
    -1121: RefusalKind.UNKNOWN_SYMBOL,
    10007: RefusalKind.UNKNOWN_SYMBOL,
    30014: RefusalKind.UNKNOWN_SYMBOL,
}
_MARKS: Final = (
    ("invalid symbol", RefusalKind.UNKNOWN_SYMBOL),
    ("blocked", RefusalKind.NOT_PERMITTED),
    ("too many", RefusalKind.RATE),
)
"""``Blocked`` is how it says that a place is not served."""


def of_error(code: int, text: str) -> RefusalKind:
    """Read an error's code and text."""
    return _KINDS.get(code) or by_text(text, _MARKS) or RefusalKind.OTHER


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200."""
    try:
        error = _decode(body)
    except WireFormatError:
        return Refusal(by_status(status))
    kind = of_error(error.code, error.msg)
    return Refusal(by_status(status) if kind is RefusalKind.OTHER else kind)
