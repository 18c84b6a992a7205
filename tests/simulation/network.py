"""A network in memory: connections with seeded latency that can be refused, swallowed, slowed and cut.

The real clients (websockets, httpx) get transports from here and notice no difference. Bytes of one
direction arrive in order, as with TCP.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from random import Random
from typing import Any

from simulation.loop import LIFE, Life, VirtualLoop

_LEAST_STEP = 1e-6


class _NoSocket:
    """What libraries ask a socket for."""

    family = 2
    type = 1
    proto = 6

    def fileno(self) -> int:
        return -1

    def setsockopt(self, *_: Any) -> None:
        pass

    def getsockname(self) -> tuple[str, int]:
        return ("10.0.0.2", 40_000)

    def getpeername(self) -> tuple[str, int]:
        return ("10.0.0.1", 80)


_NO_SOCKET = _NoSocket()
_EXTRA = {"socket": _NO_SOCKET, "sockname": ("10.0.0.2", 40_000), "peername": ("10.0.0.1", 80)}


class Pipe(asyncio.Transport):
    """One end of a connection."""

    peer: "Pipe"

    def __init__(self, loop: VirtualLoop, protocol: Any, link: "Link", context: Context) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._link = link
        self._context = context
        self._on_way: deque[bytes | None] = deque()
        self._waiting: deque[bytes | None] = deque()
        self._arrives = 0.0
        self._paused = False
        self._closing = False
        self._lost = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return _EXTRA.get(name, default)

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return False

    def write(self, data: Any) -> None:
        if not self._closing:
            self._send(bytes(data))

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._send(None)
            self._loop.call_soon(self._lose, None, context=self._context)

    def abort(self) -> None:
        self.close()

    def cut(self, error: Exception | None = None) -> None:
        """The connection is gone at this end, now."""
        self._closing = True
        self._on_way.clear()
        self._lose(error)

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        if self._waiting:
            self._loop.call_soon(self._drain, context=self._context)

    def is_reading(self) -> bool:
        return not self._paused

    def _send(self, data: bytes | None) -> None:
        link = self._link
        if link.swallows:
            return
        now = self._loop._now
        at = now + link.delay()
        if at <= self._arrives:
            at = self._arrives + _LEAST_STEP
        self._arrives = at
        peer = self.peer
        peer._on_way.append(data)
        self._loop.call_at(at, peer._arrive, context=peer._context)

    def _arrive(self) -> None:
        if not self._on_way:
            return
        self._waiting.append(self._on_way.popleft())
        if not self._paused:
            self._drain()

    def _drain(self) -> None:
        waiting = self._waiting
        while waiting and not self._paused and not self._lost:
            data = waiting.popleft()
            if data is not None:
                self._protocol.data_received(data)
            elif not self._closing:
                self._protocol.eof_received()
                self._closing = True
                self._loop.call_soon(self._lose, None, context=self._context)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._closing = True
            self._link.forget()
            self._protocol.connection_lost(error)


class Link:
    """A connection's properties."""

    def __init__(self, host: "Host", life: Life | None) -> None:
        self.host = host
        self.life = life
        self.ends: tuple[Pipe, Pipe]
        self.swallows = False

    def delay(self) -> float:
        """Seconds the next bytes need."""
        return self.host.delay()

    def forget(self) -> None:
        """No longer there."""
        self.host.links.pop(self, None)

    def cut(self) -> None:
        """Reset: both ends lose it at once."""
        for end in self.ends:
            if not end._lost and not (self.life is not None and self.life.dead and end is self.ends[0]):
                end.cut(ConnectionResetError("the connection was reset"))


class Host:
    """Who listens at one address, and how the way there is."""

    def __init__(self, rng: Random, serve: Callable[[], asyncio.Protocol]) -> None:
        self.rng = rng
        self.serve = serve
        self.links: dict[Link, None] = {}
        self.latency = 0.02
        self.refuses = False
        self.black_hole = False
        self.attempts = 0

    def delay(self) -> float:
        """Seconds one way."""
        return self.latency * (0.5 + self.rng.random())

    def cut_all(self) -> None:
        """Reset every connection."""
        for link in list(self.links):
            link.cut()


class Network:
    """Addresses and who listens there."""

    def __init__(self) -> None:
        self.loop: VirtualLoop
        self.hosts: dict[tuple[str, int], Host] = {}

    async def connect(self, factory: Callable[[], Any], name: str, port: int) -> tuple[Pipe, Any]:
        """What ``create_connection`` does."""
        host = self.hosts[name, port]
        host.attempts += 1
        if host.black_hole:
            await asyncio.sleep(10**6)
        await asyncio.sleep(2 * host.delay())
        if host.refuses:
            raise ConnectionRefusedError("nobody listens")
        return self._open(host, factory)

    def _open(self, host: Host, factory: Callable[[], Any]) -> tuple[Pipe, Any]:
        life = LIFE.get()
        link = Link(host, life)
        outside = Context()
        near = Pipe(self.loop, factory(), link, copy_context())
        far = Pipe(self.loop, host.serve(), link, outside)
        near.peer, far.peer = far, near
        link.ends = (near, far)
        host.links[link] = None
        if life is not None:
            life.transports.append(link)
        outside.run(far._protocol.connection_made, far)
        near._protocol.connection_made(near)
        return near, near._protocol

    def end(self, life: Life) -> None:
        """A process died: its peers see the connections reset a moment later."""
        for link in life.transports:
            if link.host.links.pop(link, None) is not None or not link.ends[1]._lost:
                far = link.ends[1]
                if not far._lost:
                    far.cut(ConnectionResetError("the other side died"))
        life.transports.clear()
