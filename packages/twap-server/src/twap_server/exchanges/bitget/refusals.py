"""Sort Bitget's refusals by their codes, of stream and REST (manual: error codes)."""

from typing import Final

from twap_server.domain.errors import TwapError
from twap_server.domain.market import refusal
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.bitget import wire
from twap_server.exchanges.decode import decoder

_decode = decoder(wire.Body)
_KINDS: Final = {
    "30001": RefusalKind.UNKNOWN_SYMBOL,
    "40034": RefusalKind.UNKNOWN_SYMBOL,  # a parameter that does not exist: only the symbol is not our own
    "40309": RefusalKind.UNKNOWN_SYMBOL,
    "429": RefusalKind.RATE,
    "30006": RefusalKind.RATE,
    "30007": RefusalKind.RATE,
}
_MARKS: Final = (
    ("doesn't exist", RefusalKind.UNKNOWN_SYMBOL),
    ("does not exist", RefusalKind.UNKNOWN_SYMBOL),
)
_SLOW_DOWN_S: Final = 1
"""Its limits over REST count by the second."""


def of_error(code: str, text: str) -> RefusalKind:
    """Read an error's code, and its text where the code is new."""
    return _KINDS.get(code) or by_text(text, _MARKS) or RefusalKind.OTHER


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200."""
    try:
        error = _decode(body)
    except WireFormatError:
        return Refusal(by_status(status))
    kind = of_error(error.code, error.msg)
    return Refusal(by_status(status) if kind is RefusalKind.OTHER else kind)


def failure(code: str, text: str) -> TwapError:
    """Make the error of a body that came with HTTP 200."""
    return refusal.failure(of_error(code, text), wait_s=_SLOW_DOWN_S)
