"""Sort Binance's refusals by their codes (manuals: Error codes; IP limits). Texts say when a ban ends."""

import re
from typing import Final

from twap_server.domain.clock import MILLISECOND, Nanos
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status
from twap_server.exchanges.binance import wire
from twap_server.exchanges.decode import decoder

_decode = decoder(wire.ErrorMessage)
_KINDS: Final = {
    -1121: RefusalKind.UNKNOWN_SYMBOL,
    -1003: RefusalKind.RATE,
    -1015: RefusalKind.RATE,
    -1034: RefusalKind.RATE,
    -1000: RefusalKind.BUSY,
    -1001: RefusalKind.BUSY,
    -1006: RefusalKind.BUSY,
    -1007: RefusalKind.BUSY,
    -1008: RefusalKind.BUSY,
    -1016: RefusalKind.BUSY,
    -1002: RefusalKind.NOT_PERMITTED,
}
_BANNED_UNTIL = re.compile(r"banned until (\d{13})\b", re.ASCII)


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200."""
    try:
        error = _decode(body)
    except WireFormatError:
        return Refusal(by_status(status))
    ends = _BANNED_UNTIL.search(error.msg)
    until = Nanos(int(ends[1]) * MILLISECOND) if ends else None
    return Refusal(_KINDS.get(error.code, by_status(status)), until)


def of_stream(code: int | None) -> RefusalKind:
    """Read an error on the stream: its codes 0 to 3 blame the request, which is always the same."""
    return _KINDS.get(code or 0, RefusalKind.OTHER)
