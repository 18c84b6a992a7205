"""Sort HTX's refusals by their texts: nearly all come with HTTP 200 (manual: error codes)."""

from typing import Final

from twap_server.domain.errors import TwapError
from twap_server.domain.market import refusal
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.decode import decoder
from twap_server.exchanges.htx import wire

_decode = decoder(wire.Body)
_MARKS: Final = (
    ("invalid symbol", RefusalKind.UNKNOWN_SYMBOL),
    ("invalid topic", RefusalKind.UNKNOWN_SYMBOL),
    ("too many", RefusalKind.RATE),
    ("too-many", RefusalKind.RATE),
    ("too fast", RefusalKind.RATE),
    ("maintenance", RefusalKind.BUSY),
    ("system-error", RefusalKind.BUSY),
)
_SLOW_DOWN_S: Final = 1
"""Its limits count by the second."""


def of_text(text: str) -> RefusalKind:
    """Read an error's code and text."""
    return by_text(text, _MARKS) or RefusalKind.OTHER


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200."""
    try:
        error = _decode(body)
    except WireFormatError:
        return Refusal(by_status(status))
    return Refusal(by_text(f"{error.err_code} {error.err_msg}", _MARKS) or by_status(status))


def failure(code: str, text: str) -> TwapError:
    """Make the error of a body that came with HTTP 200."""
    return refusal.failure(of_text(f"{code} {text}"), wait_s=_SLOW_DOWN_S)
