"""Define annotated field types: exact decimals as JSON numbers, UTC times, names, durations."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from twap_models.enums import BookStatus, ExchangeState, InstrumentKind, Scope, SliceReason
from twap_models.exact_json import SENT, TOLD, InexactNumber, JsonBounds, Unread, check_decimal, parse_decimal
from twap_models.iso_time import read_iso
from twap_models.names import exchange_name

_LENGTH = r"\d{1,9}(?:\.\d{1,9})?"
_DURATION = re.compile(
    rf"{_LENGTH}|(?:{_LENGTH}d)?(?:{_LENGTH}h)?(?:{_LENGTH}m)?(?:{_LENGTH}s)?(?:{_LENGTH}ms)?", re.ASCII
)
_PIECE = re.compile(rf"({_LENGTH})(ms|s|m|h|d)?", re.ASCII)
_UNIT_SECONDS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
_WIDE = Context(prec=TOLD.digits + TOLD.exponent)
_ONE = Decimal(1)
_RELATIVE = re.compile(r"\+(.+)")
HOW_TO_WRITE_ZONES = (
    "write datetime.now(timezone.utc), local.astimezone(), or text with an offset such as 2026-01-01T12:00Z"
)
"""What to do about a time without its zone, for messages."""


def _to_decimal(value: Any, bounds: JsonBounds = SENT) -> Decimal:
    if isinstance(value, bool):
        raise ValueError("expected a number, got a boolean")
    if isinstance(value, Decimal):
        return check_decimal(value, bounds)
    if isinstance(value, int):
        return check_decimal(Decimal(value), bounds)
    if isinstance(value, float):
        return parse_decimal(repr(value), bounds)
    if isinstance(value, str):
        return parse_decimal(value, bounds)
    if isinstance(value, Unread):
        raise InexactNumber(value.why)
    raise InexactNumber(f"expected a number or a decimal string, got {type(value).__name__}")


def parse_number(value: Any) -> Decimal:
    """Read what a ``Number`` is read from.

    Raises:
        ValueError: it is none, or has more digits than may be sent.
    """
    return _to_decimal(value)


def _to_told(value: Any) -> Decimal:
    return _to_decimal(value, TOLD)


def _to_figure(value: Any) -> Decimal:
    return shortened(_to_decimal(value, TOLD))


def shortened(exact: Decimal) -> Decimal:
    """The same number without zeros at the end of its decimals: a quotient has many."""
    if not int(exact.as_tuple().exponent) < 0:
        return exact
    short = exact.normalize(_WIDE)
    return short if int(short.as_tuple().exponent) < 0 else short.quantize(_ONE, context=_WIDE)


def parse_duration(value: Any) -> timedelta:
    """Read seconds (a number) or text such as ``90``, ``"5m"``, ``"1h30m"``, ``"250ms"``.

    Raises:
        ValueError: anything else, or longer than ten years.
    """
    if isinstance(value, timedelta):
        return value
    return _duration_of_text(value) if isinstance(value, str) else _duration(_to_decimal(value))


@lru_cache(maxsize=1_024)
def _duration_of_text(text: str) -> timedelta:
    """Remembered: callers write the same few, and each order's are read several times."""
    bare = text.strip()
    if bare.startswith("-") and _DURATION.fullmatch(bare[1:]):
        raise ValueError(f"expected a positive duration, such as '5m', got {text[:40]!r}")
    if not bare or _DURATION.fullmatch(bare) is None:
        raise ValueError(f"expected seconds or a duration such as '5m' or '1h30m', got {text[:40]!r}")
    return _duration(
        sum((Decimal(many) * _UNIT_SECONDS[unit or "s"] for many, unit in _PIECE.findall(bare)), Decimal(0))
    )


def _duration(seconds: Decimal) -> timedelta:
    if not 0 <= seconds <= 315_360_000:
        raise ValueError("expected a duration between 0 and ten years")
    return timedelta(microseconds=int(seconds * 1_000_000))


def _parse_time(value: Any) -> datetime | str:
    if isinstance(value, str):
        text = value.strip()
        relative = _RELATIVE.fullmatch(text)
        if relative:
            parse_duration(relative[1])
            return text
        return text if text == "now" else _parse_iso(text)
    if isinstance(value, datetime):
        return _of_aware(value)
    raise ValueError("expected an ISO 8601 time, 'now' or '+15m'")


def _of_aware(value: datetime) -> datetime:
    """A datetime comes from a program, where one without a zone means the zone of that machine, not UTC."""
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise ValueError(f"{value.isoformat()} has no zone: {HOW_TO_WRITE_ZONES}")
    try:
        return _as_utc(value)
    except OverflowError:
        raise ValueError(f"expected a time from year 1 to 9999 in UTC, got {value.isoformat()}") from None


def lacks_zone(value: object) -> bool:
    """Whether this is a time without its zone: a naive datetime, or text such as ``2026-01-01T12:00``."""
    if isinstance(value, str):
        try:
            value = read_iso(value.strip())
        except ValueError:
            return False
    return isinstance(value, datetime) and value.utcoffset() is None


def _parse_iso(text: str) -> datetime:
    try:
        return _as_utc(read_iso(text))
    except (ValueError, OverflowError):
        raise ValueError(f"expected an ISO 8601 time, 'now' or '+15m', got {text[:40]!r}") from None


