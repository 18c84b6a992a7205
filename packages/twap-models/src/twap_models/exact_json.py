"""JSON whose numbers are exact: read into ``Decimal`` from the text, written digit for digit.

Never through ``float``. Written numbers carry no exponent. Limits are checked before any arithmetic
(an exponent of a million would cost gigabytes), so strange input fails fast.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

MAX_DIGITS = 30
MAX_EXPONENT = 18
_MAX_NUMBER_TEXT = 64


class InexactNumber(ValueError):
    """A number outside the accepted bounds, or not a number at all (NaN, Infinity)."""


def parse_decimal(text: str) -> Decimal:
    """Read a decimal exactly.

    Args:
        text: ASCII digits with an optional sign, point and exponent; no spaces, no underscores.

    Raises:
        InexactNumber: more than 30 significant digits, an exponent beyond ±18, minus zero, or no number.
    """
    if len(text) > _MAX_NUMBER_TEXT or not text.isascii() or not _is_plain(text):
        raise InexactNumber(f"expected a decimal number of at most {MAX_DIGITS} digits, got {text[:40]!r}")
    return check_decimal(Decimal(text))


def check_decimal(value: Decimal) -> Decimal:
    """Give ``value`` back if it is finite and within the bounds of the wire.

    Raises:
        InexactNumber: see ``parse_decimal``.
    """
    if not value.is_finite():
        raise InexactNumber(f"expected a finite number, got {value}")
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    significant = len("".join(map(str, digits)).strip("0")) or 1
    if (
        significant > MAX_DIGITS
        or not -MAX_EXPONENT <= value.adjusted() <= MAX_DIGITS
        or exponent > MAX_EXPONENT
    ):
        raise InexactNumber(
            f"expected at most {MAX_DIGITS} significant digits and an exponent within ±{MAX_EXPONENT}"
        )
    if _lowest_exponent(digits, exponent) < -MAX_EXPONENT:
        raise InexactNumber(f"expected at most {MAX_EXPONENT} decimal places")
    if sign and not value:
        raise InexactNumber("expected a number, got minus zero")
    return value


def loads(data: bytes | str) -> Any:
    """Read JSON; integers stay ``int``, every other number becomes an exact ``Decimal``.

    Raises:
        ValueError: not JSON (``json.JSONDecodeError``), not UTF-8, a repeated key, nested too deeply, or a
            number out of bounds (``InexactNumber``).
    """
    try:
        return json.loads(
            data,
            parse_float=parse_decimal,
            parse_int=_parse_int,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None


def dumps(value: Any) -> bytes:
    """Write plain values (dict, list, tuple, str, int, bool, None, Decimal) as compact UTF-8 JSON."""
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts).encode()


def format_decimal(value: Decimal) -> str:
    """Write a decimal with all its digits and no exponent."""
    return format(value, "f")


def _is_plain(text: str) -> bool:
    return (
        bool(text)
        and not text.isspace()
        and set(text) <= set("0123456789+-.eE")
        and any(map(str.isdigit, text))
    )


def _lowest_exponent(digits: tuple[int, ...], exponent: int) -> int:
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return exponent + trailing if any(digits) else 0


def _parse_int(text: str) -> int | Decimal:
    if len(text) > MAX_DIGITS + 1:
        raise InexactNumber(f"expected at most {MAX_DIGITS} digits, got {text[:40]!r}")
    if text == "-0":
        raise InexactNumber("expected a number, got minus zero")
    return int(text)


def _refuse_constant(text: str) -> Any:
    raise InexactNumber(f"expected a finite number, got {text}")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is repeated in one object")
    return made


def _write(value: Any, put: Any) -> None:
    match value:
        case None:
            put("null")
        case bool():
            put("true" if value else "false")
        case str():
            put(encode_basestring(str(value)))
        case int():
            put(int.__repr__(value))
        case Decimal():
            put(format_decimal(value))
        case Mapping():
            _write_object(value, put)
        case list() | tuple():
            _write_array(value, put)
        case _:
            raise TypeError(f"cannot write {type(value).__name__} as exact JSON")


def _write_object(value: Mapping[str, Any], put: Any) -> None:
    opening = "{"
    for key, item in value.items():
        put(f"{opening}{encode_basestring(key)}:")
        _write(item, put)
        opening = ","
    put("{}" if opening == "{" else "}")


def _write_array(value: list[Any] | tuple[Any, ...], put: Any) -> None:
    opening = "["
    for item in value:
        put(opening)
        _write(item, put)
        opening = ","
    put("[]" if opening == "[" else "]")
