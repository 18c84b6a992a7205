"""Read JSON numbers from their text into ``Decimal``, and write them digit for digit.

Never through ``float``. Written numbers carry no exponent. Limits are checked before any arithmetic
(an exponent of a million would cost gigabytes), so strange input fails fast.
"""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache, partial
from json.encoder import encode_basestring
from typing import Any, NamedTuple


class JsonBounds(NamedTuple):
    """How long a number may be, and how large an object and a whole text."""

    digits: int
    """Significant ones."""
    exponent: int
    """Decimal places, and zeros that an exponent stands for."""
    text: int
    """Characters."""
    members: int
    """Of one JSON object."""
    values: int
    """In the whole text, told by its commas before anything is read."""


SENT = JsonBounds(digits=30, exponent=18, text=64, members=100, values=100_000_000)
"""What a caller may send."""
TOLD = JsonBounds(digits=150, exponent=60, text=256, members=1_000_000, values=100_000_000)
"""What a server works out of that: a product has the digits of all its factors."""


_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?0*[0-9]{1,4})?")
"""What ``Decimal`` is asked to read: for anything else, or a huge exponent, it has an error of its own."""


_HALF = re.compile("[\ud800-\udfff]")
_NOT_ENCODABLE = "no text that UTF-8 can write: it has half of a surrogate pair"


class InexactNumber(ValueError):
    """A number outside the accepted bounds, or not a number at all (NaN, Infinity)."""


class Unread:
    """Stands for a value that ``loads`` could not take, so that its field can be named."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why
        """What was expected, in words."""


class UnreadText(Unread):
    """The same for a text."""

    __slots__ = ()


def parse_decimal(text: str, bounds: JsonBounds = SENT) -> Decimal:
    """Read a decimal exactly.

    Args:
        text: ASCII digits with an optional sign, point and exponent; no spaces, no underscores.
        bounds: by default 30 significant digits and an exponent within ±18.

    Raises:
        InexactNumber: out of bounds, minus zero, or no number.
    """
    if len(text) > bounds.text or not _PLAIN.fullmatch(text):
        raise InexactNumber(f"expected a decimal number of at most {bounds.digits} digits, got {text[:40]!r}")
    return check_decimal(Decimal(text), bounds)


def check_decimal(value: Decimal, bounds: JsonBounds = SENT) -> Decimal:
    """Give ``value`` back if it is finite and within the bounds.

    Raises:
        InexactNumber: see ``parse_decimal``.
    """
    if not value.is_finite():
        raise InexactNumber(f"expected a finite number, got {value}")
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    if len(digits) <= bounds.digits and -bounds.exponent <= exponent <= 0 and not (sign and not value):
        return value  # as nearly every number is: what follows could not refuse it
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


def loads(data: bytes | str, bounds: JsonBounds = SENT, *, mark: bool = False) -> Any:
    """Read JSON; integers stay ``int``, every other number becomes an exact ``Decimal``.

    Args:
        data: the text.
        bounds: ``TOLD`` for what a server says.
        mark: leave an ``Unread`` where a number is out of bounds, or a text is none that UTF-8 can write: no
            field takes it.

    Raises:
        ValueError: not JSON (``json.JSONDecodeError``), not UTF-8, a repeated key, too many of them or of all
            values, nested too deeply, a number out of bounds (``InexactNumber``), or half of a surrogate
            pair.
    """
    text = data if isinstance(data, str) else data.decode(json.detect_encoding(data), "surrogatepass")
    if text.count(",") >= bounds.values:
        raise ValueError(f"expected at most {bounds.values:,} values in all, got {text.count(',') + 1:,}")
    try:
        read = _reader(bounds, mark).decode(text)
        return _whole_texts(read, mark) if "\\u" in text or not text.isascii() else read
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None


def dumps(value: Any) -> bytes:
    """Write plain values (dict, list, tuple, str, int, bool, None, Decimal) as compact UTF-8 JSON."""
    return _written(value).encode()


def format_decimal(value: Decimal) -> str:
    """Write a decimal with all its digits and no exponent."""
    return format(value, "f")


def _lowest_exponent(digits: tuple[int, ...], exponent: int) -> int:
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return exponent + trailing if any(digits) else 0


@cache
def _reader(bounds: JsonBounds, mark: bool) -> json.JSONDecoder:
    """Made once: it is made of hooks, and to make it costs as much as to read a short text."""
    parse: list[Callable[[str], Any]] = [
        partial(parse_decimal, bounds=bounds),
        partial(_parse_int, bounds=bounds),
        _refuse_constant,
    ]
    real, whole, constant = map(_marking, parse) if mark else parse
    return json.JSONDecoder(
        parse_float=real,
        parse_int=whole,
        parse_constant=constant,
        object_pairs_hook=partial(_unique_keys, bounds=bounds),
    )


def _whole_texts(value: Any, mark: bool) -> Any:
    """The same with no half of a surrogate pair anywhere: neither a database nor a socket can take one."""
    if isinstance(value, dict):
        for key in value:
            if not is_encodable(key):
                raise ValueError(f"the name of a member is {_NOT_ENCODABLE}")
        return {key: _whole_texts(item, mark) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_texts(item, mark) for item in value]
    if not isinstance(value, str) or is_encodable(value):
        return value
    if not mark:
        raise ValueError(f"a text is {_NOT_ENCODABLE}")
    return UnreadText("expected text that UTF-8 can write, got half of a surrogate pair")


def is_encodable(text: str) -> bool:
    """Whether UTF-8 can write a text: it has no half of a surrogate pair."""
    return text.isascii() or not _HALF.search(text)


def _marking(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    def marked(text: str) -> Any:
        try:
            return parse(text)
        except InexactNumber as error:
            return Unread(str(error))

    return marked


def _parse_int(text: str, bounds: JsonBounds) -> int | Decimal:
    if len(text) > bounds.digits + 1:
        raise InexactNumber(f"expected at most {bounds.digits} digits, got {text[:40]!r}")
    if text == "-0":
        raise InexactNumber("expected a number, got minus zero")
    return int(text)


def _refuse_constant(text: str) -> Any:
    raise InexactNumber(f"expected a finite number, got {text}")


def _unique_keys(pairs: list[tuple[str, Any]], bounds: JsonBounds) -> dict[str, Any]:
    if len(pairs) > bounds.members:  # each unknown one would be an error of its own, and cost as much
        raise ValueError(f"expected at most {bounds.members} members in one object, got {len(pairs)}")
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is repeated in one object")
    return made


def _written(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is Decimal:
        return format_decimal(value)
    if kind is dict:
        return "{" + ",".join([f"{encode_basestring(key)}:{_written(value[key])}" for key in value]) + "}"
    if kind is list or kind is tuple:
        return "[" + ",".join(map(_written, value)) + "]"
    return _written_rarer(value)


def _written_rarer(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, str):
        return encode_basestring(str(value))
    if isinstance(value, Decimal):
        return format_decimal(value)
    if isinstance(value, Mapping | list | tuple):
        return _written(dict(value) if isinstance(value, Mapping) else list(value))
    raise TypeError(f"cannot write {type(value).__name__} as exact JSON")