def _as_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def format_time(value: datetime) -> str:
    """Write an aware time as ISO 8601 UTC with ``Z``.

    Raises:
        ValueError: it has no zone.
    """
    utc = value if value.tzinfo is UTC else _of_aware(value)
    return utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _to_utc(value: Any) -> datetime:
    parsed = _parse_time(value)
    if isinstance(parsed, str):
        raise ValueError("expected an ISO 8601 time")
    return parsed


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("expected a number above 0")
    return value


Amount = Decimal | int | str | float
"""What a ``Number`` is read from. A float is read through its ``repr``: 0.1 means one tenth."""

_NUMBER_SCHEMA = WithJsonSchema({"type": "number"})

Number = Annotated[Decimal, BeforeValidator(_to_decimal), _NUMBER_SCHEMA]
"""An exact decimal, a JSON number on the wire; a decimal string is accepted too."""

Figure = Annotated[Decimal, BeforeValidator(_to_figure), _NUMBER_SCHEMA]
"""A ``Number`` that a server worked out: a product may have more digits than what may be sent."""

Told = Annotated[Decimal, BeforeValidator(_to_told), _NUMBER_SCHEMA]
"""A ``Number`` that a server says: what it worked out may have more digits than what may be sent."""

_PRICE = Field(description="Quote currency per unit of base currency.", examples=[61837.63])
_QUANTITY = Field(description="Base currency.", examples=[0.5])

Price = Annotated[Number, _PRICE]
Quantity = Annotated[Number, _QUANTITY]
Supply = Annotated[
    Number,
    AfterValidator(_positive),
    Field(description="How much of the base currency exists.", examples=[19800000]),
]
ToldPrice = Annotated[Told, _PRICE]
ToldQuantity = Annotated[Told, _QUANTITY]

LARGEST_WHOLE = 2**63 - 1
"""What databases and programs in other languages can count to."""

Seq = Annotated[int, Field(ge=0, le=LARGEST_WHOLE)]
"""The number of an event; 0 is before the first."""

UtcDatetime = Annotated[
    datetime,
    BeforeValidator(_to_utc),
    PlainSerializer(format_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware time; on the wire ISO 8601 UTC with ``Z``. Text without an offset is UTC."""


def _write_moment(value: datetime | str) -> str:
    return value if isinstance(value, str) else format_time(value)


Moment = Annotated[
    datetime | str,
    BeforeValidator(_parse_time),
    PlainSerializer(_write_moment, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["now", "+15m", "2026-11-23T12:00:00Z"]}),
]
"""A time of a request: ISO 8601, ``now`` or ``+15m`` (from the server's clock at receipt).

Text without an offset is UTC. A ``datetime`` without a zone is refused: each machine reads another moment.
"""

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(
        lambda value: Decimal(value // timedelta(microseconds=1)) / 1_000_000, return_type=Decimal
    ),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}], "examples": [5, "5m"]}),
]
"""Seconds as a number, or text with a unit (ms, s, m, h, d)."""


def only(pattern: str, words: str) -> AfterValidator:
    """Take a text that the whole pattern fits; the refusal says in words what may stand in it."""
    fits = re.compile(pattern, re.ASCII).fullmatch

    def check(value: str) -> str:
        if not fits(value):
            raise ValueError(f"expected {words}, got {value[:40]!r}")
        return value

    return AfterValidator(check)


def _in_a_path(value: str) -> str:
    if value in (".", ".."):
        raise ValueError("expected more than . or .. alone, which lead elsewhere in an address (orders/..)")
    return value


ExchangeName = Annotated[
    str,
    AfterValidator(exchange_name),
    Field(
        min_length=1,
        max_length=32,
        json_schema_extra={"pattern": r"^([Cc][Cc][Xx][Tt]:)?[A-Za-z0-9_-]+$"},
        description="Lower case.",
        examples=["binance"],
    ),
    only(r"[A-Za-z0-9_-]+", "letters, digits, _ and -"),
]
SymbolText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=40,
        json_schema_extra={"pattern": r"^[^\x00-\x20\x7f]+$"},
        description="As you spell it: BTCUSDT, btc/usdt.",
    ),
    only(r"[^\x00-\x20\x7f]+", "characters without spaces, such as BTC-USDT"),
]
TokenId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        json_schema_extra={"pattern": r"^(?!\.\.?$)[A-Za-z0-9._:-]+$"},
        description="Client-chosen order id, unique per user for ever: the idempotency key of a submission.",
    ),
    only(r"[A-Za-z0-9._:-]+", "letters without accents, digits, and . _ : -"),
    AfterValidator(_in_a_path),
]

KnownSliceReason = Annotated[SliceReason | str, Field(union_mode="left_to_right")]
"""A ``SliceReason``, or the text of one that a newer server knows."""

KnownBookStatus = Annotated[BookStatus | str, Field(union_mode="left_to_right")]
"""A ``BookStatus``, or the text of one that a newer server knows."""

KnownExchangeState = Annotated[ExchangeState | str, Field(union_mode="left_to_right")]
"""An ``ExchangeState``, or the text of one that a newer server knows."""

KnownInstrumentKind = Annotated[InstrumentKind | str, Field(union_mode="left_to_right")]
"""An ``InstrumentKind``, or the text of one that a newer server knows."""

KnownScope = Annotated[Scope | str, Field(union_mode="left_to_right")]
"""A ``Scope``, or the text of one that a newer server knows."""
