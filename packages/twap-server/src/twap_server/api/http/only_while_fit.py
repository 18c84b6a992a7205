"""Serve nobody while the server itself is known to be wrong, by its clock for instance.

What is wrong with it would be wrong in each answer. So who asks is told to ask again; how the server is,
anybody may still ask.
"""

from collections.abc import Callable
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from twap_models.enums import ErrorCode
from twap_server.api.http.behind_proxy import path_of
from twap_server.api.http.problems import problem

_HOW_IT_IS: Final = ("/health", "/ready", "/metrics")
_LATER: Final = {"Retry-After": "5"}


class OnlyWhileFit:
    """Around the routes."""

    def __init__(self, app: ASGIApp, *, unfit: Callable[[], str]) -> None:
        """Args: unfit: why nobody can be served now; empty: everybody can."""
        self._app, self._unfit = app, unfit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or stream, or say why not."""
        why = self._unfit() if scope["type"] in ("http", "websocket") else ""
        if not why or path_of(scope) in _HOW_IT_IS:
            await self._app(scope, receive, send)
            return
        refusal = problem(HTTPConnection(scope), ErrorCode.UNAVAILABLE, why, headers=_LATER)
        if scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await WebSocket(scope, receive, send).send_denial_response(refusal)
