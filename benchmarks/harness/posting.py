"""Many connections that post JSON as fast as they are answered, from a process and a core of its own.

In: where to post, how, and how long; bodies are numbered, so that no two posts name the same orders. Out: how
long each answer took and which orders it acknowledged. As light as can be: hand-made requests on asyncio's
protocols, one post under way on each connection.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from itertools import count

from benchmarks.harness.machine import pin

_LONGEST_ANSWER_S = 30.0
_WARM_S = 1.0
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_TOKEN = re.compile(rb'"token_id":"([^"]+)"')
_ORDER = re.compile(rb'"order_id":"([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to post."""

    port: int
    path: str
    headers: dict[str, str]
    order: dict[str, object]
    """One order; each post adds a ``token_id`` of its own to it."""
    many: int = 0
    """How many orders a post lists; 0: one, not in a list."""
    prefix: str
    """Of the token ids."""
    connections: int = 64
    seconds: float
    core: int = 1


@dataclass(slots=True)
class Posted:
    """What was answered while it counted; the first second only warms up."""

    seconds: float = 0.0
    orders: int = 0
    """Acknowledged in the time measured."""
    waits_ms: list[float] = field(default_factory=list)
    """From post to whole answer."""
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Order id of each token id that was ever acknowledged, the warming up included."""
    twice: int = 0
    """Token ids acknowledged again: none is ever posted again."""
    refused: list[str] = field(default_factory=list)
    """Answers other than 201."""

    @property
    def orders_per_second(self) -> float:
        """The rate."""
        return self.orders / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The wait that so many percent of the posts did not exceed."""
        ordered = sorted(self.waits_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def post(job: Job) -> Posted:
    """Post for a while from another process.

    Raises:
        subprocess.CalledProcessError: it failed; its last words are on stderr.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.harness.posting"],
        input=json.dumps(asdict(job)),
        stdout=subprocess.PIPE,
        text=True,
        timeout=job.seconds + _WARM_S + 2 * _LONGEST_ANSWER_S,
        check=True,
    )
    return Posted(**json.loads(done.stdout))


class _Poster(asyncio.Protocol):
    """One connection."""

    def __init__(self, crowd: "_Crowd") -> None:
        self._crowd = crowd
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._whole = 0
        self._posted = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._post()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._whole:
            head = self._buffer.find(_END)
            found = _LENGTH.search(self._buffer, 0, head) if head >= 0 else None
            if found is None:
                return
            self._whole = head + len(_END) + int(found[1])
        if len(self._buffer) >= self._whole:
            self._answered(bytes(self._buffer[: self._whole]))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"the server closed a connection: {exc}"))

    def _answered(self, answer: bytes) -> None:
        assert self._transport is not None
        self._crowd.answers.append((self._posted, time.perf_counter(), answer))
        self._buffer.clear()
        self._whole = 0
        if self._crowd.is_over():
            self.done.set_result(None)
            self._transport.close()
        else:
            self._post()

    def _post(self) -> None:
        assert self._transport is not None
        self._posted = time.perf_counter()
        self._transport.write(self._crowd.request())


class _Crowd:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._numbers = count()
        self._order = json.dumps(job.order, separators=(",", ":"))[1:]
        lines = [f"POST {job.path} HTTP/1.1", f"Host: 127.0.0.1:{job.port}"]
        lines += [
            "Content-Type: application/json",
            *(f"{name}: {text}" for name, text in job.headers.items()),
        ]
        self._head = "\r\n".join(lines) + "\r\nContent-Length: "
        self._began = time.perf_counter()
        self.answers: list[tuple[float, float, bytes]] = []

    def request(self) -> bytes:
        if self._job.many:
            body = "[" + ",".join(self._body() for _ in range(self._job.many)) + "]"
        else:
            body = self._body()
        return f"{self._head}{len(body)}\r\n\r\n{body}".encode("ascii")

    def is_over(self) -> bool:
        return time.perf_counter() - self._began > _WARM_S + self._job.seconds

    async def run(self) -> Posted:
        loop = asyncio.get_running_loop()
        posters: list[_Poster] = []
        self._began = time.perf_counter()
        for _ in range(self._job.connections):
            _, poster = await loop.create_connection(lambda: _Poster(self), "127.0.0.1", self._job.port)
            posters.append(poster)
        async with asyncio.timeout(_WARM_S + self._job.seconds + _LONGEST_ANSWER_S):
            await asyncio.gather(*(poster.done for poster in posters))
        return self._found()

    def _body(self) -> str:
        return f'{{"token_id":"{self._job.prefix}-{next(self._numbers)}",{self._order}'

    def _found(self) -> Posted:
        first, last = self._began + _WARM_S, self._began + _WARM_S + self._job.seconds
        found = Posted(seconds=self._job.seconds)
        for posted, answered, answer in self.answers:
            if not answer.startswith(b"HTTP/1.1 201"):
                found.refused.append(answer.decode(errors="replace")[:500])
                continue
            tokens = [name.decode() for name in _TOKEN.findall(answer)]
            orders = [name.decode() for name in _ORDER.findall(answer)] or tokens
            found.twice += sum(name in found.acknowledged for name in tokens)
            found.acknowledged.update(zip(tokens, orders, strict=True))
            if first <= answered < last:
                found.orders += max(1, self._job.many)
                found.waits_ms.append((answered - posted) * 1e3)
        return found


def _main() -> None:
    job = Job(**json.load(sys.stdin))
    pin(job.core)
    found = asyncio.run(_Crowd(job).run())
    json.dump(asdict(found), sys.stdout)


if __name__ == "__main__":
    _main()
