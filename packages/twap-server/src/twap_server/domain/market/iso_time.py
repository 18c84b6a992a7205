"""Parse times as exchanges write them.

``_times.pyx`` is the same, compiled; ``native`` picks. Both pass the same tests.
"""

from twap_models.iso_time import read_iso
from twap_server.domain.clock import Nanos, to_nanos
from twap_server.domain.market.errors import WireFormatError


def from_iso(text: str) -> Nanos:
    """Turn ``2026-01-01T00:00:00.000001Z`` into nanoseconds, exact to the microsecond.

    Raises:
        WireFormatError: not a time with an offset.
    """
    try:
        return to_nanos(read_iso(text))
    except (ValueError, OverflowError):
        raise WireFormatError("a time cannot be read") from None
