"""Around every request: its id, security headers, body limits, counting, and the last net.

Plain ASGI: no buffering, WebSockets pass through untouched.
"""

import asyncio
import logging
import re
from secrets import token_hex

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twap_models.enums import ErrorCode
from twap_server.api.config import ApiConfig
from twap_server.api.errors import problem
from twap_server.api.metrics import Metrics

_log = logging.getLogger(__name__)
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_CSP = "default-src 'none'; frame-ancestors 'none'"
DOCS_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", _CSP.encode()),
)
"""Where the answer has none of its own."""


class RequestFrame:
    """The outermost layer of our own: only CORS and what a proxy says lie further out."""

    def __init__(self, app: ASGIApp, *, config: ApiConfig, metrics: Metrics) -> None:
        """Wrap ``app``."""
        self._app = app
        self._config = config
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; everything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = _id_of(scope)
        answer = _Answer(scope, send)
        try:
            most = _largest_body(scope, self._config)
            await self._serve(scope, _LimitedBody(receive, most, self._config).receive, answer, most)
        finally:
            self._metrics.count_request(scope, answer.status)

    async def _serve(self, scope: Scope, receive: Receive, answer: "_Answer", most: int) -> None:
        try:
            if _announced_length(scope) > most:
                refusal = problem(Request(scope), ErrorCode.BODY_TOO_LARGE, _too_large(most, self._config))
                await refusal(scope, receive, answer.send)
                return
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            pass  # nobody is left to be answered, and nothing went wrong here
        except Exception:
            _log.exception("request %s failed", scope["state"]["request_id"])
            if answer.status:
                raise
            refusal = problem(Request(scope), ErrorCode.INTERNAL, "something went wrong on our side")
            await refusal(scope, receive, answer.send)


class _Answer:
    """Adds headers to the answer and remembers its status (0 until it began)."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = message.get("headers", ())
            names = {name.lower() for name, _ in own}
            of_request = (b"x-request-id", self._scope["state"]["request_id"].encode())
            message["headers"] = [*own, of_request, *(pair for pair in _SECURITY if pair[0] not in names)]
        await self._send(message)


class _LimitedBody:
    """Counts the body's bytes and its time."""

    def __init__(self, receive: Receive, most: int, config: ApiConfig) -> None:
        self._receive = receive
        self._left = most
        self._refusal = _too_large(most, config)
        self._deadline = asyncio.get_running_loop().time() + config.body_timeout.total_seconds()
        self._complete = False

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the body did not arrive in time") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, self._refusal)
        self._complete = not message.get("more_body", False)
        return message


def _id_of(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _GIVEN_ID.fullmatch(given) else token_hex(16)


def _largest_body(scope: Scope, config: ApiConfig) -> int:
    """How much is read for this request: little before it is known who asks."""
    headers = Headers(scope=scope)
    is_anonymous = "authorization" not in headers and "x-api-key" not in headers
    return config.max_anonymous_body if is_anonymous or "/auth/" in scope["path"] else config.max_body


def _too_large(most: int, config: ApiConfig) -> str:
    unless = "" if most == config.max_body else " without a sign-in, and of a sign-in itself"
    return f"expected a body of at most {most} bytes{unless}"


def _announced_length(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
