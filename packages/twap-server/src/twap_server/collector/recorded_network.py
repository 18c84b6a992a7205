"""Keep what goes over the network: a decorator of ``Network`` that gives every message to a recording.

A message is kept with the moment at which it was taken from its connection: what the collector did with it
comes right after, and the books say the same moment. Keeping never waits.
"""

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import httpx

from twap_server.collector.config import CollectorConfig
from twap_server.collector.connection import Connection
from twap_server.collector.network import Network
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.market.errors import FeedError
from twap_server.exchanges.base import Exchange
from twap_server.recordings.rows import ENDED, OPENED
from twap_server.recordings.runs import run_name
from twap_server.recordings.writer import RecordingWriter


class RecordedConnection:
    """A connection whose messages are kept."""

    acknowledges = True

    def __init__(self, inner: Connection, conn: str, clock: Clock, writer: RecordingWriter) -> None:
        self._inner, self._conn, self._clock, self._writer = inner, conn, clock, writer
        receive, now, keep = inner.receive, clock.now, writer.keep
        taken_at = Nanos(0)

        async def kept() -> Sequence[str | bytes]:
            nonlocal taken_at
            burst = await receive()
            taken_at = now()
            keep((taken_at, "in", conn, burst))
            return burst

        self.receive: Callable[[], Awaitable[Sequence[str | bytes]]] = kept
        self.moment: Callable[[], Nanos] | None = lambda: taken_at

    async def send(self, text: str) -> None:
        """See ``Connection``."""
        await self._inner.send(text)
        self._keep(text)

    async def reply(self, text: str) -> None:
        """See ``Connection``."""
        await self._inner.reply(text)
        self._keep(text)

    def _keep(self, text: str) -> None:
        self._writer.keep((self._clock.now(), "out", self._conn, (text,)))


class RecordedTransport(httpx.AsyncBaseTransport):
    """An httpx transport whose good answers are kept, by the exchange that they come from."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        clock: Clock,
        writers: Callable[[httpx.Request], tuple[RecordingWriter, bool] | None],
    ) -> None:
        """Args: writers: the recording of a request, and whether it asks for the list of instruments."""
        self._inner, self._clock, self._writers = inner, clock, writers

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and keep its answer; what a POST asked is the fragment of its address."""
        response = await self._inner.handle_async_request(request)
        found = self._writers(request)
        if found is None or response.status_code != httpx.codes.OK:
            return response
        writer, is_list = found
        body = await response.aread()
        conn = f"{request.url}#{request.content.decode()}" if request.content else str(request.url)
        if is_list:
            writer.keep_list((self._clock.now(), "in", conn, body))
        else:
            writer.keep((self._clock.now(), "in", conn, (body,)))
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class RecordedExchanges:
    """The recordings of all exchanges of a server."""

    def __init__(self, network: Network, exchanges: Mapping[Exchange, RecordingWriter], clock: Clock) -> None:
        """Args: exchanges: with their addresses as they are used, to their recordings; others have none."""
        self._network, self._clock = network, clock
        self._writers = {one.name: writer for one, writer in exchanges.items()}
        self._places = {one.rest_url: (one, writer) for one, writer in exchanges.items()}
        self._numbers = itertools.count(1)
        self._run = run_name(clock.now())

    def network(self) -> Network:
        """Give the network whose messages are kept."""
        return replace(self._network, open_socket=self._opened, transport=self._transport)

    @asynccontextmanager
    async def _opened(
        self, exchange: Exchange, config: CollectorConfig, clock: Clock
    ) -> AsyncIterator[Connection]:
        conn = f"ws-{exchange.name}-{self._run}-{next(self._numbers)} {exchange.ws_url}"
        async with self._network.open_socket(exchange, config, clock) as inner:
            writer = self._writers.get(exchange.name)
            if writer is None:
                yield inner
                return
            with _bounded(conn, clock, writer):
                yield RecordedConnection(inner, conn, clock, writer)

    def _transport(self) -> httpx.AsyncBaseTransport:
        return RecordedTransport(self._network.transport(), self._clock, self._writer_of)

    def _writer_of(self, request: httpx.Request) -> tuple[RecordingWriter, bool] | None:
        """The recording of a request, and whether it asks for the list of instruments."""
        url = str(request.url)
        for base, (exchange, writer) in self._places.items():
            if url.startswith(base):
                first = next(exchange.instruments())
                return writer, url.startswith(base + first.path) and _is_alike(request.content, first.body)
        return None


@contextmanager
def _bounded(conn: str, clock: Clock, writer: RecordingWriter) -> Iterator[None]:
    """Keep when a connection began to be read and when that ended: from then on its books are not known."""
    writer.keep((clock.now(), OPENED, conn, ("",)))
    why = "not needed any more"
    try:
        yield
    except FeedError as error:
        why = str(error)
        raise
    finally:
        writer.keep((clock.now(), ENDED, conn, (why,)))


def _is_alike(body: bytes, first: bytes | None) -> bool:
    """Whether a body asks for a list as the first one does: where one address takes every question, by the
    same names and no more. Else each page of candles would be kept for good as a list."""
    return first is None or json.loads(body).keys() == json.loads(first).keys()
