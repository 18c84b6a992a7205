"""Sort Bitfinex's refusals, of stream and REST (manual: WebSocket general, Requirements and Limitations).

Its codes are broad (10020 and 10300 stand for any parameter that is wrong), so texts decide.
"""

from typing import Final

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text
from twap_server.exchanges.bitfinex import wire
from twap_server.exchanges.decode import decoder

BLOCKED_S: Final = 60
"""Who asks too often is not served for up to so long (manual)."""

_decode_failure = decoder(wire.Failure)
_decode_throttled = decoder(wire.Throttled)
_MARKS: Final = (
    ("symbol: invalid", RefusalKind.UNKNOWN_SYMBOL),
    ("pair: invalid", RefusalKind.UNKNOWN_SYMBOL),
    ("unknown pair", RefusalKind.UNKNOWN_SYMBOL),
    ("rate_limit", RefusalKind.RATE),
    ("ratelimit", RefusalKind.RATE),
    ("rate limit", RefusalKind.RATE),
    ("maintenance", RefusalKind.BUSY),
    ("temporarily_unavailable", RefusalKind.BUSY),
)


def of_text(text: str) -> RefusalKind:
    """Read an error's text."""
    return by_text(text, _MARKS) or RefusalKind.OTHER


def of_body(body: bytes) -> RefusalKind | None:
    """Read an error over REST; None where the body is none."""
    text = _text_of(body)
    return None if text is None else of_text(text)


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200."""
    kind = by_text(_text_of(body) or "", _MARKS) or by_status(status)
    return Refusal(kind, wait_s=BLOCKED_S if kind is RefusalKind.RATE else 0)


def _text_of(body: bytes) -> str | None:
    try:
        failure = _decode_failure(body)
    except WireFormatError:
        try:
            return _decode_throttled(body).error
        except WireFormatError:
            return None
    return failure.text if failure.word == "error" else None
