"""Take a message of protobuf apart: numbers of fields and their values, untouched. Pure, no schema.

Of its types only those are needed that MEXC's messages have: whole numbers, and what has a length (texts and
messages within). The library for it would bring generated code and a binary for a few fields.
Encoding: https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Never

from twap_server.domain.market.errors import WireFormatError

Value = int | bytes

_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5
_FIXED: Final = {_EIGHT: 8, _FOUR: 4}
_MOST_BYTES: Final = 10
"""Of a whole number."""


class Message:
    """The fields of one message; a field that is not there is empty, as protobuf has it."""

    __slots__ = ("_fields",)

    def __init__(self, raw: bytes) -> None:
        """Raises: WireFormatError: it breaks off, or has a type that is no more in use."""
        self._fields: dict[int, list[Value]] = {}
        for number, value in _fields(raw):
            self._fields.setdefault(number, []).append(value)

    @property
    def numbers(self) -> Mapping[int, Sequence[Value]]:
        """What is there, by the fields' numbers."""
        return self._fields

    def text(self, number: int) -> str:
        """The last text of a field; empty where there is none."""
        found = self._fields.get(number, [b""])[-1]
        try:
            return str(found, "utf-8") if isinstance(found, bytes) else _refuse()
        except UnicodeDecodeError:
            return _refuse()

    def whole(self, number: int) -> int:
        """The last whole number of a field; 0 where there is none."""
        found = self._fields.get(number, [0])[-1]
        return found if isinstance(found, int) else _refuse()

    def messages(self, number: int) -> list["Message"]:
        """All messages of a field."""
        return [Message(one) if isinstance(one, bytes) else _refuse() for one in self._fields.get(number, ())]


def _refuse() -> Never:
    raise WireFormatError("a field has another type")


def _fields(raw: bytes) -> Iterator[tuple[int, Value]]:
    at, end = 0, len(raw)
    while at < end:
        key, at = _varint(raw, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(raw, at)
            yield number, value
            continue
        size = _FIXED.get(kind, -1)
        if kind == _SIZED:
            size, at = _varint(raw, at)
        if not number or not 0 <= size <= end - at:
            raise WireFormatError("a message of protobuf breaks off, or has an unknown type")
        yield number, raw[at : at + size]
        at += size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A whole number and where it ends: seven bits a byte, the lowest first."""
    value = 0
    for place, byte in enumerate(raw[at : at + _MOST_BYTES]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise WireFormatError("a message of protobuf breaks off within a number")
