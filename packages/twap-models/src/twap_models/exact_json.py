"""JSON whose numbers are exact: read into ``Decimal`` from the text, written digit for digit.

Never through ``float``. Written numbers carry no exponent. Limits are checked before any arithmetic
(an exponent of a million would cost gigabytes), so strange input fails fast.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from json.encoder import encode_basestring
from typing import Any, NamedTuple


class Bounds(NamedTuple):
    """How long a number may be."""

    digits: int
    """Significant ones."""
    exponent: int
    """Decimal places, and zeros that an exponent stands for."""
    text: int
    """Characters."""


SENT = Bounds(digits=30, exponent=18, text=64)
"""What a caller may send."""
TOLD = Bounds(digits=150, exponent=60, text=256)
"""What a server works out of that: a product has the digits of all its factors."""


class InexactNumber(ValueError):
    """A number outside the accepted bounds, or not a number at all (NaN, Infinity)."""


def parse_decimal(text: str, bounds: Bounds = SENT) -> Decimal:
    """Read a decimal exactly.

    Args:
        text: ASCII digits with an optional sign, point and exponent; no spaces, no underscores.
        bounds: by default 30 significant digits and an exponent within ±18.

    Raises:
        InexactNumber: out of bounds, minus zero, or no number.
    """
    if len(text) > bounds.text or not text.isascii() or not _is_plain(text):
        raise InexactNumber(f"expected a decimal number of at most {bounds.digits} digits, got {text[:40]!r}")
    return check_decimal(Decimal(text), bounds)


def check_decimal(value: Decimal, bounds: Bounds = SENT) -> Decimal:
    """Give ``value`` back if it is finite and within the bounds.

    Raises:
        InexactNumber: see ``parse_decimal``.
    """
    if not value.is_finite():
        raise InexactNumber(f"expected a finite number, got {value}")
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    significant = len("".join(map(str, digits)).strip("0")) or 1
    if (
        significant > bounds.digits
        or not -bounds.exponent <= value.adjusted() <= bounds.digits
        or exponent > bounds.exponent
    ):
        raise InexactNumber(
            f"expected at most {bounds.digits} significant digits and an exponent within ±{bounds.exponent}"
        )
    if _lowest_exponent(digits, exponent) < -bounds.exponent:
        raise InexactNumber(f"expected at most {bounds.exponent} decimal places")
    if sign and not value:
        raise InexactNumber("expected a number, got minus zero")
    return value


def loads(data: bytes | str, bounds: Bounds = SENT) -> Any:
    """Read JSON; integers stay ``int``, every other number becomes an exact ``Decimal``.

    Args:
        data: the text.
        bounds: of its numbers; ``TOLD`` for what a server says.

    Raises:
        ValueError: not JSON (``json.JSONDecodeError``), not UTF-8, a repeated key, nested too deeply, or a
            number out of bounds (``InexactNumber``).
    """
    try:
        return json.loads(
            data,
            parse_float=partial(parse_decimal, bounds=bounds),
            parse_int=partial(_parse_int, bounds=bounds),
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


def _parse_int(text: str, bounds: Bounds) -> int | Decimal:
    if len(text) > bounds.digits + 1:
        raise InexactNumber(f"expected at most {bounds.digits} digits, got {text[:40]!r}")
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
