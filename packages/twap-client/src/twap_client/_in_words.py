"""Say in words what is wrong with a value, where pydantic says it for programmers of models."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from twap_client.errors import InvalidValue
from twap_models import FieldError
from twap_models.plain_words import field_of, nearest_of, plain

Wrong = Mapping[str, Any]
"""One of ``ValidationError.errors()``."""


def _with_what_came(wrong: Wrong) -> str:
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
        case _:
            return plain(str(wrong["msg"]))


def as_the_server(wrong: Wrong) -> str:
    """What the server answers of the same value."""
    return plain(str(wrong["msg"]))


@contextmanager
def in_words(say: Callable[[Wrong], str] = _with_what_came, *, within: str = "") -> Iterator[None]:
    """Around the making of a model: a wrong value is told with its field and what was expected.

    Args:
        say: what is told of a value.
        within: where the model stands in what was given, such as ``[1]``.

    Raises:
        InvalidValue: instead of ``pydantic.ValidationError``; it shows no secret.
    """
    try:
        yield
    except ValidationError as error:
        told = [_told(one, say, within) for one in error.errors(include_url=False)]
        raise InvalidValue.of(told) from None


def _told(wrong: Wrong, say: Callable[[Wrong], str], within: str) -> FieldError:
    field = ".".join(filter(None, [within, field_of(wrong)]))
    return FieldError(field=field, message=say(wrong), nearest=nearest_of(wrong))
