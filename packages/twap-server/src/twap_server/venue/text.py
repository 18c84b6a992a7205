"""Write numbers and times as the exchanges do.

Inside the venue a price is an integer in units of the instrument's last decimal place and a quantity
an integer in units of 10^-8; this module turns those into wire text and back. Nothing here rounds.
"""

import json
from datetime import UTC, datetime, timedelta

QTY_DECIMALS = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def compact(body: object) -> str:
    """Write JSON without spaces."""
    return json.dumps(body, separators=(",", ":"))


def fixed(value: int, decimals: int) -> str:
    """Write a scaled integer with exactly ``decimals`` places."""
    if decimals == 0:
        return str(value)
    whole, part = divmod(value, 10**decimals)
    return f"{whole}.{part:0{decimals}d}"


def scaled(text: str, decimals: int) -> int:
    """Read a plain decimal text as an integer in units of 10^-``decimals``.

    Raises:
        ValueError: the text has more digits than that.
    """
    whole, _, part = text.partition(".")
    if part[decimals:].strip("0"):
        raise ValueError(f"expected at most {decimals} decimals, received {text!r}")
    return int(whole + part[:decimals].ljust(decimals, "0"))


def rescale(value: int, decimals: int, *, wanted: int) -> str:
    """Write a value of ``decimals`` places with ``wanted`` places, cut towards zero."""
    if decimals > wanted:
        return fixed(value // 10 ** (decimals - wanted), wanted)
    return fixed(value * 10 ** (wanted - decimals), wanted)


def trimmed(value: int, decimals: int) -> str:
    """Write a scaled integer without trailing zeros."""
    text = fixed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def iso_micros(nanos: int) -> str:
    """Write wall nanoseconds as ISO 8601 in UTC with six places and a ``Z``."""
    moment = _EPOCH + timedelta(microseconds=nanos // 1_000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def iso_nanos(text: str) -> int:
    """Read an ISO 8601 time in UTC, exact to the microsecond, as nanoseconds."""
    moment = datetime.fromisoformat(text)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000
