"""The real server as one process that can be started, stopped and killed, and the way to its API.

Everything is composed by ``bootstrap.running``; requests and streams go into the ASGI app, in the process's
own context, so that a crash ends them too. uvicorn is not part of it.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from simulation.clock import Shown, SimClock
from simulation.loop import Life, VirtualLoop, context_of
from simulation.network import Network
from simulation.storage import PENDING, Disk
from twap_models import exact_json
from twap_server import bootstrap
from twap_server.api.app import create_app
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.write import OrderWrite
from twap_server.settings import Settings

_GRAVEYARD: list[Any] = []
"""What crashed processes leave: kept, so that no destructor runs in them."""


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


class SimServer:
    """One server, many lives."""

    def __init__(
        self,
        settings: Settings,
        *,
        loop: VirtualLoop,
        clock: SimClock,
        network: Network,
        disk: Disk,
        seed: str,
        on_look: Callable[[Any], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        """Args: on_look: hears of each book the engine reads; on_error: of a server that ends by itself."""
        self._settings = settings
        self._loop, self.clock, self._network, self._disk = loop, clock, network, disk
        self.shown = Shown(loop)
        self._seed = seed
        self._ids = Random(f"{seed}:ids")
        self._rng = Random(f"{seed}:api")
        self._on_look, self._on_error = on_look, on_error
        self.life: Life | None = None
        self.running: bootstrap.Running | None = None
        self.ready_since: float | None = None
        self.starts = 0
        self._calls: dict[asyncio.Future[Any], None] = {}
        self._streams: dict[Stream, None] = {}
        self._app: Any = None
        self._up: asyncio.Future[None] | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Whether it answers."""
        return self._app is not None

    def now(self) -> Nanos:
        """What the server's clock shows; the machine's while it is down."""
        return self.clock.now() if self.running is None else self.running.clock.now()

    async def start(self) -> None:
        """Start a process and wait until it is ready, at most 30 s."""
        self.starts += 1
        self.life = Life(self.starts)
        self._stopping = asyncio.Event()
        up = self._up = self._loop.create_future()
        self._task = self._loop.create_task(self._run(up), context=context_of(self.life))
        life = self.life
        async with asyncio.timeout(30):
            await up
            while not life.dead and self.running is not None and not self.running.engine.ready.is_set():
                await asyncio.sleep(0.01)
        if life.dead:
            raise ServerGone("died while it started")
        self.ready_since = self._loop.time()

    async def stop(self) -> None:
        """End in order, as after SIGTERM."""
        self.ready_since = None
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=30)
            if not self._task.done():
                raise TimeoutError("the server does not stop")
        self._drop_callers()
        self.life = None

    def crash(self) -> None:
        """End at once, wherever it is."""
        life, self.life = self.life, None
        self.ready_since = None
        if life is None or life.dead:
            return
        life.dead = True
        _GRAVEYARD.append((self._task, self.running, self._app, asyncio.all_tasks(self._loop)))
        self._app, self.running, self._task = None, None, None
        if self._up is not None and not self._up.done():
            self._up.set_exception(ServerGone("died while it started"))
        self._network.end(life)
        self._drop_callers()

    async def call(
        self,
        method: str,
        path: str,
        *,
        key: str = "",
        body: Any = None,
        raw: bytes | None = None,
        token: str = "",
        form: bool = False,
        if_match: str = "",
        patience_s: float = 60.0,
    ) -> Reply:
        """One request.

        Raises:
            ServerGone: no answer: not connected, died, or not in time.
        """
        await asyncio.sleep(0.002 + self._rng.random() * 0.03)
        if self._app is None or self.life is None:
            raise ServerGone("refused")
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._calls[answer] = None
        scope = _scope("http", method, path, key, token=token, form=form, if_match=if_match)
        self._loop.create_task(self._answer(scope, content, answer), context=context_of(self.life))
        try:
            async with asyncio.timeout(patience_s):
                reply = await answer
        except TimeoutError:
            raise ServerGone("no answer in time") from None
        finally:
            self._calls.pop(answer, None)
        await asyncio.sleep(0.002 + self._rng.random() * 0.03)
        return reply

    def stream(self, key: str, *, room: int) -> "Stream":
        """Open ``/ws``.

        Raises:
            ServerGone: there is no server.
        """
        if self._app is None or self.life is None:
            raise ServerGone("refused")
        stream = Stream(room)
        self._streams[stream] = None
        scope = _scope("websocket", "GET", "/ws", key)
        self._loop.create_task(self._talk(scope, stream), context=context_of(self.life))
        return stream

    async def _run(self, up: "asyncio.Future[None]") -> None:
        outside = bootstrap.Outside(
            rng=Random(f"{self._seed}:server:{self.starts}"),
            new_id=lambda: f"{self._ids.getrandbits(128):032x}",
            open_database=self._disk.open,
        )
        try:
            async with bootstrap.running(self._settings, clock=self.clock, outside=outside) as server:
                self.shown.watch(server.clock)
                self._attach(server)
                self.running = server
                self._app = create_app(server.services)
                up.set_result(None)
                await self._stopping.wait()
                server.engine.stop()
                await server.services.sessions.close_all()
                self._app = None
        except BaseException as error:
            self._app = None
            if not up.done():
                up.set_exception(error)
            self._on_error(error)
        finally:
            self._app, self.running = None, None

    def _attach(self, server: bootstrap.Running) -> None:
        market, store = server.services.market, server.services.records
        live_book, commit = market.live_book, store.commit  # type: ignore[attr-defined]

        def looked(instrument: Any) -> Any:
            live = live_book(instrument)
            if live is not None:
                self._on_look(live)
            return live

        async def committing(writes: Sequence[OrderWrite], *rest: Any, **named: Any) -> None:
            token = PENDING.set(writes)
            try:
                await commit(writes, *rest, **named)
            finally:
                PENDING.reset(token)

        market.live_book = looked  # type: ignore[attr-defined]
        store.commit = committing  # type: ignore[attr-defined]

    async def _answer(self, scope: dict[str, Any], body: bytes, answer: "asyncio.Future[Reply]") -> None:
        parts: list[bytes] = []
        start: dict[str, Any] = {}
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if sent:
                await asyncio.sleep(10**6)
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        try:
            await self._app(scope, receive, send)
        except Exception as error:
            self._on_error(error)
            raise
        if not answer.done():
            headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
            answer.set_result(Reply(start["status"], headers, b"".join(parts)))

    async def _talk(self, scope: dict[str, Any], stream: "Stream") -> None:
        try:
            await self._app(scope, stream.asgi_receive, stream.asgi_send)
        finally:
            self._streams.pop(stream, None)
            stream.end()

    def _drop_callers(self) -> None:
        for answer in list(self._calls):
            if not answer.done():
                answer.set_exception(ServerGone("the server went away"))
        for stream in list(self._streams):
            stream.end()
        self._streams.clear()


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


def _scope(
    kind: str, method: str, path: str, key: str, *, token: str = "", form: bool = False, if_match: str = ""
) -> dict[str, Any]:
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
