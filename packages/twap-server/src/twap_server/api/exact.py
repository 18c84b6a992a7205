"""JSON in and out without ``float``: FastAPI's own reading and writing would round numbers.

``ExactRoute`` makes a route read its body with ``exact_json``; ``reply`` writes models with it.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeAlias

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

from twap_models import exact_json
from twap_models.base import WireModel

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
Plain: TypeAlias = Mapping[str, Any]
"""One model as ``to_wire`` gives it."""


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
    """A request whose ``json()`` is exact."""

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
    """Write a model or a list of models (or of what they would give), digit for digit."""
    plain = _plain(body) if isinstance(body, WireModel) else [_plain(item) for item in body]
    return Response(exact_json.dumps(plain), status, headers=dict(headers or {}), media_type=media_type)


def _plain(item: WireModel | Plain) -> Plain:
    return item.to_wire() if isinstance(item, WireModel) else item
