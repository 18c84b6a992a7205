"""From bytes to typed values: every wrong shape becomes a WireFormatError, no number loses a digit."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.errors import WireFormatError

T = TypeVar("T")

WRONG_SHAPE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What a msgspec decoder raises on bytes that are not what its type says."""

_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode

_MAX_DIGITS = 60
_YEAR_3000 = 32_503_680_000


def decoder(shape: type[T]) -> Callable[[bytes | str], T]:
    """Build a JSON decoder of one type.

    The decoder raises:
        WireFormatError: the bytes are not JSON of that shape.
    """
    decode = msgspec.json.Decoder(shape).decode

    def checked(raw: bytes | str) -> T:
        try:
            return decode(raw)
        except WRONG_SHAPE:
            raise WireFormatError("a frame has an unexpected shape") from None

    return checked


def named_by(key: str) -> Callable[[int, msgspec.Raw], str]:
    """Name a JSON entry by the text under ``key``, or by its place where there is none."""

    def name(place: int, raw: msgspec.Raw) -> str:
        try:
            found = _decode_fields(raw).get(key)
        except WRONG_SHAPE:
            found = None
        return found if found and isinstance(found, str) else f"entry {place}"

    return name


def row_name(place: int, raw: msgspec.Raw) -> str:
    """Name a row of candles by how it begins, which is its time where that can be read."""
    return f"row {place} {bytes(raw)[:20]!r}"


def number(text: str) -> Decimal:
    """Read a number that is zero or more, exactly.

    Raises:
        WireFormatError: it is not a finite number, is negative, or is absurdly long.
    """
    if text.replace(".", "", 1).isdigit() and text.isascii() and len(text) <= _MAX_DIGITS:
        return Decimal(text)  # as nearly every number is written
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise WireFormatError("a number cannot be read") from None
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or value < 0 or not -_MAX_DIGITS <= exponent <= _MAX_DIGITS:
        raise WireFormatError("a number is out of range")
    if len(text) > _MAX_DIGITS or not text.isascii() or "_" in text:
        raise WireFormatError("a number is out of range")
    return value


def from_seconds(seconds: int) -> Nanos:
    """Turn whole seconds since the epoch into nanoseconds.

    Raises:
        WireFormatError: before 1970 or after 2999.
    """
    if not 0 <= seconds <= _YEAR_3000:
        raise WireFormatError("a time is out of range")
    return Nanos(seconds * SECOND)


def from_millis(millis: int) -> Nanos:
    """Turn milliseconds since the epoch into nanoseconds."""
    return Nanos(millis * MILLISECOND)
