"""Sort KuCoin's refusals by code, those of the stream by their texts (manual: Status code; Rate limit)."""

from typing import Final

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.decode import decoder
from twap_server.exchanges.kucoin import wire

_decode = decoder(wire.Body)
_CODES: Final = {
    "900001": RefusalKind.UNKNOWN_SYMBOL,
    "429000": RefusalKind.RATE,
    "500000": RefusalKind.BUSY,
    "400006": RefusalKind.NOT_PERMITTED,
    "400302": RefusalKind.NOT_PERMITTED,
}
_MARKS: Final = (
    ("symbol not exist", RefusalKind.UNKNOWN_SYMBOL),
    ("symbol does not exist", RefusalKind.UNKNOWN_SYMBOL),
    ("invalid symbol", RefusalKind.UNKNOWN_SYMBOL),
    ("too many", RefusalKind.RATE),
    ("too frequent", RefusalKind.RATE),
    ("rate limit", RefusalKind.RATE),
)
WINDOW_S: Final = 30
"""The budget is whole again after so long; when exactly, only a header says."""


def of_code(code: str, text: str) -> RefusalKind | None:
    """Read an error's code, and its text where the code says nothing."""
    return _CODES.get(code) or by_text(text, _MARKS)


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200."""
    try:
        told = _decode(body)
    except WireFormatError:
        kind = None
    else:
        kind = of_code(told.code, told.msg)
    kind = kind or by_status(status)
    return Refusal(kind, wait_s=WINDOW_S if kind is RefusalKind.RATE else 0)
