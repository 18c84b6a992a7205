"""Requests and streams straight into an ASGI app: what stands between a user and a server here."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from twap_models import exact_json


class ServerGone(Exception):
    """There is no server, or it died during the call."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body with exact numbers."""
        return exact_json.loads(self.body, exact_json.TOLD)


class Stream:
    """A client's end of ``/ws`` with room for so many messages; a slow one fills up."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._in: deque[dict[str, Any]] = deque([{"type": "websocket.connect"}])
        self._out: deque[str] = deque()
        self._changed = asyncio.Event()
        self.over = False
        self.code = 0

    def tell(self, **message: Any) -> None:
        """Send a message to the server."""
        self._in.append({"type": "websocket.receive", "text": json.dumps(message)})
        self._wake()

    def leave(self) -> None:
        """The client is gone."""
        self._in.append({"type": "websocket.disconnect", "code": 1006})
        self._wake()

    async def next(self, timeout: float) -> Any | None:
        """The next message; None when it ended or nothing came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not self._out and not self.over:
                    self._changed.clear()
                    await self._changed.wait()
        if not self._out:
            return None
        text = self._out.popleft()
        self._wake()
        return exact_json.loads(text, exact_json.TOLD)

    def end(self) -> None:
        """Nothing comes any more."""
        self.over = True
        self._wake()

    async def asgi_receive(self) -> dict[str, Any]:
        """The server reads."""
        while not self._in:
            self._changed.clear()
            await self._changed.wait()
        return self._in.popleft()

    async def asgi_send(self, message: Any) -> None:
        """The server writes; waits while the client does not read."""
        if message["type"] == "websocket.close":
            self.code = message.get("code", 1000)
            self.end()
            return
        if message["type"] != "websocket.send":
            return
        while len(self._out) >= self._room and not self.over:
            self._changed.clear()
            await self._changed.wait()
        self._out.append(message["text"])
        self._wake()

    def _wake(self) -> None:
        self._changed.set()


def scope_of(
    kind: str, method: str, path: str, key: str, *, token: str = "", form: bool = False, if_match: str = ""
) -> dict[str, Any]:
    """What a server would hand to the app."""
    bare, _, query = path.partition("?")
    content = b"application/x-www-form-urlencoded" if form else b"application/json"
    headers = [(b"host", b"twap.sim"), (b"content-type", content)]
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    if if_match:
        headers.append((b"if-match", if_match.encode()))
    if key:
        headers.append((b"x-api-key", key.encode()))
    scope: dict[str, Any] = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "path": bare,
        "raw_path": bare.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("10.0.0.9", 50_000),
        "server": ("twap.sim", 80),
    }
    if kind == "http":
        scope |= {"method": method, "scheme": "http"}
    else:
        scope |= {"scheme": "ws", "subprotocols": [], "extensions": {}}
    return scope
