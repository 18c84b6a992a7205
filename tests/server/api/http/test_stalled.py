"""An answer that nobody reads is not kept for ever; one that is read slowly is."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from fastapi import FastAPI, Response
from starlette.websockets import WebSocket

from support.api.raw import HEALTH, PARSERS, UPGRADE, Served, configured, served, sign_in
from support.clocks import HandClock
from twap_server.api.config import StreamConfig
from twap_server.api.http.stalled import StalledConnections
from twap_server.api.stream.framing import UNSENT
from twap_server.api.stream.socket import ClientSocket, SessionOver
from twap_server.runtime.loops import HttpParser

BIG = 15_000_000
ASK = HEALTH.replace(b"/health", b"/big")
CLOSING = ASK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def with_big_answer(app: FastAPI) -> FastAPI:
    @app.get("/big")
    async def big() -> Response:
        return Response(b"x" * BIG)

    return app


@dataclass
class Reader:
    """A client that reads when the test says so, and has little room of its own."""

    connection: socket.socket
    taken: int = 0

    async def take(self, most: int) -> None:
        loop = asyncio.get_running_loop()
        until = self.taken + most
        async with asyncio.timeout(20):
            while self.taken < until:
                piece = await loop.sock_recv(self.connection, 65_536)
                if not piece:
                    raise EOFError
                self.taken += len(piece)


@asynccontextmanager
async def asked(one: Served, request: bytes) -> AsyncIterator[Reader]:
    """Ask for the big answer, and wait until the server has it waiting for us."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", one.port))
        await loop.sock_sendall(connection, request)
        async with asyncio.timeout(5):
            while not waiting(one):
                await asyncio.sleep(0)
        yield Reader(connection)


def waiting(one: Served) -> int:
    """Bytes that the server holds for its clients."""
    return sum(transport.get_write_buffer_size() for transport in one.gate._stalled._watched)


async def settled(one: Served) -> None:
    """Wait until the system takes no more on its own behalf."""
    before = -1
    while waiting(one) != before:
        before = waiting(one)
        await asyncio.sleep(0.05)


async def until_nothing_waits(one: Served) -> None:
    async with asyncio.timeout(5):
        while waiting(one):
            await asyncio.sleep(0)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("request_", [ASK, CLOSING], ids=["kept open", "to be closed"])
async def test_what_nobody_reads_is_given_up(parser: HttpParser, request_: bytes) -> None:
    async with served(configured(), parser=parser, app_of=with_big_answer) as one:
        async with asked(one, request_) as reader:
            await settled(one)
            one.gate.sweep()
            assert waiting(one) > 5_000_000
            one.moment.seconds = 1  # looked at first: what the system took meanwhile counts as taken
            one.gate.sweep()
            one.moment.seconds = 30
            one.gate.sweep()
            assert waiting(one)
            one.moment.seconds = 32
            await until_nothing_waits(one)
            with pytest.raises((EOFError, ConnectionResetError)):
                await reader.take(BIG)
        assert (await one.http.get("/health")).status_code == 200


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("request_", [ASK, CLOSING], ids=["kept open", "to be closed"])
async def test_who_reads_slowly_gets_it_all(parser: HttpParser, request_: bytes) -> None:
    async with (
        served(configured(), parser=parser, app_of=with_big_answer) as one,
        asked(one, request_) as reader,
    ):
        while waiting(one):
            before = waiting(one)
            await reader.take(1_500_000)
            async with asyncio.timeout(5):
                while waiting(one) >= before:
                    await asyncio.sleep(0)
            one.moment.seconds += 20
            one.gate.sweep()
        assert one.moment.seconds > 100
        await reader.take(BIG - reader.taken)


async def test_what_all_together_do_not_read_has_a_bound() -> None:
    config = configured(max_unread=20_000_000)
    async with served(config, app_of=with_big_answer) as one, asked(one, ASK), asked(one, ASK):
        one.moment.seconds = 2
        async with asyncio.timeout(5):
            while waiting(one) > 20_000_000:
                await asyncio.sleep(0)
        assert waiting(one) > 5_000_000, "one of the two is kept"


async def test_a_stream_that_is_closed_and_reads_nothing_is_given_up() -> None:
    async with served(configured()) as one:
        token = (await one.sign_in())["access_token"]
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.connect(("127.0.0.1", one.port))
            reader, writer = await asyncio.open_connection(sock=connection, limit=1_024)
            writer.write(UPGRADE)
            await reader.readuntil(b"\r\n\r\n")
            await sign_in((reader, writer), token)
            transport = next(iter(one.gate._streams._all._inside)).give_way.__self__.transport  # type: ignore[attr-defined]
            writer.transport.pause_reading()
            transport.write(b"\x82\x7f" + (8_000_000).to_bytes(8, "big") + b"x" * 8_000_000)
            await one.services.sessions.close_all()
            transport.close()
            await settled(one)
            one.moment.seconds = 1
            one.gate.sweep()
            one.moment.seconds = 32
            await until_nothing_waits(one)
            writer.close()


class Holding(asyncio.Transport):
    """So many bytes are unread."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self.size

    def abort(self) -> None:
        self.aborted = True


def test_growing_is_no_progress_and_shrinking_is() -> None:
    stalled, grows, shrinks = StalledConnections(10, 10_000), Holding(100), Holding(100)
    for transport in (grows, shrinks):
        stalled.add(transport)
    for second in range(9):
        grows.size += 1
        shrinks.size -= 1
        stalled.sweep(second * 2)
    assert grows.aborted and not shrinks.aborted
    shrinks.size = 0
    stalled.sweep(100)
    shrinks.size = 50
    stalled.sweep(200)
    assert not shrinks.aborted, "it begins anew"


def test_much_that_was_freed_is_given_back_once() -> None:
    given: list[None] = []
    stalled = StalledConnections(10, 10_000_000, lambda: given.append(None))
    for size in (2_000_000, 100):
        stalled.add(Holding(size))
        for second in (0, 20, 40, 60):
            stalled.sweep(size + second)
    assert len(given) == 1


class Deaf(WebSocket):
    """A client that takes the message when little enough waits before it."""

    def __init__(self, waits: list[int]) -> None:
        self.waits = waits
        self.sent = 0
        super().__init__({"type": "websocket", "extensions": {UNSENT: self.unsent}}, None, None)  # type: ignore[arg-type]

    def unsent(self) -> int:
        return self.waits.pop(0) if len(self.waits) > 1 else self.waits[0]

    async def send_text(self, data: str) -> None:
        if self.waits[0]:
            await asyncio.Event().wait()
        self.sent += 1


async def test_a_stream_client_that_goes_on_reading_is_kept() -> None:
    config = StreamConfig(send_timeout=timedelta(milliseconds=5))
    slow = Deaf([300, 200, 200, 100, 100, 0])
    await ClientSocket(slow, config, HandClock()).send("{}")
    assert slow.sent == 1
    with pytest.raises(SessionOver, match="slow"):
        await ClientSocket(Deaf([300, 300]), config, HandClock()).send("{}")
