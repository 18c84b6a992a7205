"""Messages of a real WebSocket come in order, whole or in fragments, and only so many are held."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK

from twap_server.collector.bursts import BurstConnection

Script = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def connected(script: Script, **options: int) -> AsyncIterator[BurstConnection]:
    """A client whose server does what the script says, then closes."""
    async with asyncio.timeout(20), serve(script, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        connecting = connect(
            f"ws://127.0.0.1:{port}", create_connection=BurstConnection, compression=None, **options
        )
        async with connecting as socket:
            assert isinstance(socket, BurstConnection)
            yield socket


async def everything(socket: BurstConnection) -> list[bytes]:
    found = []
    with pytest.raises(ConnectionClosedOK):
        while True:
            found.append(await socket.next())
    return found


async def test_whole_and_fragmented_messages_in_order() -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send("one")
        await peer.send(["tw", "", "o"])
        await peer.send(b"\xff three")
        await peer.send([b"fo", b"ur"])
        await peer.send("")
        await peer.send("fünf")

    async with connected(script) as socket:
        assert await everything(socket) == [b"one", b"two", b"\xff three", b"four", b"", "fünf".encode()]


async def test_a_burst_is_taken_without_waiting() -> None:
    async def script(peer: ServerConnection) -> None:
        for number in range(50):
            await peer.send(str(number))
        await peer.wait_closed()

    async with connected(script) as socket:
        first = await socket.next()
        await asyncio.sleep(0.05)  # the rest arrives meanwhile
        turns = 0

        def count() -> None:
            nonlocal turns
            turns += 1

        asyncio.get_running_loop().call_soon(count)
        rest = [await socket.next() for _ in range(49)]
        assert turns == 0, "nothing else ran in between"
    assert [first, *rest] == [str(number).encode() for number in range(50)]


async def test_what_is_not_taken_stays_with_the_sender() -> None:
    whole, done = 20_000, 0

    async def script(peer: ServerConnection) -> None:
        nonlocal done
        for number in range(whole):
            await peer.send(f"{number:0>2000}")
            done += 1

    async with connected(script) as socket:
        before = -1
        while before != done:  # until the sender is stuck
            before = done
            await asyncio.sleep(0.1)
        assert done < whole
        assert len(socket._inbox) < 1_000
        found = await everything(socket)
    assert [int(one) for one in found] == list(range(whole))


async def test_what_came_before_the_end_is_taken_first() -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send("last words")

    async with connected(script) as socket:
        await socket.wait_closed()
        assert await everything(socket) == [b"last words"]
        with pytest.raises(ConnectionClosed):
            await socket.next()


async def test_a_reader_that_gives_up_loses_nothing() -> None:
    go = asyncio.Event()

    async def script(peer: ServerConnection) -> None:
        await go.wait()
        await peer.send("here")

    async with connected(script) as socket:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await socket.next()
        go.set()
        assert await everything(socket) == [b"here"]


async def test_a_cut_connection_ends_the_wait() -> None:
    async def script(peer: ServerConnection) -> None:
        peer.transport.abort()
        await peer.wait_closed()

    async with connected(script) as socket:
        with pytest.raises(ConnectionClosedError):
            await socket.next()


@pytest.mark.parametrize("message", ["x" * 101, ["x" * 60, "x" * 60]], ids=["whole", "fragmented"])
async def test_a_message_that_is_too_long_ends_the_connection(message: str | list[str]) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send("fine")
        await peer.send(message)
        await peer.wait_closed()

    async with connected(script, max_size=100) as socket:
        assert await socket.next() == b"fine"
        with pytest.raises(ConnectionClosedError):
            await socket.next()
