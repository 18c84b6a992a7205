"""Read ISO 8601 times alike on every Python: from 3.14 on the standard library takes the hour 24, too."""

import re
from datetime import datetime

_HOUR_24 = re.compile(r"[0-9W-]{7,10}[^0-9-]24")


def read_iso(text: str) -> datetime:
    """Read a time, with or without an offset.

    Raises:
        ValueError: it is none, or its hour is no hour from 0 to 23.
    """
    moment = datetime.fromisoformat(text)
    if not moment.hour and _HOUR_24.match(text):
        raise ValueError("hour must be in 0..23")
    return moment
