"""Wrap every request: request id, body limits, counters, HEAD, and the handler of last resort.

Plain ASGI: no buffering. WebSockets get an id and pass through.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twap_models.enums import ErrorCode
from twap_server.api.config import ApiConfig
from twap_server.api.http.behind_proxy import FROM_PROXY
from twap_server.api.http.connection_slots import Full
from twap_server.api.http.metrics import Metrics
from twap_server.api.http.problems import answer_twap_error, problem
from twap_server.api.http.rate_limits import site_of
from twap_server.api.http.raw_answers import NO_ROOM, RETRY_AFTER_S
from twap_server.domain.errors import EngineBusy, TooManyAttempts, TwapError
from twap_server.runtime.threads import lacks_room

_log = logging.getLogger(__name__)
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class RequestFrame:
    """Around the app itself: only headers, CORS and what a proxy says lie further out."""

    def __init__(self, app: ASGIApp, *, config: ApiConfig, metrics: Metrics) -> None:
        """Wrap ``app``."""
        self._app = app
        self._config = config
        self._metrics = metrics
        self._at_once = _AtOnce(config.max_connections_per_address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; everything but HTTP passes through."""
        if scope["type"] in ("http", "websocket"):
            scope.setdefault("state", {})["request_id"] = _id_of(scope)
        answer = _Answer(scope, send)
        if scope["type"] != "http":
            await self._app(scope, receive, answer.send if scope["type"] == "websocket" else send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # whatever GET answers, without its body
        try:
            with self._at_once.one_more(scope):
                most = _largest_body(scope, self._config)
                await self._serve(scope, _LimitedBody(receive, most, self._config).receive, answer, most)
        except TooManyAttempts as error:
            refusal = await answer_twap_error(Request(scope), error)
            await refusal(scope, receive, answer.send)
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
        except Exception as error:
            told = _told(error, scope)
            if answer.status:
                raise
            refusal = await answer_twap_error(Request(scope), told)
            await refusal(scope, receive, answer.send)


class _Answer:
    """Adds the id to the answer and remembers its status (0 until it began); HEAD gets no body."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self.status = message["status"]
            of_request = (b"x-request-id", self._scope["state"]["request_id"].encode())
            message["headers"] = [*message.get("headers", ()), of_request]
        elif message["type"] == "http.response.body" and self._scope["method"] == "HEAD":
            message = {**message, "body": b""}
        await self._send(message)


class _AtOnce:
    """Requests under way of each address that a trusted proxy forwards; elsewhere connections are counted."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of_site: Counter[str] = Counter()

    @contextmanager
    def one_more(self, scope: Scope) -> Iterator[None]:
        client = scope.get("client")
        if not client or not scope["state"].get(FROM_PROXY):
            yield
            return
        site = site_of(client[0])
        if self._of_site[site] >= self._most:
            raise TooManyAttempts(NO_ROOM[Full.ADDRESS][2], retry_after=RETRY_AFTER_S)
        self._of_site[site] += 1
        try:
            yield
        finally:
            self._of_site[site] -= 1
            if not self._of_site[site]:
                del self._of_site[site]


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


def _told(error: Exception, scope: Scope) -> TwapError:
    """Log a failure, and give what the caller is told: more only where the machine had no room for it."""
    name = scope["state"]["request_id"]
    if lacks_room(error):
        _log.warning("request %s failed for lack of memory or threads: %s", name, error)
        return EngineBusy("no memory for this at the moment: try again", retry_after=RETRY_AFTER_S)
    _log.exception("request %s failed", name)
    return TwapError()


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
