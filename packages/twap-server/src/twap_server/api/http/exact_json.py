"""Read and write JSON without ``float``: FastAPI's own way would round numbers.

``ExactRoute`` makes a route read its body with ``exact_json``; ``reply`` writes models with it.
"""

import re
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from msgspec import Raw
from msgspec.json import Encoder
from pydantic import TypeAdapter, ValidationError

from twap_models import exact_json
from twap_models.base import WireModel

T = TypeVar("T")
Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
Plain: TypeAlias = dict[str, Any]
"""One item as JSON has it, its exact numbers written already (``number``)."""

_encode = Encoder().encode
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")

_BODY = exact_json.SENT._replace(values=25_000)
"""A list of a thousand orders with all their fields has 17,000 values."""


class Unreadable:
    """Stands for a body that is not JSON: no shape takes it, and the answer to that is 400."""

    def __init__(self, why: str) -> None:
        self.why = why
        """What is wrong, in words."""


def read_json(data: bytes) -> Any:
    """Read a body exactly; what cannot be read becomes a value that no field takes, so that it is named.

    ``Unreadable`` in place of the whole, ``exact_json.Unread`` in place of a number that is out of bounds.
    """
    try:
        return exact_json.loads(data, _BODY, mark=True)
    except ValueError as error:
        return Unreadable(f"the body is not JSON this server reads: {error}")


def checked(shape: TypeAdapter[T], body: Any) -> T:
    """Give a body its shape, as FastAPI would.

    Raises:
        RequestValidationError: it has another.
    """
    try:
        return shape.validate_python(body, from_attributes=True)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in found]) from None


class ExactRequest(Request):
    """A request whose ``json()`` is exact, and whose ``form()`` is UTF-8.

    Not every program percent-encodes a form (``curl -d password=grün`` does not), and Starlette takes such
    bytes for Latin-1.
    """

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Read the body in parts; of a form, percent-encode what the sender left as it was."""
        is_form = self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        async for part in super().stream():
            yield _BEYOND_ASCII.sub(_percent_encoded, part) if is_form else part

    async def json(self) -> Any:
        """Read the body; see ``read_json``."""
        return read_json(await self.body())


class ExactRoute(APIRoute):
    """A route whose JSON body never passes through ``float``."""

    def get_route_handler(self) -> Handler:
        """Hand FastAPI's own handler an ``ExactRequest``."""
        handler = super().get_route_handler()

        async def exact_handler(request: Request) -> Response:
            return await handler(ExactRequest(request.scope, request.receive))

        return exact_handler


def reply(
    body: WireModel | Sequence[WireModel] | Sequence[Plain],
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """Write a model, or a list of models or of ``Plain`` items, digit for digit."""
    return Response(written(body), status, headers=dict(headers or {}), media_type=media_type)


def number(value: Decimal | None) -> Raw | None:
    """A number of a ``Plain`` item: all digits, no exponent."""
    return None if value is None else Raw(exact_json.format_decimal(value).encode())


def _percent_encoded(byte: re.Match[bytes]) -> bytes:
    return b"%%%02X" % byte[0][0]


def written(body: WireModel | Sequence[WireModel] | Sequence[Plain]) -> bytes:
    """The body of ``reply``."""
    if isinstance(body, WireModel):
        return body.to_json()
    if body and isinstance(body[0], WireModel):
        return exact_json.dumps([item.to_wire() for item in body if isinstance(item, WireModel)])
    return _encode(body)
