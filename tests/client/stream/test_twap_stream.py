"""The stream: what it restores, what it drops, what it tells, and that it leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from twap_client import (
    ClientConfig,
    Disconnected,
    Gap,
    NotAuthenticated,
    ProtocolMismatch,
    Reconnected,
    StreamItem,
    SubscriptionRefused,
    TwapClient,
    UsageError,
)
from twap_client._connection import _end_in_words
from twap_client.stream.mailbox import Mailbox
from twap_client.testing import ScriptedServer, book, order
from twap_models import BookMessage, OrderEvent
from twap_models.stream import Ping, StreamError, Subscribe

BTC, ALL = "binance:BTC-USDT", "aggregate:BTC-USDT"


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    """Whatever a test does, the tasks after it are those before it."""
    before = asyncio.all_tasks()
    yield
    assert asyncio.all_tasks() - before <= {asyncio.current_task()}


async def take(stream: AsyncIterator[StreamItem], count: int) -> list[StreamItem]:
    async with asyncio.timeout(5):
        return [await anext(stream) for _ in range(count)]


def wanted(server: ScriptedServer) -> list[tuple[str, str | None, int | None]]:
    return [
        (item.channel, item.exchange, item.since)
        for item in server.feed.received
        if isinstance(item, Subscribe)
    ]


async def test_books_and_order_events(server: ScriptedServer, client: TwapClient) -> None:
    async with client.stream([BTC, ALL], orders=True) as stream:
        await stream.ready()
        await server.subscribed(BTC, ALL, "orders")
        server.push_book(book(BTC))
        server.push_book(book(ALL, missing=["kraken"]))
        sent = server.push_event("accepted", order())
        items = await take(stream, 3)
    assert sent in items and book(BTC) in items and book(ALL, missing=["kraken"]) in items
    assert [item[:2] for item in wanted(server)] == [
        ("book", "binance"),
        ("book", "aggregate"),
        ("orders", None),
    ]


async def test_a_bare_loop_closes_the_socket_when_left(server: ScriptedServer, client: TwapClient) -> None:
    async def push() -> None:
        await server.subscribed(BTC)
        server.push_book(book(BTC))

    async with asyncio.TaskGroup() as group:
        group.create_task(push())
        async for item in client.stream([BTC]):
            assert item == book(BTC)
            break
    async with asyncio.timeout(1):
        await server.feed.closed()


async def test_reconnect_restores_the_wanted_set(server: ScriptedServer, client: TwapClient) -> None:
    async with client.stream([BTC], orders=True) as stream:
        await server.subscribed(BTC, "orders")
        first = server.push_event("accepted", order())
        assert await take(stream, 1) == [first]
        await stream.subscribe(ALL)
        await stream.unsubscribe(BTC)
        await server.subscribed(ALL, "orders")
        server.feed.drop()
        missed = server.push_event("working", order())
        lost, back, event = await take(stream, 3)
        await server.subscribed(ALL, "orders", times=2)
        server.push_book(book(BTC))
        server.push_book(book(ALL))
        assert await take(stream, 1) == [book(ALL)]
    assert isinstance(lost, Disconnected)
    assert isinstance(back, Reconnected)
    assert back.attempts >= 1 and back.downtime >= timedelta(0)
    assert event == missed
    assert wanted(server)[-2:] == [("orders", None, 1), ("book", "aggregate", None)]


async def test_since_replays_first(server: ScriptedServer, client: TwapClient) -> None:
    events = [server.push_event("slice", order()) for _ in range(4)]
    async with client.stream(orders=True, since=2) as stream:
        assert await take(stream, 2) == events[2:]


async def test_repeats_are_dropped_and_a_gap_is_told_once(server: ScriptedServer, client: TwapClient) -> None:
    async with client.stream(orders=True) as stream:
        await stream.ready()
        events = [server.push_event("slice", order()) for _ in range(2)]
        for event in (*events, events[0]):
            server.feed.push_event(event, record=False)
        later = events[1].model_copy(update={"seq": 7})
        server.feed.push_event(later, record=False)
        server.feed.push_event(later.model_copy(update={"seq": 8}), record=False)
        items = await take(stream, 5)
    assert items[:3] == [*events, Gap(channel="orders", expected=3, got=7)]
    assert [item.seq for item in items[3:] if isinstance(item, OrderEvent)] == [7, 8]


async def test_a_server_that_counts_anew_is_one_gap(server: ScriptedServer, client: TwapClient) -> None:
    async with client.stream(orders=True) as stream:
        await stream.ready()
        for _ in range(3):
            server.push_event("slice", order())
        await take(stream, 3)
        server.feed.events.clear()
        server.feed.drop(1012)
        await server.subscribed("orders", times=2)
        server.push_event("slice", order())
        items = await take(stream, 4)
    assert isinstance(items[0], Disconnected) and isinstance(items[1], Reconnected)
    assert items[2] == Gap(channel="orders", expected=4, got=0)
    assert isinstance(items[3], OrderEvent) and items[3].seq == 1


async def test_a_restarted_server_counts_anew(server: ScriptedServer, client: TwapClient) -> None:
    """Its books are taken, though their numbers are below those before the restart."""
    async with client.stream([BTC]) as stream:
        await server.subscribed(BTC)
        server.push_book(book(BTC, seq=4_000))
        assert await take(stream, 1) == [book(BTC, seq=4_000)]
        server.feed.drop(1012)
        await server.subscribed(BTC, times=2)
        server.push_book(book(BTC, seq=1))
        items = await take(stream, 3)
    assert items[0] == Disconnected(reason="the server closed the connection (1012)")
    assert isinstance(items[1], Reconnected)
    assert items[2] == book(BTC, seq=1)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Close(1012, "the server restarts"), "the server closed the connection: the server restarts (1012)"),
        (None, "the stream's connection ended: no close frame received or sent"),
    ],
)
def test_the_end_of_a_connection_is_told_in_the_servers_words(told: Close | None, words: str) -> None:
    assert _end_in_words(ConnectionClosedError(told, None)) == words


async def test_an_older_book_is_dropped_an_equal_one_is_not(
    server: ScriptedServer, client: TwapClient
) -> None:
    async with client.stream([BTC], orders=True) as stream:
        await stream.ready()
        for seq, age in ((5, 1), (4, 2), (5, 3)):
            server.push_book(book(BTC, seq=seq, age_ms=age))
            if age != 2:
                (item,) = await take(stream, 1)
                assert isinstance(item, BookMessage) and (item.seq, item.age_ms) == (5, age)


async def test_a_slow_reader_gets_the_newest_book_and_every_event(
    server: ScriptedServer, client: TwapClient
) -> None:
    async with client.stream([BTC, ALL], orders=True) as stream:
        await stream.ready()
        for seq in range(1, 201):
            server.push_book(book(BTC, seq=seq))
            server.push_book(book(ALL, seq=seq))
            server.push_event("slice", order())
        await stream.subscribe("kraken:BTC-USD")
        await server.subscribed("kraken:BTC-USD")
        server.push_book(book("kraken:BTC-USD"))
        items: list[StreamItem] = []
        while book("kraken:BTC-USD") not in items:
            items += await take(stream, 1)
    books = [item for item in items if isinstance(item, BookMessage)]
    assert [item.seq for item in items if isinstance(item, OrderEvent)] == list(range(1, 201))
    assert len(books) < 400
    for name in ("binance", "aggregate"):
        numbers = [item.seq for item in books if item.exchange == name]
        assert numbers == sorted(set(numbers)) and numbers[-1] == 200


async def test_the_mailbox_keeps_the_newest_book_of_each_and_all_events() -> None:
    mailbox = Mailbox(1000)
    gap = Gap(channel="orders", expected=1, got=2)
    for seq in range(1, 101):
        mailbox.put_book(book(BTC, seq=seq))
        mailbox.put_book(book(ALL, seq=seq))
        await mailbox.put(gap)
    mailbox.close()
    read = [await mailbox.get() for _ in range(102)]
    assert read == [gap] * 100 + [book(BTC, seq=100), book(ALL, seq=100)]
    with pytest.raises(StopAsyncIteration):
        await mailbox.get()


async def test_events_wait_when_the_buffer_is_full(server: ScriptedServer, config: ClientConfig) -> None:
    small = replace(config, event_capacity=3)
    async with (
        TwapClient(config=small, username="ada", password="correct horse") as client,
        client.stream(orders=True) as stream,
    ):
        await stream.ready()
        for _ in range(50):
            server.push_event("slice", order())
        items = await take(stream, 50)
    assert [item.seq for item in items if isinstance(item, OrderEvent)] == list(range(1, 51))


async def test_silence_is_answered_by_a_ping_then_counts_as_lost(
    server: ScriptedServer, config: ClientConfig
) -> None:
    alert = replace(config, ping_after=timedelta(milliseconds=30), silence_limit=timedelta(milliseconds=90))
    async with (
        TwapClient(config=alert, username="ada", password="correct horse") as client,
        client.stream([BTC]) as stream,
    ):
        await server.subscribed(BTC)
        async with asyncio.timeout(5):
            while sum(isinstance(item, Ping) for item in server.feed.received) < 4:
                await asyncio.wait_for(server.feed._changed.wait(), 5)
                server.feed._changed.clear()
        assert len(server.feed.sockets) == 1
        server.feed.mute = True
        (lost,) = await take(stream, 1)
        server.feed.mute = False
        (back,) = await take(stream, 1)
    assert isinstance(lost, Disconnected) and "nothing was heard for 0.09 s" in lost.reason
    assert isinstance(back, Reconnected)


async def test_every_connection_signs_in_with_a_valid_token(
    server: ScriptedServer, client: TwapClient
) -> None:
    async with client.stream(orders=True) as stream:
        await stream.ready()
        server.revoke()
        server.feed.drop(1008)
        items = await take(stream, 2)
        await server.subscribed("orders", times=2)
    assert isinstance(items[1], Reconnected)
    assert server.refreshes == 1


async def test_a_refused_sign_in_is_raised_once(server: ScriptedServer, config: ClientConfig) -> None:
    async with TwapClient(config=config) as client:
        with pytest.raises(NotAuthenticated):
            async for _ in client.stream([BTC]):
                pass
        await client.accounts.login("ada", "correct horse")
        async with client.stream([BTC]) as stream:
            await server.subscribed(BTC)
            server.revoke(refresh=True)
            server.feed.drop()
            assert isinstance((await take(stream, 1))[0], Disconnected)
            with pytest.raises(NotAuthenticated):
                await take(stream, 1)
            with pytest.raises(StopAsyncIteration):
                await take(stream, 1)
            with pytest.raises(NotAuthenticated):
                await client.stream(orders=True).ready()


async def test_it_starts_before_the_server_does(config: ClientConfig) -> None:
    async with ScriptedServer() as early:
        url = early.url
    nowhere = replace(config, base_url=url, api_key="key-1")
    async with TwapClient(config=nowhere) as client, client.stream([BTC]) as stream:
        (waiting,) = await take(stream, 1)
        assert isinstance(waiting, Disconnected) and "nothing listens there" in waiting.reason
        with pytest.raises(TimeoutError):  # told once, however often it is tried
            async with asyncio.timeout(0.1):
                await anext(stream)


async def test_a_refused_subscription_is_told_and_the_rest_lives(
    server: ScriptedServer, client: TwapClient
) -> None:
    async with client.stream([BTC]) as stream:
        socket = await server.subscribed(BTC)
        socket.send(StreamError(code="unknown_symbol", message="no symbol 'X'"))
        socket.send('{"type":"of_a_newer_server","price":1}')
        (refused,) = await take(stream, 1)
        server.push_book(book(BTC))
        assert await take(stream, 1) == [book(BTC)]
    assert isinstance(refused, SubscriptionRefused) and refused.code == "unknown_symbol"


async def test_another_protocol_is_raised(server: ScriptedServer, client: TwapClient) -> None:
    async with client.stream([BTC]) as stream:
        socket = await server.subscribed(BTC)
        socket.send("hello")
        with pytest.raises(ProtocolMismatch, match="hello"):
            await take(stream, 1)


async def test_closing_takes_less_than_a_second(server: ScriptedServer, client: TwapClient) -> None:
    loop = asyncio.get_running_loop()
    async with client.stream([BTC], orders=True) as stream:
        await stream.ready()
        started = loop.time()
    assert loop.time() - started < 1
    await stream.aclose()
    await server.feed.closed()


async def test_cancelling_the_reader_at_any_moment(server: ScriptedServer, config: ClientConfig) -> None:
    async def read() -> None:
        async with TwapClient(config=config, username="ada", password="correct horse") as client:
            async for _ in client.stream([BTC], orders=True):
                pass

    for turns in range(40):
        task = asyncio.ensure_future(read())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(1):
            with pytest.raises(asyncio.CancelledError):
                await task
    async with asyncio.timeout(1):
        await server.feed.closed()


async def test_an_error_of_the_reader_passes_unwrapped(server: ScriptedServer, config: ClientConfig) -> None:
    with pytest.raises(KeyError):
        async with (
            TwapClient(config=config, username="ada", password="correct horse") as client,
            client.stream([BTC]),
        ):
            await server.subscribed(BTC)
            raise KeyError("mine")


@pytest.mark.parametrize("name", ["BTC-USDT", "binance:", ":BTC"])
async def test_a_book_is_written_exchange_colon_symbol(client: TwapClient, name: str) -> None:
    with pytest.raises(ValueError, match="exchange:symbol"):
        client.stream([name])


async def test_a_closed_client_opens_no_stream(config: ClientConfig) -> None:
    client = TwapClient(config=config)
    with pytest.raises(UsageError, match="async with"):
        await anext(client.stream([BTC]))
    await client.aclose()
