"""Load an exchange's short cut for the messages that come most, read without a JSON decoder.

Only a compiled ``_scan.pyx`` takes it, at half the cost. What it does not recognise, and everything where it
was not built, goes the ordinary way through the exchange's ``wire.py``, with the same result.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

from twap_server.domain.market.events import MarketEvent

Scan: TypeAlias = Callable[[bytes | str, dict[str, str]], MarketEvent | None]
"""In: a frame, and canonical symbols by the exchange's. Out: its event, None where it is not recognised."""


def not_scanned(raw: bytes | str, symbols: dict[str, str]) -> MarketEvent | None:
    """Recognise nothing: the pure form."""
    return None


def scan_of(package: str) -> Scan:
    """Give the compiled scan of an exchange's package, or the pure form where it was not built."""
    try:
        scan: Scan = import_module(f"{package}._scan").scan
    except ImportError:
        return not_scanned
    return scan
