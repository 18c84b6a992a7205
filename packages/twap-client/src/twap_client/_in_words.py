"""Say in words what is wrong with a value, where pydantic says it for programmers of models."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from twap_client.errors import InvalidValue


@contextmanager
def in_words() -> Iterator[None]:
    """Around the making of a model: a wrong value is told with its field and what was expected.

    Raises:
        InvalidValue: instead of ``pydantic.ValidationError``; it shows no secret.
    """
    try:
        yield
    except ValidationError as error:
        found = error.errors(include_url=False)
        told = [": ".join(filter(None, [_path(one["loc"]), _expected(dict(one))])) for one in found]
        raise InvalidValue("; ".join(told), field=_path(found[0]["loc"])) from None


def _path(where: Sequence[object]) -> str:
    """``scopes[0]`` of ``("scopes", 0)``."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in where]
    return "".join(parts).removeprefix(".")


def _expected(wrong: dict[str, Any]) -> str:
    bounds: dict[str, Any] = wrong.get("ctx", {})
    match wrong["type"]:
        case "enum" | "literal_error":
            return f"expected {str(bounds['expected']).replace(chr(39), '')}, got {wrong['input']!r:.60}"
        case "string_too_short":
            return f"expected at least {bounds['min_length']} characters, got {len(wrong['input'])}"
        case "string_too_long":
            return f"expected at most {bounds['max_length']} characters, got {len(wrong['input'])}"
        case "string_pattern_mismatch":
            return "expected printable characters on one line"
        case "value_error":
            return str(wrong["msg"]).removeprefix("Value error, ")
        case _:
            said = str(wrong["msg"])
            return f"{said[:1].lower()}{said[1:]}".replace("input should be", "expected")
