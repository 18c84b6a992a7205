"""Sort Crypto.com's refusals by their texts and codes, of stream and REST (manual: Reason Codes)."""

from typing import Final

from twap_server.domain.errors import TwapError
from twap_server.domain.market import refusal
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.cryptocom import wire
from twap_server.exchanges.decode import decoder

_decode = decoder(wire.Body)
_KINDS: Final = {
    40101: RefusalKind.NOT_PERMITTED,
    40103: RefusalKind.NOT_PERMITTED,
    40801: RefusalKind.BUSY,
    42901: RefusalKind.RATE,
    50001: RefusalKind.BUSY,
}
_MARKS: Final = (
    ("unknown symbol", RefusalKind.UNKNOWN_SYMBOL),
    ("invalid instrument", RefusalKind.UNKNOWN_SYMBOL),
)
"""One code (40003) is for whatever is wrong in a request: only its text tells an unknown symbol."""
_SLOW_DOWN_S: Final = 1
"""Its limits count by the second."""


def of_error(code: int, text: str) -> RefusalKind:
    """Read an error's code and text."""
    return by_text(text, _MARKS) or _KINDS.get(code, RefusalKind.OTHER)


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200."""
    try:
        error = _decode(body)
    except WireFormatError:
        return Refusal(by_status(status))
    kind = of_error(error.code, error.message)
    return Refusal(by_status(status) if kind is RefusalKind.OTHER else kind)


def failure(code: int, text: str) -> TwapError:
    """Make the error of a body that came with HTTP 200."""
    return refusal.failure(of_error(code, text), wait_s=_SLOW_DOWN_S)
