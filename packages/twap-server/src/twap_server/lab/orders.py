"""Read an order of the lab: a body of ``POST /orders``, by the model that the API reads it with."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from twap_models.orders import StrategyOrderRequest
from twap_models.plain_words import field_of, plain
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
        said = f"{key} is missing" if wrong["type"] == "missing" else f"{key}: {_said(wrong)}"
        raise InvalidRequest(said, field=key) from None


def _said(wrong: Mapping[str, Any]) -> str:
    if wrong["type"] == "extra_forbidden":
        return "an order has no such field"
    return plain(wrong["msg"])
