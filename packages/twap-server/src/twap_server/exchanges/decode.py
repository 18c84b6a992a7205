"""Decode bytes to typed values: every wrong shape becomes a WireFormatError, no number loses a digit."""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from twap_models.exact_json import SENT
from twap_server.domain import clock
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.exact import ONE, ZERO, can_be_said, multiply
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import Candle, TextLevel

T = TypeVar("T")

WRONG_SHAPE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What a msgspec decoder raises on bytes that are not what its type says."""

UNREADABLE = (*WRONG_SHAPE, WireFormatError)
"""The same, and what the functions here raise."""

_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode
_decode_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_entries = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode

_GZIP = b"\x1f\x8b"
_MAX_TEXT = 60
_SURE = 19
"""Characters that are within the bounds of the wire, wherever the point is."""
_MAX_PLACES = 30
"""More decimals than the server can say: such a grid is told as unusable where it is checked."""


def unpacked(raw: bytes | str, *, most: int) -> bytes | str:
    """Unpack a frame of gzip, to ``most`` bytes; one that is not packed stays as it is.

    Raises:
        WireFormatError: it is damaged, breaks off, or is larger.
    """
    if isinstance(raw, str) or not raw.startswith(_GZIP):
        return raw
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        told = unpacker.decompress(raw, most)
    except zlib.error:
        raise WireFormatError("a packed frame is damaged") from None
    if not unpacker.eof or unpacker.unused_data:
        raise WireFormatError("a packed frame breaks off, or is too large")
    return told


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


def envelope(raw: bytes | str | msgspec.Raw | None) -> Mapping[str, msgspec.Raw] | None:
    """Read the outermost fields of a JSON object, their values untouched; None where it is none.

    For frames that are not what was expected: what can still be read says whom they concern.
    """
    try:
        return None if raw is None else _decode_envelope(raw)
    except WRONG_SHAPE:
        return None


def entries_of(raw: msgspec.Raw | None) -> Sequence[msgspec.Raw] | None:
    """Split a JSON array, its entries untouched; None where it is none."""
    try:
        return None if raw is None else _decode_entries(raw)
    except WRONG_SHAPE:
        return None


def text_of(raw: msgspec.Raw | None) -> str | None:
    """Read a JSON text; None where it is something else."""
    try:
        return None if raw is None else _decode_text(raw)
    except WRONG_SHAPE:
        return None


def number(text: str, *, signed: bool = False) -> Decimal:
    """Read a number that is zero or more, exactly.

    Args:
        text: as the exchange wrote it.
        signed: take any up to 60 digits, below zero too: whoever uses it judges it.

    Raises:
        WireFormatError: it is not a finite number, is negative, or beyond what the server can say exactly.
    """
    if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= _SURE:
        return Decimal(text)  # as nearly every number is written
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise WireFormatError("a number cannot be read") from None
    if len(text) > _MAX_TEXT or not text.isascii() or "_" in text or not _is_in_range(value, signed):
        raise WireFormatError("a number is out of range")
    return value


def in_base(text: str, multiplier: Decimal) -> Decimal:
    """Read a quantity that counts contracts, as base currency, exactly.

    Raises:
        WireFormatError: as ``number``; beyond what the server can say in base currency counts, too.
    """
    value = multiply(number(text), multiplier)
    if not can_be_said(value):
        raise WireFormatError("a quantity in base currency is out of range")
    return value


def check_contracts(levels: Iterable[TextLevel], multiplier: Decimal) -> None:
    """Check that levels whose quantities count contracts can be said in base currency.

    Raises:
        WireFormatError: one cannot.
    """
    _, digits, exponent = multiplier.as_tuple()
    shift = int(exponent)
    sure = min(SENT.exponent + min(0, shift), SENT.digits - len(digits) - max(0, shift))
    for _, quantity in levels:
        if len(quantity) > sure:  # hardly ever: so short a number has room for the digits of the product
            in_base(quantity, multiplier)


def whole(text: str) -> int:
    """Read a whole number that is zero or more, a time or an id.

    Raises:
        WireFormatError: it is none, or has too many digits.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= _SURE):
        raise WireFormatError("a whole number cannot be read")
    return int(text)


def step_of(places: int | None) -> Decimal:
    """The step of numbers with so many decimals; 0 where none can be told."""
    return ZERO if places is None or not 0 <= places <= _MAX_PLACES else Decimal(1).scaleb(-places)


def plain(text: str) -> str:
    """Write a number that is zero or more without an exponent, digit for digit: ``1e-8`` is ``0.00000001``.

    Raises:
        WireFormatError: as ``number``.
    """
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return text  # as nearly every number is written
    return format(number(text), "f")


def _is_in_range(value: Decimal, signed: bool) -> bool:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or not -_MAX_TEXT <= exponent <= _MAX_TEXT:
        return False
    return signed or can_be_said(value)


def from_epoch(number: int) -> Nanos:
    """Read a time that counts seconds, milli-, micro- or nanoseconds since the epoch: its digits tell which.

    Raises:
        WireFormatError: before 1970 or after 2261.
    """
    try:
        return clock.from_epoch(number)
    except ValueError:
        raise WireFormatError("a time is out of range") from None


def candle(open_time: int, figures: Iterable[str], *, seconds: int, multiplier: Decimal = ONE) -> Candle:
    """Make a candle of an exchange that tells neither its end nor whether it is closed.

    Args:
        open_time: as the exchange wrote it.
        figures: open, high, low, close and volume.
        seconds: its length.
        multiplier: base currency in one unit of its volume.

    Raises:
        WireFormatError: a figure or the time cannot be read.
    """
    opens = from_epoch(open_time)
    *prices, volume = figures
    first, high, low, last = map(number, prices)
    return Candle(
        open_time=opens,
        close_time=Nanos(opens + seconds * SECOND - MILLISECOND),
        open=first,
        high=high,
        low=low,
        close=last,
        volume=in_base(volume, multiplier),
        closed=False,
    )
