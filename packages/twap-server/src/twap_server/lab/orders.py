"""Read an order of the lab: a body of ``POST /orders``, by the model that the API reads it with."""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from twap_models import exact_json
from twap_models.orders import StrategyOrderRequest
from twap_models.plain_words import field_of, plain
from twap_models.strategies import AUTO
from twap_server.domain.errors import InvalidRequest


def order_of(body: Mapping[str, Any], *, named: Callable[[str], str]) -> StrategyOrderRequest:
    """Check a body and give the order.

    Args:
        body: its fields; what is None is left out.
        named: how the caller knows a field, for messages.

    Raises:
        InvalidRequest: a field is wrong; names it as the caller knows it.
    """
    try:
        return StrategyOrderRequest.model_validate(
            {name: one for name, one in body.items() if one is not None}
        )
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        key = named(field_of(wrong))
        said = f"{key} is missing" if wrong["type"] == "missing" else f"{key}: {_said(wrong, body)}"
        raise InvalidRequest(said, field=key) from None


def value_of(name: str, text: str) -> Any:
    """Read what was given for a field as text: lists and tables as JSON, weights also behind commas.

    Raises:
        InvalidRequest: it is no JSON.
    """
    if text[:1] in ("[", "{"):
        try:
            return exact_json.loads(text)
        except ValueError:
            said = f"{name}: expected a list or table as JSON, got {text[:_SHOWN]!r}"
            raise InvalidRequest(said, field=name) from None
    return text.split(",") if name == _WEIGHTS and text != AUTO else text


def _said(wrong: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    if wrong["type"] == "extra_forbidden":
        return _with(did_you_mean(str(wrong["loc"][-1]), _FIELDS), "an order has no such field")
    said, given = plain(wrong["msg"]), wrong["input"]
    if given is body or "got " in said or isinstance(given, Mapping):
        return said
    meant = did_you_mean(given, _WORD.findall(said)) if isinstance(given, str) else ""
    return _with(meant, f"{said}, got {str(given)[:_SHOWN]!r}")


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Ask for the known name that is nearest; empty where none is near."""
    close = get_close_matches(wrong.lower(), list(known), n=1)
    return f"did you mean {close[0]}?" if close else ""


def _with(question: str, said: str) -> str:
    return f"{said}; {question}" if question else said


_FIELDS = tuple(StrategyOrderRequest.model_fields)
_WORD = re.compile("'([^']+)'")
_WEIGHTS = "volume_profile"
_SHOWN = 60
"""Characters of what was given."""
