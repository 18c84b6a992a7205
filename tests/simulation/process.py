"""A process of the product that can be started, stopped and killed, and the way to its API.

Requests and streams go into the ASGI app in the process's own context, so that a crash ends them too. uvicorn
is not part of it.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Any

from simulation.asgi import Reply, ServerGone, Stream, scope_of
from simulation.clock import SimClock
from simulation.loop import Life, VirtualLoop, context_of
from simulation.network import Network

_GRAVEYARD: list[Any] = []
"""What crashed processes leave: kept, so that no destructor runs in them."""


class SimProcess:
    """One process, many lives. What it is made of, subclasses say."""

    def __init__(
        self,
        *,
        loop: VirtualLoop,
        clock: SimClock,
        network: Network,
        seed: str,
        on_error: Callable[[BaseException], None],
    ) -> None:
        """Args: on_error: hears of a process that ends by itself."""
        self._loop, self.clock, self._network = loop, clock, network
        self._rng = Random(f"{seed}:api")
        self._on_error = on_error
        self.life: Life | None = None
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

    def _running(self) -> AbstractAsyncContextManager[Any]:
        """Compose the process; runs in its context."""
        raise NotImplementedError

    async def _close(self) -> None:
        """What comes first when it ends in order."""

    def _is_ready(self) -> bool:
        """Whether it has begun its work."""
        return True

    def _forget(self) -> Any:
        """Drop what the process was made of, and give it away."""

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
            while not life.dead and not self._is_ready():
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
        _GRAVEYARD.append((self._task, self._forget(), self._app, asyncio.all_tasks(self._loop)))
        self._app, self._task = None, None
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
        scope = scope_of("http", method, path, key, token=token, form=form, if_match=if_match)
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

    def stream(self, key: str, *, room: int) -> Stream:
        """Open ``/ws``.

        Raises:
            ServerGone: there is no server.
        """
        if self._app is None or self.life is None:
            raise ServerGone("refused")
        stream = Stream(room)
        self._streams[stream] = None
        scope = scope_of("websocket", "GET", "/ws", key)
        self._loop.create_task(self._talk(scope, stream), context=context_of(self.life))
        return stream

    async def _run(self, up: "asyncio.Future[None]") -> None:
        try:
            async with self._running():
                up.set_result(None)
                await self._stopping.wait()
                await self._close()
                self._app = None
        except BaseException as error:
            self._app = None
            if not up.done():
                up.set_exception(error)
            self._on_error(error)
        finally:
            self._app = None
            self._forget()

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

    async def _talk(self, scope: dict[str, Any], stream: Stream) -> None:
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
