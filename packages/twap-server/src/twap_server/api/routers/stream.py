"""``/ws``: who may open it. What happens then is in ``session.py``.

A plain ASGI route: what FastAPI puts around a WebSocket function lives as long as the connection, and costs
some kilobytes of each of thousands.
"""

from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from twap_server.api.parts import Services
from twap_server.api.session import Session


def stream_route(services: Services) -> WebSocketRoute:
    """The route that serves each client, unless a foreign page opened it or there is no room."""
    return WebSocketRoute("/ws", _Stream(services))


class _Stream:
    """An object, for Starlette wraps functions."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        status = refused_with(socket, self._services)
        if status:
            headers = {"Retry-After": "5"} if status == 503 else {}
            await socket.send_denial_response(Response(status_code=status, headers=headers))
            return
        await socket.accept()
        await Session(socket, self._services).run(credential_of(socket))


def refused_with(socket: WebSocket, services: Services) -> int:
    """The status that refuses an upgrade; 0 when it is welcome."""
    sessions, config = services.parts.sessions, services.parts.config
    if not origin_allowed(socket, config.allowed_origins):
        return 403
    full = len(sessions) >= config.stream.max_connections
    return 503 if full or sessions.closing else 0


def origin_allowed(socket: WebSocket, allowed: tuple[str, ...]) -> bool:
    """Browsers say which page opens a socket: ours and the listed ones may, programs say nothing and may."""
    origin = socket.headers.get("origin")
    if origin is None or origin in allowed:
        return True
    return urlsplit(origin).netloc.lower() == socket.headers.get("host", "").lower()


def credential_of(socket: WebSocket) -> str | None:
    """What the upgrade carried: a bearer token or an API key; never the URL. Empty counts as wrong."""
    header = socket.headers.get("authorization")
    if header is None:
        return socket.headers.get("x-api-key")
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
