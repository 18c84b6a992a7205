"""An ended connection is gone at once: nothing of it waits for the garbage collector, which comes seldom."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Iterator

import pytest
from starlette.requests import Request
from starlette.websockets import WebSocket
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle as HttpToolsCycle
from websockets.server import ServerProtocol

from siege import wire
from siege.tally import Tally
from siege.target import THIS_HOST, Target
from siege.wire import Line
from support.api.raw import configured, served
from twap_server.api.http.h11 import BoundedH11
from twap_server.api.http.httptools import BoundedHttp
from twap_server.api.routers.stream_session import StreamSession
from twap_server.api.stream.framing import FramedProtocol
from twap_server.api.stream.socket import ClientSocket, SessionOver
from twap_server.runtime.loops import HttpParser

KEPT = (
    FramedProtocol, ServerProtocol, StreamSession, ClientSocket, SessionOver, WebSocket, Request,
    BoundedHttp, BoundedH11, HttpToolsProtocol, H11Protocol, HttpToolsCycle,
)  # fmt: skip
"""What belongs to one connection."""
WHO = {"username": "ada1", "password": "correct horse"}


@pytest.fixture(params=["httptools", "h11"])
async def door(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Target, str]]:
    """A server as it is run, and the header that signs in."""
    parser: HttpParser = request.param
    async with served(configured(), parser=parser) as server:
        (await server.http.post("/auth/register", json=WHO)).raise_for_status()
        token = (await server.http.post("/auth/token", data=WHO)).json()["access_token"]
        await server.http.aclose()
        yield Target(server.port), f"Authorization: Bearer {token}"


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No collection until the test is over, and nothing to be seen that was there before it."""
    gc.freeze()
    gc.disable()
    yield
    gc.enable()


async def come_and_go(target: Target, signed: str, how: str) -> None:
    """One connection, from its begin to its end."""
    line = await wire.connect(target, Tally(), source=THIS_HOST)
    try:
        await (_ask(line) if how == "requests" else _stream(line, signed, how))
    finally:
        line.writer.transport.abort()


async def _ask(line: Line) -> None:
    for path in ("/health", "/orders/none", "/no/such/thing"):
        await line.ask(wire.request("GET", path))


async def _stream(line: Line, signed: str, how: str) -> None:
    headers = ("Authorization: Bearer wrong",) if how == "refused" else (signed,)
    assert await wire.upgrade(line, headers) == 101
    if how == "refused":
        await line.reader.readuntil(b"not_authenticated")
        return
    await line.say(wire.frame(wire.TEXT, b'{"type":"subscribe","channel":"orders","since":0}'))
    await line.reader.readuntil(b"subscribed")
    if how == "closed":
        await line.say(wire.frame(wire.CLOSE, b"\x03\xe8"))
        assert await line.ended(5)
    elif how == "broken":
        await line.say(b"\xff" * 64)
        assert await line.ended(5)


def left() -> dict[str, int]:
    kinds = [kind for one in gc.get_objects() if issubclass(kind := type(one), KEPT)]
    return {kind.__name__: kinds.count(kind) for kind in set(kinds)}


@pytest.mark.parametrize("how", ["closed", "cut off", "broken", "refused", "requests"])
@pytest.mark.usefixtures("uncollected")
async def test_what_a_connection_was_made_of_is_gone_with_it(door: tuple[Target, str], how: str) -> None:
    target, signed = door
    for _ in range(5):
        await come_and_go(target, signed, how)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            while left():
                await asyncio.sleep(0.01)
    assert left() == {}
