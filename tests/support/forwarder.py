"""A TCP forwarder on one port, before servers that come and go: as a load balancer, or as a cable to be cut.

New connections go to the servers in turn, past those that do not answer ``/health`` in time where that is
looked at. A connection whose server is gone is closed.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import httpx

_LOOK_EVERY_S = 0.2
_ANSWER_WITHIN_S = 0.7


class Forwarder:
    """Run it as a context manager."""

    def __init__(self, ports: Sequence[int], *, checked: bool = False) -> None:
        """Args: ports: of the servers, on loopback; checked: leave out those that do not answer HTTP."""
        self._ports, self._checked = list(ports), checked
        self._good = list(ports)
        self._turn = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self.port = 0

    async def __aenter__(self) -> Self:
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._looking = self._group.create_task(self._look()) if self._checked else None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        if self._looking is not None:
            self._looking.cancel()
        self.cut()
        await self._group.__aexit__(None, None, None)

    @property
    def url(self) -> str:
        """As of an HTTP server."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Close all connections, and take no new ones until it is mended."""
        self._is_cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        """Take connections again."""
        self._is_cut = False

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = None if self._is_cut else await self._opened()
        if there is None:
            writer.transport.abort()
            return
        far_reader, far_writer = there
        self._writers |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, far_writer))
                group.create_task(_pump(far_reader, writer))
        except* (OSError, EOFError):
            pass
        finally:
            self._writers -= {writer, far_writer}
            for one in (writer, far_writer):
                one.transport.abort()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self._ports:
            self._turn += 1
            good = self._good or self._ports
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", good[self._turn % len(good)])
        return None

    async def _look(self) -> None:
        async with httpx.AsyncClient(timeout=_ANSWER_WITHIN_S) as http:
            while True:
                found = await asyncio.gather(*(_answers(http, port) for port in self._ports))
                self._good = [port for port, answers in zip(self._ports, found, strict=True) if answers]
                await asyncio.sleep(_LOOK_EVERY_S)


async def _answers(http: httpx.AsyncClient, port: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await http.get(f"http://127.0.0.1:{port}/health")).is_success
    return False


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ends by an error: then the other direction ends, too."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    raise EOFError
