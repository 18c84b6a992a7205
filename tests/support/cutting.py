"""A TCP proxy in front of PostgreSQL that breaks a connection at its COMMIT, sooner or later."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from enum import Enum, auto

_COMMIT = b"COMMIT;"
_CHUNK = 65_536


class Cut(Enum):
    """What happens to a COMMIT."""

    BEFORE = auto()
    """The server never sees it."""
    AFTER = auto()
    """The server has carried it out; its answer is lost."""
    SENT = auto()
    """The server was told; nobody waits for what it does."""
    SILENT = auto()
    """The server never sees it, and no connection of now is heard again: a cable was pulled."""


class CuttingProxy:
    """Passes everything on, but for the next COMMIT once ``cut`` is set."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._pairs: list[_Pair] = []
        self.port = 0
        self.cut: Cut | None = None
        self.on_cut: Callable[[], None] = lambda: None
        """Called once what the server shall see of it was sent."""

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["CuttingProxy"]:
        """Listen on ``port`` of loopback until the block ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for pair in self._pairs:
                pair.close()
            await asyncio.gather(*(pair.gone.wait() for pair in self._pairs))

    def take_cut(self) -> Cut | None:
        """The cut to make now; there is only one."""
        cut, self.cut = self.cut, None
        return cut

    def silence(self) -> None:
        """Say and hear nothing on any connection of now."""
        for pair in self._pairs:
            pair.heard.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            writer.close()
            return
        pair = _Pair(self, (reader, writer), upstream)
        self._pairs.append(pair)
        await pair.run()


class _Pair:
    """A client's connection and its own to the server."""

    def __init__(
        self,
        proxy: CuttingProxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._answers: asyncio.Event | None = None
        self.heard, self.gone = asyncio.Event(), asyncio.Event()
        self.heard.set()

    def close(self) -> None:
        self.heard.set()
        for _, writer in (self._client, self._server):
            writer.transport.abort()

    async def run(self) -> None:
        """Ends, both ways, when either side has."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ask())
                group.create_task(self._answer())
        except* (OSError, EOFError):
            pass
        finally:
            self.close()
            self.gone.set()

    async def _ask(self) -> None:
        while data := await self._client[0].read(_CHUNK):
            if _COMMIT in data and (cut := self._proxy.take_cut()):
                await self._make(cut, data)
            await self.heard.wait()
            self._server[1].write(data)
        raise EOFError

    async def _answer(self) -> None:
        while data := await self._server[0].read(_CHUNK):
            await self.heard.wait()
            if self._answers is not None:
                self._answers.set()
            else:
                self._client[1].write(data)
        raise EOFError

    async def _make(self, cut: Cut, data: bytes) -> None:
        if cut is Cut.SILENT:
            self._proxy.silence()
            self._proxy.on_cut()
            return
        self._answers = asyncio.Event()
        if cut is not Cut.BEFORE:
            self._server[1].write(data)
            await self._server[1].drain()
        if cut is Cut.AFTER:
            await self._answers.wait()
        self._proxy.on_cut()
        raise EOFError
