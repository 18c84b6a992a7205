"""Messages framed once and written straight: same bytes as the usual way, same order, same limits."""

import asyncio
import base64
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from support.api.bodies import BODY
from support.api.desk import CHEAP
from support.api.fakes import view
from support.api.live import Live, WebSocketProtocol, closed, hear, say, serving
from twap_models.enums import ErrorCode
from twap_models.stream import StreamError
from twap_server.api.config import ApiConfig, StreamConfig
from twap_server.api.stream.framing import EXTENSION, FramedProtocol, encode
from twap_server.domain.market.instrument import InstrumentId

BOOK = {"channel": "book", "exchange": "binance", "symbol": "BTCUSDT"}
BINANCE = InstrumentId("binance", "BTC-USDT")


class Seen:
    """Around the app: what it sent as ASGI messages, and what it was offered."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.offered: set[str] = set()

    def __call__(self, app: ASGIApp) -> ASGIApp:
        async def seeing(scope: Scope, receive: Receive, send: Send) -> None:
            async def counting(message: Message) -> None:
                if message["type"] == "websocket.send":
                    self.sent.append(message["text"])
                await send(message)

            if scope["type"] == "websocket":
                self.offered |= set(scope["extensions"])
            await app(scope, receive, counting)

        return seeing


def config(**stream: Any) -> ApiConfig:
    return ApiConfig(passwords=CHEAP, stream=StreamConfig.model_validate(stream))


@pytest.mark.parametrize("size", [0, 1, 60, 80, 200, 65_400, 70_000])
def test_a_frame_is_what_the_protocol_itself_would_write(size: int) -> None:
    message = StreamError(code=ErrorCode.BUSY, message="é" * (size // 2) + "x" * (size % 2))
    server = ServerProtocol()
    server.state = server.state.OPEN
    server.send_text(message.to_json())
    frame = encode(message)
    assert frame.framed == b"".join(server.data_to_send())
    assert frame.text == message.to_json().decode()


async def test_the_wire_carries_the_same_bytes_either_way() -> None:
    framed, plain = Seen(), Seen()
    one = await conversation(FramedProtocol, framed)
    two = await conversation("websockets-sansio", plain)
    assert one == two
    assert (EXTENSION in framed.offered, EXTENSION in plain.offered) == (True, False)
    assert len(plain.sent) == 8
    assert framed.sent[1:] == [], "after the first, all went straight to the transport"


async def conversation(ws: WebSocketProtocol, seen: Seen) -> bytes:
    """What a client gets after the upgrade, up to and with the closing frame."""
    async with serving(config(), ws=ws, around=seen) as live:
        token = await live.token()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(live.url.split(":")[2][:-3]))
        writer.write(upgrade(token))
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")
            got = await told(reader, b'"authenticated"')
            writer.write(masked(type="subscribe", **BOOK))
            got += await told(reader, b'"missing":[]')
            for message in ({"type": "ping", "id": "é" * 30}, {"type": "odd"}):
                writer.write(masked(**message))
                got += await told(reader, b'"pong"' if message["type"] == "ping" else b'"error"')
            await live.clock.advance(1)
            await live.publisher.tick()
            got += await told(reader, b'"missing":[]')
            live.market.books[BINANCE] = view([("99.5", "1")] * 9)
            live.publisher.announce(BINANCE)
            got += await told(reader, b'"missing":[]')
            writer.write(masked(type="unsubscribe", **BOOK))
            got += await told(reader, b'"unsubscribed"')
            await live.services.sessions.close_all()
            got += await told(reader, b"the server restarts")
        writer.close()
    return got


def upgrade(token: str) -> bytes:
    key = base64.b64encode(bytes(16)).decode()
    return (
        f"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()


def masked(**message: Any) -> bytes:
    return WireFrame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True)


async def told(reader: asyncio.StreamReader, part: bytes) -> bytes:
    """Read frames up to one that contains ``part``."""
    got = b""
    while part not in got:
        head = await reader.readexactly(2)
        size = head[1]
        if size == 126:
            head += await reader.readexactly(2)
            size = int.from_bytes(head[2:], "big")
        got += head + await reader.readexactly(size)
    return got


async def test_no_frame_is_written_straight_where_compression_was_agreed_on() -> None:
    seen = Seen()
    async with serving(config(), around=seen, deflate=True) as live, live.stream() as socket:
        await say(socket, type="subscribe", **BOOK)
        assert [(await hear(socket))["type"] for _ in range(2)] == ["subscribed", "book"]
    assert EXTENSION not in seen.offered
    assert len(seen.sent) == 3


@pytest.mark.parametrize("ws", [FramedProtocol, "websockets-sansio"], ids=["framed", "plain"])
async def test_messages_keep_their_order_whatever_happens_between(ws: WebSocketProtocol) -> None:
    async with serving(config(max_messages_per_second=100_000), ws=ws) as live:
        await live.http.post("/orders/twap", json=BODY, headers=await live.user())
        owner, order = await live.owner(), next(iter(live.orders.orders.values()))
        async with live.stream() as socket, asyncio.TaskGroup() as group:
            await say(socket, type="subscribe", channel="orders", since=0)
            reading = group.create_task(until_pong(socket))
            rng = random.Random(4)
            for _ in range(400):
                match rng.randrange(5):
                    case 0:
                        await say(socket, type="subscribe", **BOOK)
                    case 1:
                        await say(socket, type="unsubscribe", **BOOK)
                    case 2:
                        live.orders.tell(owner, order, live=rng.random() < 0.8)
                    case _:
                        await live.clock.advance(0.001)
                        await live.publisher.tick()
                for _ in range(rng.randrange(4)):
                    await asyncio.sleep(0)
            live.orders.tell(owner, order)
            last = len(live.orders.log[owner])
            await say(socket, type="ping")
            messages = await reading
            while not any(one.get("seq") == last for one in messages if one["type"] == "order_event"):
                messages.append(await hear(socket))
    check_order(messages, last)


async def until_pong(socket: ClientConnection) -> list[dict[str, Any]]:
    messages = [await hear(socket)]
    while messages[-1]["type"] != "pong":
        messages.append(await hear(socket))
    return messages


def check_order(messages: list[dict[str, Any]], last: int) -> None:
    reads, sent, books = False, "", 0
    for message in messages:
        match message["type"]:
            case "subscribed" if message["channel"] == "book":
                reads = True
            case "unsubscribed":
                reads = False
            case "book":
                assert reads, "a book without a subscription"
                assert message["ts_sent"] >= sent, "an older book after a newer one"
                sent, books = message["ts_sent"], books + 1
    assert books > 50
    seqs = [message["seq"] for message in messages if message["type"] == "order_event"]
    assert seqs == list(range(1, last + 1))


@asynccontextmanager
async def stalled(live: Live) -> AsyncIterator[ClientConnection]:
    """A client with a small buffer, subscribed to everything, that reads only what the test reads."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.connect(("127.0.0.1", int(live.url.split(":")[2][:-3])))
    async with connect(live.url, sock=raw, max_queue=1, compression=None) as client:
        await say(client, type="auth", token=await live.token())
        await say(client, type="subscribe", **BOOK)
        await say(client, type="subscribe", channel="orders", since=0)
        seen = [(await hear(client))["type"] for _ in range(4)]
        assert seen == ["authenticated", "subscribed", "book", "subscribed"]
        yield client
        client.transport.abort()


