"""Messages of a real WebSocket come in order, whole or in fragments, and only so many are held."""

import asyncio
import fcntl
import termios
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Frame, Opcode

from support import examples
from twap_server.collector import fast_websocket
from twap_server.collector.fast_websocket import FastConnection
from twap_server.collector.websocket import BurstConnection

Script = Callable[[ServerConnection], Awaitable[None]]


class Watched(BurstConnection):
    """Counts what its socket read."""

    read = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.read += len(data)

    @property
    def is_paused(self) -> bool:
        return not self.transport.is_reading()

    async def has_read(self, before: int, sent: int) -> None:
        """Wait until everything sent so far was read, or nothing more is."""
        while self.read < before + sent and not self.is_paused:
            await asyncio.sleep(0)


class FastWatched(FastConnection):
    """Looks at what its socket has not read."""

    read = 0

    @property
    def is_paused(self) -> bool:
        return not self.socket.underlying_transport.is_reading()

    async def has_read(self, before: int, sent: int) -> None:
        """Wait until everything sent so far was read, or nothing more is."""
        unread, socket = bytearray(4), self.socket.underlying_transport.get_extra_info("socket")
        for _ in range(3):  # loopback: what was sent is there
            await asyncio.sleep(0)
        while not self.is_paused and not self.socket.is_disconnected:
            fcntl.ioctl(socket.fileno(), termios.FIONREAD, unread)
            if not any(unread):
                return
            await asyncio.sleep(0)


LIBRARIES = pytest.mark.parametrize("library", ["websockets", "picows"])
pytestmark = LIBRARIES


@asynccontextmanager
async def opened(library: str, port: int, *, max_size: int = 2**20) -> AsyncIterator[Watched | FastWatched]:
    """One of the two, on this machine."""
    url = f"ws://127.0.0.1:{port}"
    if library == "websockets":
        connecting = connect(url, create_connection=Watched, compression=None, max_size=max_size)
        async with connecting as socket:
            assert isinstance(socket, Watched)
            yield socket
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_websocket, "FastConnection", FastWatched)
        fast = await fast_websocket.connect(
            url, proxy=None, open_timeout=10, ping_every_s=20, max_size=max_size
        )
    assert isinstance(fast, FastWatched)
    try:
        yield fast
    finally:
        await fast.close()


