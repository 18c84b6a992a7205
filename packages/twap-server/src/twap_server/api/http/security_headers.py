"""Add security headers for browsers to every answer; ``docs/security.md`` lists them."""

from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
DOCS_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the documentation: its own scripts and styles, and calls to this server."""
ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", _CSP.encode()),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Where the answer has none of its own."""
_OVER_TLS = (b"strict-transport-security", b"max-age=31536000")
_ANSWERS = ("http.response.start", "websocket.http.response.start")


class SecurityHeaders:
    """Plain ASGI, around everything that answers; only what a proxy says lies further out."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or stream."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        wanted = (*ALWAYS, _OVER_TLS) if scope.get("scheme") in ("https", "wss") else ALWAYS

        async def answer(message: Message) -> None:
            if message["type"] in _ANSWERS:
                message["headers"] = _completed(message.get("headers", ()), wanted)
            await send(message)

        await self._app(scope, receive, answer)


def _completed(
    own: Iterable[tuple[bytes, bytes]], wanted: Iterable[tuple[bytes, bytes]]
) -> list[tuple[bytes, bytes]]:
    headers = list(own)
    names = {name.lower() for name, _ in headers}
    return [*headers, *(pair for pair in wanted if pair[0] not in names)]
