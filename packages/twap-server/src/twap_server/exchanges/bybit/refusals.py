"""Sort Bybit's refusals by their codes and texts, of stream and REST (manual: Error codes; Rate limit)."""

from typing import Final

from twap_server.domain.errors import TwapError
from twap_server.domain.market import refusal
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.bybit import wire
from twap_server.exchanges.decode import decoder

_decode = decoder(wire.Error)
_KINDS: Final = {
    10029: RefusalKind.UNKNOWN_SYMBOL,
    10006: RefusalKind.RATE,
    10018: RefusalKind.RATE,
    10000: RefusalKind.BUSY,
    10016: RefusalKind.BUSY,
    10009: RefusalKind.NOT_PERMITTED,
    10024: RefusalKind.NOT_PERMITTED,
}
_MARKS: Final = (
    ("symbol invalid", RefusalKind.UNKNOWN_SYMBOL),
    ("invalid symbol", RefusalKind.UNKNOWN_SYMBOL),
    ("not supported symbol", RefusalKind.UNKNOWN_SYMBOL),
    ("handler not found", RefusalKind.UNKNOWN_SYMBOL),
    ("too many visits", RefusalKind.RATE),
    ("too frequent", RefusalKind.RATE),
)
"""A wrong parameter has one code (10001), whatever it is: only its text tells an unknown symbol."""
_FORBIDDEN = 403
_TOO_FREQUENT: Final = b"too frequent"
_BANNED_S: Final = 600
"""After more than 600 requests within 5 s nothing may be asked for ten minutes (manual: Rate limit)."""
_SLOW_DOWN_S = 5


def of_text(text: str) -> RefusalKind:
    """Read the text of an error on the stream."""
    return by_text(text, _MARKS) or RefusalKind.OTHER


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200: one kind of 403 is over in ten minutes, the other is about the place."""
    if status == _FORBIDDEN and _TOO_FREQUENT in body.lower():
        return Refusal(RefusalKind.RATE, wait_s=_BANNED_S)
    try:
        code = _decode(body).ret_code
    except WireFormatError:
        code = 0
    return Refusal(_KINDS.get(code, by_status(status)))


def failure(code: int, text: str) -> TwapError:
    """Make the error of a body that came with HTTP 200."""
    return refusal.failure(_KINDS.get(code) or of_text(text), wait_s=_SLOW_DOWN_S)
