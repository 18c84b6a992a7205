"""Let FastAPI match and document a route, but read its requests ourselves, which is faster.

FastAPI solves the parameters of a route anew for each request, one dependency after another; for a submission
that takes longer than to decide and record the order. In: a request. Out: what the endpoint answers, or the
same refusals as everywhere: not signed in, no JSON, a field that is wrong.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from inspect import get_annotations
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter

from twap_server.api.auth.access import permit
from twap_server.api.http.exact_json import ExactRoute, Handler, checked, read_json
from twap_server.api.routers.dependencies import credential_of, identify, scopes_of
from twap_server.api.services import Services

_SHORT = 16_384
"""Bytes that are read in about a millisecond: some hundred orders."""


class DirectRoute(ExactRoute):
    """For endpoints whose parameters are ``services``, ``caller`` and ``body``, and no others.

    ``caller`` names one scope, as ``TraderDep`` does.
    """

    def get_route_handler(self) -> Handler:
        """Read caller and body as FastAPI would, and call the endpoint."""
        parameters = get_annotations(self.endpoint)
        if set(parameters) != {"services", "caller", "body", "return"}:
            raise TypeError(f"{self.endpoint.__name__}: expected the parameters services, caller and body")
        shape: TypeAdapter[Any] = TypeAdapter(parameters["body"])
        (needed,) = scopes_of(parameters["caller"])

        async def handler(request: Request) -> Response:
            services: Services = request.app.state.services
            caller = await identify(request, services, credential_of(request))
            permit(caller, needed)
            async with _turn_to_read(services, caller.user_id, size=len(await request.body())):
                body = checked(shape, await _read(request))
            answer: Response = await self.endpoint(services=services, caller=caller, body=body)
            return answer

        return handler


@asynccontextmanager
async def _turn_to_read(services: Services, user_id: str, *, size: int) -> AsyncIterator[None]:
    """Long lists are read one at a time, by turns of their users; slices that are due come in between.

    Raises:
        EngineBusy: too many wait already.
    """
    if size <= _SHORT:
        yield
        return
    async with services.lists.take(user_id):
        try:
            yield
        finally:
            await asyncio.sleep(0)


async def _read(request: Request) -> Any:
    """The body as JSON values; as bytes, which no shape takes, where the request does not call it JSON."""
    data = await request.body()
    if not data:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required"}])
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    return read_json(data) if is_json else data
