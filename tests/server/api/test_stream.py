"""/ws on a real server on loopback: sign-in, books, order events without loss, limits, goodbye."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from httpx import AsyncClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.api.desk import CHEAP, Desk, build
from server.api.fakes import view
from server.api.test_orders import BODY
from twap_server.api.app import create_app
from twap_server.api.book_source import BookSource
from twap_server.api.config import ApiConfig, StreamConfig
from twap_server.api.ticker import BookTicker
from twap_server.domain.instrument import InstrumentId
from twap_server.domain.market import BookStatus

BINANCE = InstrumentId("binance", "BTC-USDT")
KRAKEN = InstrumentId("kraken", "BTC-USDT")


@dataclass
class Live(Desk):
    """A desk behind a real socket."""

    url: str
    ticker: BookTicker

    async def token(self, username: str = "ada") -> str:
        return (await self.sign_in(username))["access_token"]

    @asynccontextmanager
    async def stream(self, username: str = "ada") -> AsyncIterator[ClientConnection]:
        async with connect(self.url) as socket:
            await say(socket, type="auth", token=await self.token(username))
            assert (await hear(socket))["type"] == "authenticated"
            yield socket

    async def owner(self) -> str:
        return next(iter(self.accounts.users.values())).user_id


async def say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def hear(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        message: dict[str, Any] = json.loads(await socket.recv())
        return message


async def closed(socket: ClientConnection) -> int:
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionClosed) as ended:
            while True:
                await socket.recv()
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code


@asynccontextmanager
async def serving(config: ApiConfig) -> AsyncIterator[Live]:
    parts, accounts, market, orders, clock = build(config)
    app = create_app(parts)
    settings = uvicorn.Config(app, port=0, lifespan="off", log_config=None, ws="websockets-sansio")
    server = uvicorn.Server(settings)
    ticker = BookTicker(BookSource(market, clock), parts.bus, clock)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            url = f"ws://127.0.0.1:{port}/ws"
            yield Live(app, parts, accounts, market, orders, clock, http, url, ticker)
        await parts.sessions.close_all()
        server.should_exit = True
        await running


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    stream = StreamConfig(max_subscriptions=3, max_per_user=2, max_message=2_000, max_messages_per_second=20)
    async with serving(ApiConfig(passwords=CHEAP, stream=stream)) as live:
        yield live


async def test_the_first_message_signs_in(live: Live) -> None:
    async with connect(live.url) as socket:
        await say(socket, type="auth", token=await live.token())
        answer = await hear(socket)
        assert (answer["type"], answer["username"]) == ("authenticated", "ada")
        assert answer["expires_at"].endswith("Z")


async def test_the_upgrade_may_carry_the_token_or_a_key(live: Live) -> None:
    headers = await live.user()
    made = await live.http.post("/auth/keys", json={}, headers=headers)
    for sent in (headers, {"X-API-Key": made.json()["key"]}):
        async with connect(live.url, additional_headers=sent) as socket:
            assert (await hear(socket))["type"] == "authenticated"


@pytest.mark.parametrize("first", [{"type": "auth", "token": "x"}, {"type": "ping"}, {"type": "odd"}])
async def test_refused(live: Live, first: dict[str, Any]) -> None:
    async with connect(live.url) as socket:
        await say(socket, **first)
        assert (await hear(socket))["code"] == "not_authenticated"
        assert await closed(socket) == 1008


async def test_a_token_in_the_url_does_not_count(live: Live) -> None:
    async with connect(f"{live.url}?token={await live.token()}") as socket:
        await say(socket, type="subscribe", channel="orders")
        assert (await hear(socket))["code"] == "not_authenticated"


async def test_silence_is_closed() -> None:
    stream = StreamConfig.model_validate({"sign_in_timeout": "PT0.05S"})
    async with serving(ApiConfig(passwords=CHEAP, stream=stream)) as live, connect(live.url) as socket:
        assert (await hear(socket))["code"] == "not_authenticated"
        assert await closed(socket) == 1008


async def test_foreign_pages_are_refused(live: Live) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(live.url, origin="https://evil.example"):  # type: ignore[arg-type]
            pass
    assert refused.value.response.status_code == 403
    ours = live.url.replace("ws:", "http:").removesuffix("/ws")
    async with connect(live.url, origin=ours):  # type: ignore[arg-type]
        pass


async def test_a_book_comes_at_once_and_then_each_tick(live: Live) -> None:
    async with live.stream() as socket:
        await say(socket, type="subscribe", channel="book", exchange="binance", symbol="btc/usdt")
        ack = await hear(socket)
        assert (ack["type"], ack["exchange"], ack["symbol"], ack["instrument"]) == (
            "subscribed",
            "binance",
            "btc/usdt",
            "BTC-USDT",
        )
        first = await hear(socket)
        assert (first["type"], first["symbol"], first["bids"]) == ("book", "btc/usdt", [[99, 1]])
        assert first["status"] == "live"
        await live.clock.advance(3)
        live.market.books[BINANCE] = view(status=BookStatus.STALE)
        await live.ticker.tick()
        second = await hear(socket)
        assert (second["status"], second["age_ms"]) == ("stale", 3_000)
        assert second["reason"]
        live.market.books[BINANCE] = view()
        live.ticker.announce(BINANCE)
        assert (await hear(socket))["status"] == "live"
        assert len(live.market.held) == 1
        await say(socket, type="unsubscribe", channel="book", exchange="binance", symbol="BTCUSDT")
        assert (await hear(socket))["type"] == "unsubscribed"
        assert not live.market.held
        assert not live.parts.bus.book_topics()


async def test_the_consolidated_book(live: Live) -> None:
    async with live.stream() as socket:
        await say(socket, type="subscribe", channel="book", symbol="BTCUSDT")
        assert (await hear(socket))["exchange"] == "aggregate"
        book = await hear(socket)
        assert (book["exchange"], book["status"], book["missing"]) == ("aggregate", "live", ["kraken"])
        assert {held for held, _ in live.market.held} == {BINANCE, KRAKEN}
        live.market.books[KRAKEN] = view()
        await live.ticker.tick()
        book = await hear(socket)
        assert (book["bids"], book["sources"]["bids"]) == ([[99, 2]], [["binance", "kraken"]])


async def test_a_book_not_there_yet_is_announced_as_down(live: Live) -> None:
    async with live.stream() as socket:
        await say(socket, type="subscribe", channel="book", exchange="binance", symbol="ETHUSDT")
        await hear(socket)
        book = await hear(socket)
        assert (book["status"], book["bids"], book["ts_received"]) == ("down", [], None)


async def test_mistakes_are_answered_and_the_session_lives(live: Live) -> None:
    async with live.stream() as socket:
        for message, code in [
            (
                {"type": "subscribe", "channel": "book", "exchange": "binance", "symbol": "NOPE"},
                "unknown_symbol",
            ),
            (
                {"type": "subscribe", "channel": "book", "exchange": "no", "symbol": "BTCUSDT"},
                "unknown_exchange",
            ),
            ({"type": "subscribe", "channel": "book"}, "invalid_request"),
            ({"type": "subscribe", "channel": "trades"}, "not_implemented"),
            ({"type": "subscribe", "channel": "odd"}, "invalid_request"),
            ({"type": "odd"}, "invalid_request"),
        ]:
            await say(socket, **message)
            assert (await hear(socket))["code"] == code, message
        await say(socket, type="ping", id="é")
        pong = await hear(socket)
        assert (pong["type"], pong["id"]) == ("pong", "é")


async def test_subscriptions_are_bounded(live: Live) -> None:
    async with live.stream() as socket:
        for spelling in ("BTCUSDT", "btcusdt", "BTC-USDT", "btc/usdt"):
            await say(socket, type="subscribe", channel="book", exchange="binance", symbol=spelling)
        codes = [(await hear(socket)).get("code") for _ in range(7)]
        assert codes.count("too_many_subscriptions") == 1
        await say(socket, type="unsubscribe", channel="book", exchange="binance", symbol="btc-usdt")
        assert not live.market.held or (await hear(socket))["type"]
    async with live.stream("bob") as one, live.stream("bob") as two, connect(live.url) as three:
        assert one and two
        await say(three, type="auth", token=await live.token("bob"))
        assert (await hear(three))["code"] == "rate_limited"
        assert await closed(three) == 1008


@pytest.mark.parametrize(
    ("sent", "code"), [("{", 1008), (b"{}", 1008), ("x" * 2_001, 1009), ('{"a":NaN}', 1008)]
)
async def test_rubbish_twice_closes(live: Live, sent: str | bytes, code: int) -> None:
    async with live.stream() as socket:
        await socket.send(sent)
        assert (await hear(socket))["type"] == "error"
        await socket.send(sent)
        assert await closed(socket) == code


async def test_floods_are_closed(live: Live) -> None:
    async with live.stream() as socket:
        for _ in range(25):
            await say(socket, type="ping")
        assert await closed(socket) == 1008


async def test_order_events_replay_then_live_without_loss_or_doubling(live: Live) -> None:
    headers = await live.user()
    owner = await live.owner()
    answer = await live.http.post("/orders/twap", json=BODY, headers=headers)
    assert answer.status_code == 201
    order = next(iter(live.orders.orders.values()))
    for _ in range(1_200):
        live.orders.tell(owner, order)
    async with live.stream() as socket:
        await say(socket, type="subscribe", channel="orders", since=1)
        ack = await hear(socket)
        assert (ack["type"], ack["seq"]) == ("subscribed", 1_201)
        seqs = []
        for turn in range(1_300):
            if turn % 13 == 0:
                live.orders.tell(owner, order, live=turn % 2 == 1)
            seqs.append((await hear(socket))["seq"])
        assert seqs == list(range(2, 1_302))


async def test_a_gap_in_live_events_is_filled_from_the_records(live: Live) -> None:
    async with live.stream() as socket:
        await live.http.post("/orders/twap", json=BODY, headers=await live.user())
        owner, order = await live.owner(), next(iter(live.orders.orders.values()))
        await say(socket, type="subscribe", channel="orders")
        assert (await hear(socket))["seq"] == 1
        live.orders.tell(owner, order, live=False)
        live.orders.tell(owner, order, live=False)
        live.orders.tell(owner, order)
        assert [(await hear(socket))["seq"] for _ in range(3)] == [2, 3, 4]


async def test_events_of_others_never_come(live: Live) -> None:
    async with live.stream("eve") as eve:
        await say(eve, type="subscribe", channel="orders", since=0)
        assert (await hear(eve))["seq"] == 0
        await live.http.post("/orders/twap", json=BODY, headers=await live.user("ada"))
        await say(eve, type="ping")
        assert (await hear(eve))["type"] == "pong"


async def test_expiry_closes_unless_signed_in_again(live: Live) -> None:
    async with live.stream() as kept, live.stream() as lost:
        await live.clock.advance(800)
        await say(kept, type="auth", token=await live.token())
        assert (await hear(kept))["type"] == "authenticated"
        await live.clock.advance(101)
        assert (await hear(lost))["code"] == "not_authenticated"
        assert await closed(lost) == 1008
        await say(kept, type="ping")
        assert (await hear(kept))["type"] == "pong"


async def test_logging_out_ends_the_feed(live: Live) -> None:
    headers = await live.user()
    async with connect(live.url, additional_headers=headers) as socket:
        await hear(socket)
        await live.http.post("/auth/logout", headers=headers)
        await live.clock.advance(1)
        assert await closed(socket) == 1008


async def test_another_users_token_does_not_take_over(live: Live) -> None:
    async with live.stream("ada") as socket:
        await say(socket, type="auth", token=await live.token("eve"))
        assert (await hear(socket))["code"] == "not_permitted"
        assert await closed(socket) == 1008


async def test_the_server_says_come_back(live: Live) -> None:
    async with live.stream() as socket, connect(live.url) as waiting:
        await say(socket, type="subscribe", channel="book", symbol="BTCUSDT")
        await hear(socket)
        await live.parts.sessions.close_all()
        assert await closed(socket) == 1012
        assert await closed(waiting) == 1012
        assert len(live.parts.sessions) == 0
        assert not live.market.held
        with pytest.raises(InvalidStatus):
            async with connect(live.url):
                pass


async def test_a_slow_reader_is_closed_and_others_go_on() -> None:
    stream = StreamConfig.model_validate({"send_timeout": "PT0.2S", "max_messages_per_second": 100_000})
    async with serving(ApiConfig(passwords=CHEAP, stream=stream)) as live:
        await live.http.post("/orders/twap", json=BODY, headers=await live.user())
        owner, order = await live.owner(), next(iter(live.orders.orders.values()))
        for _ in range(30_000):
            live.orders.tell(owner, order, live=False)
        async with live.stream() as quick:
            slow = await connect(live.url, max_queue=1, compression=None)
            await say(slow, type="auth", token=await live.token())
            await say(slow, type="subscribe", channel="orders", since=0)
            async with asyncio.timeout(20):
                while len(live.parts.sessions) > 1:
                    await say(quick, type="ping")
                    assert (await hear(quick))["type"] == "pong"
                    await asyncio.sleep(0.02)
            slow.transport.abort()
