"""JSON in and out without ``float``: FastAPI's own reading and writing would round numbers.

``ExactRoute`` makes a route read its body with ``exact_json``; ``reply`` writes models with it.
"""

import re
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from msgspec import Raw
from msgspec.json import Encoder

from twap_models import exact_json
from twap_models.base import WireModel

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
Plain: TypeAlias = dict[str, Any]
"""One item as JSON has it, its exact numbers written already (``number``)."""

_encode = Encoder().encode
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


def read_json(data: bytes) -> Any:
    """Read a body exactly.

    Raises:
        HTTPException: 400 when it is not JSON, 422 when a number is outside the accepted bounds.
    """
    try:
        return exact_json.loads(data)
    except exact_json.InexactNumber as error:
        raise HTTPException(422, str(error)) from None
    except ValueError as error:
        raise HTTPException(400, f"the body is not JSON this server reads: {error}") from None


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
        """Read the body.

        Raises:
            HTTPException: see ``read_json``.
        """
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
    if isinstance(body, WireModel):
        return body.to_json()
    if body and isinstance(body[0], WireModel):
        return exact_json.dumps([item.to_wire() for item in body if isinstance(item, WireModel)])
    return _encode(body)
