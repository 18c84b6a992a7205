"""Sort Hyperliquid's refusals, of stream and REST (manual: Info endpoint, rate limits). Texts are free."""

from typing import Final

from twap_server.domain.market.refusal import Refusal, RefusalKind, by_status, by_text

_MARKS: Final = (
    ("too many", RefusalKind.RATE),
    ("rate limit", RefusalKind.RATE),
)
_PAUSE_S: Final = 60
"""Its limits over REST are of a minute."""


def of_text(text: str) -> RefusalKind:
    """Read an error of the stream."""
    return by_text(text, _MARKS) or RefusalKind.OTHER


def of_http(status: int, body: bytes) -> Refusal:
    """Read an answer other than 200: 422 is about how a question is written, 500 has no text."""
    kind = by_status(status)
    return Refusal(kind, wait_s=_PAUSE_S if kind is RefusalKind.RATE else 0)
