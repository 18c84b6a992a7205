"""``/ws``: who may open it. What happens then is in ``session.py``."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Response
from starlette.websockets import WebSocket

from twap_server.api.parts import Services
from twap_server.api.session import Session

router = APIRouter()


@router.websocket("/ws")
async def stream(socket: WebSocket) -> None:
    """Serve one client, unless a foreign page opened it or there is no room."""
    services: Services = socket.app.state.services
    status = refused_with(socket, services)
    if status:
        headers = {"Retry-After": "5"} if status == 503 else {}
        await socket.send_denial_response(Response(status_code=status, headers=headers))
        return
    await socket.accept()
    await Session(socket, services).run(credential_of(socket))


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
