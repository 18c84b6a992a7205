"""Sort OKX's refusals by their codes, of stream and REST (manual: Error code)."""

from typing import Final

from twap_server.domain.errors import TwapError
from twap_server.domain.market import refusal
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status
from twap_server.exchanges.decode import decoder
from twap_server.exchanges.okx import wire

_decode = decoder(wire.Error)
_KINDS: Final = {
    "51001": RefusalKind.UNKNOWN_SYMBOL,
    "60018": RefusalKind.UNKNOWN_SYMBOL,
    "50011": RefusalKind.RATE,
    "50040": RefusalKind.RATE,
    "60014": RefusalKind.RATE,
    "50001": RefusalKind.BUSY,
    "50004": RefusalKind.BUSY,
    "50013": RefusalKind.BUSY,
    "50026": RefusalKind.BUSY,
    "63999": RefusalKind.BUSY,
    "50051": RefusalKind.NOT_PERMITTED,
    "50121": RefusalKind.NOT_PERMITTED,
    "64003": RefusalKind.NOT_PERMITTED,
}
_SLOW_DOWN_S = 5
"""Its windows are of two seconds."""


def of_code(code: str) -> RefusalKind:
    """Read an error's code."""
    return _KINDS.get(code, RefusalKind.OTHER)


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200."""
    try:
        code = _decode(body).code
    except WireFormatError:
        code = ""
    return Refusal(_KINDS.get(code, by_status(status)))


def failure(code: str) -> TwapError:
    """Make the error of a body that came with HTTP 200."""
    return refusal.failure(of_code(code), wait_s=_SLOW_DOWN_S)
