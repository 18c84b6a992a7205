"""A crowd of WebSocket clients that only read: raw sockets and one epoll, so that it is not the limit.

Each client opens ``/ws`` with a bearer token, subscribes to one book, answers pings, and notes when each book
came. Lateness is counted from the moment a message was due:

- A peer sends to everybody at each whole second.
- twap-server has ``phases`` equally spaced moments in each second; every client belongs to one. Where they
  lie is read off the ``ts_sent`` of the messages of all clients, for it never sends before the moment; to
  which phase a client belongs, most of its messages tell.
"""

import base64
import contextlib
import os
import select
import socket
import statistics
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

_WAVE = 100
_SECOND_US = 1_000_000
_EARLIEST = 0.002
"""This share of the messages was sent right at its moment: the first of each turn of sending."""
_EARLY_US = 1_000
"""The moments are taken to be that much earlier, so that no message comes before its own."""
_STAMP = b'"ts_sent":"'
_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A
_PATIENCE_S = 20.0
_MOST_EVENTS = 1024
_SETTLE_S, _FIRST_S = 2.2, 1.1
"""Until each client knows its phase; until each has its first book."""
_MOST_SENT = 9
_CLIENTS_OF_ADDRESS = 5_000
"""With many more, the system searches long for a free port."""


@dataclass(slots=True)
class Window:
    """What came in some seconds."""

    clients: int
    seconds: int
    late_ms: list[float]
    """Of each message, sorted."""
    old_ms: list[float]
    """From ``ts_sent`` to when it came, sorted."""

    @property
    def share(self) -> float:
        """Messages that came, of one a second and client."""
        return len(self.late_ms) / (self.clients * self.seconds)


def percentile(values: list[float], share: float) -> float:
    """Give the value that this share of the sorted values does not exceed."""
    return values[min(len(values) - 1, int(len(values) * share))]


@dataclass(slots=True)
class _Client:
    socket: socket.socket
    rest: bytes = b""
    books: int = 0
    sent: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST_SENT))
    """Latest moments of sending, not of the first book."""


class Crowd:
    """Clients of one server; a context manager that closes them."""

    def __init__(self, port: int, *, token: str, subscribe: bytes, phases: int) -> None:
        """Connect to ``port`` of loopback; ``subscribe`` is the text that each client sends."""
        self._port = port
        self._subscribe = _masked(_TEXT, subscribe)
        self._upgrade = _upgrade(port, token)
        self._phases = phases
        self._clients: dict[int, _Client] = {}
        self._poll = select.epoll()
        self._noted: list[tuple[_Client, int, int]] = []
        self.book = ""
        """The text of a book that came."""

    def __enter__(self) -> "Crowd":
        self.grow(1)
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.socket.close()
        self._poll.close()

    def __len__(self) -> int:
        return len(self._clients)

    def grow(self, size: int) -> None:
        """Connect until there are ``size`` clients; they know their phases by the time this returns."""
        while len(self._clients) < size:
            wave = [self._connected() for _ in range(min(_WAVE, size - len(self._clients)))]
            for client in wave:
                self._join(client)
            if self._phases > 1:
                self._serve_all(wave)
        self._drain(_SETTLE_S if self._phases > 1 else _FIRST_S)

    def _serve_all(self, wave: list[_Client]) -> None:
        """Wait for their first books, which twap-server sends at once: nobody joins while others still do."""
        deadline = time.monotonic() + _PATIENCE_S
        while any(client.books == 0 for client in wave):
            self._pump(0.05)
            if time.monotonic() > deadline:
                raise OSError("not every client was served")

    def watch(self, seconds: int) -> Window:
        """Read for some seconds and say how late each message was."""
        self._noted = []
        self._drain(seconds)
        first = self._first_moment() if self._phases > 1 else 0
        late = sorted(self._late(client, came, first) / 1000 for client, _, came in self._noted)
        old = sorted((came - sent) / 1000 for _, sent, came in self._noted)
        return Window(len(self), seconds, late, old)

    def _first_moment(self) -> int:
        """Where the moments lie, in microseconds modulo the width of a phase."""
        width = _SECOND_US // self._phases
        usual = statistics.median_low(sent % width for _, sent, _ in self._noted)
        before = usual - width * 3 // 10
        seen = sorted((sent - before) % width for _, sent, _ in self._noted)
        return before + seen[int(len(seen) * _EARLIEST)] - _EARLY_US

    def _late(self, client: _Client, came: int, first: int) -> int:
        width = _SECOND_US // self._phases
        phase = statistics.mode((sent - first) % _SECOND_US // width for sent in client.sent)
        return (came - first - phase * width) % _SECOND_US

    def _drain(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._pump(left)

    def _connected(self) -> _Client:
        connection = socket.socket()
        connection.bind((f"127.0.0.{2 + len(self._clients) // _CLIENTS_OF_ADDRESS}", 0))
        connection.settimeout(_PATIENCE_S)
        connection.connect(("127.0.0.1", self._port))
        connection.sendall(self._upgrade)
        return _Client(connection)

    def _join(self, client: _Client) -> None:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += _received(client.socket)
        head, _, client.rest = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise OSError(f"a connection was refused: {' '.join(answer[:600].decode().split())}")
        client.socket.sendall(self._subscribe)
        client.socket.setblocking(False)
        self._clients[client.socket.fileno()] = client
        self._poll.register(client.socket.fileno(), select.EPOLLIN)
        self._pump(0)

    def _pump(self, seconds: float) -> None:
        for descriptor, _ in self._poll.poll(seconds, _MOST_EVENTS):
            client = self._clients[descriptor]
            with contextlib.suppress(BlockingIOError):
                self._read(client, _received(client.socket), time.time_ns() // 1000)

    def _read(self, client: _Client, data: bytes, now: int) -> None:
        data = client.rest + data
        start = 0
        for kind, begin, end in _frames(data):
            if kind == _PING:
                client.socket.send(_masked(_PONG, data[begin:end]))
            elif kind == _CLOSE:
                raise OSError(f"the server closed a connection: {data[begin + 2 : end].decode()}")
            else:
                self._note(client, data[begin:end], now)
            start = end
        client.rest = data[start:]

    def _note(self, client: _Client, text: bytes, now: int) -> None:
        found = text.find(_STAMP)
        if found < 0:
            return
        client.books += 1
        self.book = self.book or text.decode()
        if client.books > 1:
            seconds, micros = text[found + 28 : found + 30], text[found + 31 : found + 37]
            sent = int(seconds) * _SECOND_US + int(micros)
            sent = now - (now - sent) % (60 * _SECOND_US)
            client.sent.append(sent)
            self._noted.append((client, sent, now))


def _frames(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield first byte, begin and end of each whole frame's payload (unmasked, below 64 KiB)."""
    at = 0
    while at + 4 <= len(data):
        size, begin = data[at + 1], at + 2
        if size == 126:
            size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        if begin + size > len(data):
            return
        yield data[at], begin, begin + size
        at = begin + size


def _masked(kind: int, payload: bytes) -> bytes:
    """Frame a client's message under 126 bytes with the mask 0, which changes nothing."""
    return bytes([kind, 0x80 | len(payload)]) + bytes(4) + payload


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise OSError("the server closed a connection")
    return data


def _upgrade(port: int, token: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        "GET /ws HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        f"Authorization: Bearer {token}",
    )
    return "\r\n".join((*lines, "", "")).encode()
