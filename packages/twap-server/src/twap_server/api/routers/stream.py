"""Open ``/ws`` to clients that may have it; ``stream_session.py`` has what follows.

A plain ASGI route: what FastAPI puts around a WebSocket function lives as long as the connection, and costs
some kilobytes of each of thousands.
"""

from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from twap_models.enums import ErrorCode
from twap_server.api.http.connection_slots import Full
from twap_server.api.http.problems import problem
from twap_server.api.http.raw_answers import NO_ROOM
from twap_server.api.http.stream_slots import StreamSlot, StreamSlots
from twap_server.api.routers.stream_session import StreamSession
from twap_server.api.services import Services

_LATER = {"Retry-After": "5"}
_FOREIGN = (
    "a web page of another origin opened this: name its origin in the setting api.allowed_origins, if it may"
)


def stream_route(services: Services) -> WebSocketRoute:
    """The route that serves each client, unless a foreign page opened it or there is no room."""
    return WebSocketRoute("/ws", _Stream(services))


class _Stream:
    """An object, for Starlette wraps functions."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stream_slots = StreamSlots(services.config.stream, services.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        refusal = refused_with(socket, self._services)
        slot = None if refusal else self._stream_slots.take(socket.client.host if socket.client else "")
        if isinstance(slot, Full):
            status, code, detail = NO_ROOM[slot]
            refusal = problem(socket, code, detail, status=status, headers=_LATER)
        if refusal is not None or not isinstance(slot, StreamSlot):
            await socket.send_denial_response(refusal or Response(status_code=403))
            return
        try:
            await socket.accept()
            await StreamSession(socket, self._services, slot).run(credential_of(socket))
        finally:
            slot.leave()


def refused_with(socket: WebSocket, services: Services) -> Response | None:
    """The answer that refuses an upgrade, whoever has room; None when it is welcome."""
    if not origin_allowed(socket, services.config.allowed_origins):
        return problem(socket, ErrorCode.NOT_PERMITTED, _FOREIGN)
    if services.sessions.closing:
        return problem(socket, ErrorCode.UNAVAILABLE, "the server is stopping: come back", headers=_LATER)
    return None


def origin_allowed(socket: WebSocket, allowed: tuple[str, ...]) -> bool:
    """Browsers say which page opens a socket: ours and the listed ones may, programs say nothing and may."""
    origin = socket.headers.get("origin")
    if origin is None or origin in allowed:
        return True
    try:
        return urlsplit(origin).netloc.lower() == socket.headers.get("host", "").lower()
    except ValueError:  # no address at all
        return False


def credential_of(socket: WebSocket) -> str | None:
    """What the upgrade carried: a bearer token or an API key; never the URL. Empty counts as wrong."""
    header = socket.headers.get("authorization")
    if header is None:
        return socket.headers.get("x-api-key")
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
