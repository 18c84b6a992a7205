"""A short cut for the message that comes most: the usual depth update, read without a JSON decoder.

Only the compiled ``_scan.pyx`` takes it, at half the cost. What it does not recognise, and everything where
it was not built, goes the ordinary way through ``wire.py``, with the same result.
"""

from typing import TYPE_CHECKING

from twap_server.domain.market.events import BookChange


def not_scanned(raw: bytes | str, symbols: dict[str, str]) -> BookChange | None:
    """Recognise nothing: the pure form."""
    return None


if TYPE_CHECKING:
    scan = not_scanned
else:
    try:
        from twap_server.exchanges.binance._scan import scan
    except ImportError:
        scan = not_scanned