async def test_a_stalled_client_gets_the_newest_book_and_every_order_event() -> None:
    async with serving(config()) as live:
        await live.http.post("/orders/twap", json=BODY, headers=await live.user("bob"))
        await live.user("ada")
        owner = live.accounts.users_by_name["ada"].user_id
        order = next(iter(live.orders.orders.values()))
        async with stalled(live) as client:
            ticks = 2_000
            for _ in range(ticks):
                await live.clock.advance(0.001)
                await live.publisher.tick()
            for _ in range(50):
                live.orders.tell(owner, order)
            newest = live.clock.now()
            messages = [await hear(client)]
            while [one["type"] for one in messages].count("order_event") < 50:
                messages.append(await hear(client))
            while messages[-1].get("ts_sent") is None:
                messages.append(await hear(client))
    books = [one for one in messages if one["type"] == "book"]
    assert len(books) < ticks / 10, "what waits is not a queue of old books"
    assert books[-1]["ts_sent"].endswith(f"{newest // 1000 % 1_000_000:06}Z")
    assert [one["seq"] for one in messages if one["type"] == "order_event"] == list(range(1, 51))


async def test_a_client_that_reads_no_books_is_closed_and_others_go_on() -> None:
    async with serving(config(send_timeout="PT0.2S")) as live, live.stream("bob") as quick:
        await say(quick, type="subscribe", **BOOK)
        assert [(await hear(quick))["type"] for _ in range(2)] == ["subscribed", "book"]
        async with stalled(live), asyncio.timeout(20):
            while len(live.services.sessions) > 1:
                await live.publisher.tick()
                assert (await hear(quick))["type"] == "book"
        await say(quick, type="ping")
        assert (await hear(quick))["type"] == "pong"


async def test_nothing_is_written_after_the_close() -> None:
    async with serving(config()) as live, live.stream() as client:
        await say(client, type="subscribe", **BOOK)
        assert [(await hear(client))["type"] for _ in range(2)] == ["subscribed", "book"]
        async with asyncio.TaskGroup() as group:
            group.create_task(live.services.sessions.close_all())
            for _ in range(20):
                await live.publisher.tick()
        assert await closed(client) == 1012
