"""Sort what the process that runs ccxt refuses: it names the kind itself."""

from collections.abc import Mapping
from typing import Final

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status
from twap_server.exchanges.ccxt import wire
from twap_server.exchanges.decode import decoder

_decode = decoder(wire.Problem)

KINDS: Final[Mapping[wire.RefusedAs, RefusalKind]] = {
    "unknown_symbol": RefusalKind.UNKNOWN_SYMBOL,
    "rate": RefusalKind.RATE,
    "busy": RefusalKind.BUSY,
    "not_permitted": RefusalKind.NOT_PERMITTED,
    "other": RefusalKind.OTHER,
}


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200."""
    try:
        return Refusal(KINDS[_decode(body).kind])
    except WireFormatError:
        return Refusal(by_status(status))