@asynccontextmanager
async def connected(
    library: str, script: Script, *, max_size: int = 2**20
) -> AsyncIterator[Watched | FastWatched]:
    """A client whose server does what the script says, then closes."""
    async with asyncio.timeout(10), serve(script, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        async with opened(library, port, max_size=max_size) as socket:
            yield socket


async def everything(socket: BurstConnection | FastConnection, *, in_bursts: bool = False) -> list[bytes]:
    found = []
    with pytest.raises(ConnectionClosedOK):
        while True:
            found += await socket.burst() if in_bursts else [await socket.next()]
    return found


async def test_whole_and_fragmented_messages_in_order(library: str) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send("one")
        await peer.send(["tw", "", "o"])
        await peer.send(b"\xff three")
        await peer.send([b"fo", b"ur"])
        await peer.send("")
        await peer.send("fünf")

    async with connected(library, script) as socket:
        assert await everything(socket) == [b"one", b"two", b"\xff three", b"four", b"", "fünf".encode()]


async def test_a_burst_is_taken_without_waiting(library: str) -> None:
    async def script(peer: ServerConnection) -> None:
        for number in range(50):
            await peer.send(str(number))
        await peer.wait_closed()

    async with connected(library, script) as socket:
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


async def test_what_is_not_taken_stays_with_the_sender(library: str) -> None:
    whole, done = 20_000, 0

    async def script(peer: ServerConnection) -> None:
        nonlocal done
        for number in range(whole):
            await peer.send(f"{number:0>2000}")
            done += 1

    async with connected(library, script) as socket:
        before = -1
        while before != done:  # until the sender is stuck
            before = done
            await asyncio.sleep(0.1)
        assert done < whole
        assert len(socket._inbox) < 1_000
        found = await everything(socket)
    assert [int(one) for one in found] == list(range(whole))


async def test_what_came_before_the_end_is_taken_first(library: str) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send("last words")

    async with connected(library, script) as socket:
        await socket.wait_closed()
        assert await everything(socket) == [b"last words"]
        with pytest.raises(ConnectionClosed):
            await socket.next()


async def test_a_reader_that_gives_up_loses_nothing(library: str) -> None:
    go = asyncio.Event()

    async def script(peer: ServerConnection) -> None:
        await go.wait()
        await peer.send("here")

    async with connected(library, script) as socket:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await socket.next()
        go.set()
        assert await everything(socket) == [b"here"]


async def test_a_cut_connection_ends_the_wait(library: str) -> None:
    async def script(peer: ServerConnection) -> None:
        peer.transport.abort()
        await peer.wait_closed()

    async with connected(library, script) as socket:
        with pytest.raises(ConnectionClosedError):
            await socket.next()


@pytest.mark.parametrize("message", ["x" * 101, ["x" * 60, "x" * 60]], ids=["whole", "fragmented"])
async def test_a_message_that_is_too_long_ends_the_connection(library: str, message: str | list[str]) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send("fine")
        await peer.send(message)
        await peer.wait_closed()

    async with connected(library, script, max_size=100) as socket:
        assert await socket.next() == b"fine"
        with pytest.raises(ConnectionClosedError):
            await socket.next()


def frames_of(message: list[bytes], *, pings: bool) -> list[bytes]:
    """One message in so many fragments, as bytes of the wire."""
    found = []
    for at, part in enumerate(message):
        opcode = Opcode.CONT if at else Opcode.BINARY
        if pings:
            found.append(Frame(Opcode.PING, b"are you there").serialize(mask=False))
        found.append(Frame(opcode, part, fin=at == len(message) - 1).serialize(mask=False))
    return found


async def sent_in_reads(
    library: str, wire: bytes, cuts: list[int], *, in_bursts: bool = False
) -> list[bytes]:
    """What a reader gets when the socket reads the wire cut at these places (more behind a pause)."""
    began: asyncio.Future[Watched | FastWatched] = asyncio.get_running_loop().create_future()

    async def script(peer: ServerConnection) -> None:
        client = await began
        before, sent = client.read, 0
        for end in [*sorted({cut % len(wire) for cut in cuts}), len(wire)]:
            peer.transport.write(wire[sent:end])
            sent = end
            await client.has_read(before, sent)

    async with connected(library, script) as socket:
        began.set_result(socket)
        return await everything(socket, in_bursts=in_bursts)


parts = st.lists(st.binary(max_size=3), min_size=1, max_size=4)


@settings(max_examples=examples.of(60), deadline=None)
@given(
    every=st.tuples(st.integers(0, 130), st.lists(parts, min_size=1, max_size=8)).map(
        lambda drawn: [*[[b"%d" % number] for number in range(drawn[0])], *drawn[1]]
    ),
    cuts=st.lists(st.integers(0, 2_000), max_size=8),
    pings=st.booleans(),
    in_bursts=st.booleans(),
)
def test_any_messages_over_any_reads_arrive_whole_and_in_order(
    library: str, every: list[list[bytes]], cuts: list[int], pings: bool, in_bursts: bool
) -> None:
    wire = b"".join(frame for message in every for frame in frames_of(message, pings=pings))
    assert asyncio.run(sent_in_reads(library, wire, cuts, in_bursts=in_bursts)) == [
        b"".join(message) for message in every
    ]


async def test_half_a_message_behind_a_burst_does_not_stop_the_reading(library: str) -> None:
    whole = b"".join(frame for n in range(100) for frame in frames_of([b"%d" % n], pings=False))
    first, second = frames_of([b"ha", b"lf"], pings=False)
    found = await sent_in_reads(library, whole + first + second, [len(whole + first)])
    assert found == [*[b"%d" % n for n in range(100)], b"half"]


async def test_closing_while_nothing_is_read_is_no_slower(library: str) -> None:
    async def script(peer: ServerConnection) -> None:
        peer.transport.write(Frame(Opcode.BINARY, b"x").serialize(mask=False) * 100)
        await peer.wait_closed()

    async with connected(library, script) as socket:
        while not socket.is_paused:
            await asyncio.sleep(0)
        await socket.close()
        assert goodbye(socket) is not None, "the other side's goodbye was read"


def goodbye(socket: Watched | FastWatched) -> object:
    if isinstance(socket, Watched):
        return socket.protocol.close_rcvd
    return socket.socket.close_handshake.recv
