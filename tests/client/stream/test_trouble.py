"""A stream that does not connect, is refused, asks for much, or comes back: what is told, and when."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from websockets.http11 import Request
from websockets.server import ServerProtocol

from support.api.desk import CHEAP
from support.api.fakes import listed
from support.api.live import Live, serving
from support.certificates import untrusted
from twap_client import (
    ClientConfig,
    ConnectFailed,
    Disconnected,
    MemoryTokenStore,
    NotAuthenticated,
    NotReady,
    Reconnected,
    StreamClosed,
    StreamItem,
    Tokens,
    TwapClient,
    TwapStream,
    UsageError,
)
from twap_client._backoff import Backoff
from twap_client._connection import Connection
from twap_client._pace import Pace
from twap_client.testing import ScriptedServer, book, order
from twap_models import BookMessage
from twap_models.stream import StreamError, Subscribe
from twap_server.api.config import ApiConfig, TokenConfig

BTC = "binance:BTC-USDT"
BRIEF = timedelta(milliseconds=5)


@asynccontextmanager
async def desk(config: ApiConfig | None = None) -> AsyncIterator[tuple[Live, ClientConfig]]:
    """A real server with the account ada, whose clock goes on by itself."""
    async with serving(config or ApiConfig(passwords=CHEAP)) as live:
        began, start = time.monotonic_ns(), live.clock.time
        live.clock.monotonic = lambda: start + time.monotonic_ns() - began  # type: ignore[method-assign]
        await live.user()
        yield live, ClientConfig(base_url=str(live.http.base_url))


def ada(config: ClientConfig) -> TwapClient:
    return TwapClient(config=config, username="ada", password="correct horse")


async def next_of(stream: TwapStream, kind: type[StreamItem]) -> list[StreamItem]:
    """Everything up to the first item of this kind."""
    found: list[StreamItem] = []
    async with asyncio.timeout(10):
        while not (found and isinstance(found[-1], kind)):
            found.append(await anext(stream))
    return found


# A stream that never connects


async def test_a_wrong_port_is_told_at_once_and_ready_says_why() -> None:
    config = ClientConfig(base_url="http://127.0.0.1:1", api_key="key")
    async with TwapClient(config=config) as client, client.stream([BTC]) as stream:
        async with asyncio.timeout(2):
            first = await anext(stream)
        assert isinstance(first, Disconnected) and "nothing listens there" in first.reason
        for within in (0.05, timedelta(seconds=0.05)):
            with pytest.raises(NotReady, match=r"not ready within 0.05 s: .*nothing listens there") as caught:
                await stream.ready(timeout=within)
            assert isinstance(caught.value, TimeoutError)


async def test_a_mute_server_is_no_ready_stream(server: ScriptedServer, config: ClientConfig) -> None:
    async with ada(config) as client, client.stream([BTC]) as stream:
        await server.subscribed(BTC)
        await stream.ready(timeout=5)
        server.feed.mute = True
        await stream.subscribe("kraken:BTC-USD")
        with pytest.raises(NotReady, match="the server has not answered every subscription yet"):
            await stream.ready(timeout=0.05)


async def test_a_certificate_that_is_not_trusted_is_raised(tmp_path: Path) -> None:
    async with await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=untrusted(tmp_path)
    ) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with TwapClient(f"https://127.0.0.1:{port}", api_key="key") as client:
            first, second = client.stream([BTC]), client.stream(orders=True)
            for begun in (first, second):
                async with asyncio.timeout(5), begun as stream:
                    with pytest.raises(ConnectFailed, match="certificate is not trusted") as caught:
                        await (anext(stream) if begun is first else stream.ready())
                    assert caught.value.reason == "tls"


async def test_a_server_of_another_kind_is_raised() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with (
            TwapClient(f"http://127.0.0.1:{port}", api_key="key") as client,
            asyncio.timeout(5),
            client.stream([BTC]) as stream,
        ):
            with pytest.raises(ConnectFailed, match=r"answered 404: is the address that of a twap") as caught:
                await stream.ready()
            assert caught.value.reason == "not_twap"


async def test_the_ninth_stream_says_why_and_comes_in_when_another_ends() -> None:
    async with desk() as (_, config), ada(replace(config, reconnect_cap=BRIEF)) as client:
        async with AsyncExitStack() as streams:
            for _ in range(8):
                await (await streams.enter_async_context(client.stream([BTC]))).ready()
            ninth = client.stream([BTC])
            async with asyncio.timeout(5):
                (told,) = [await anext(ninth)]
            assert isinstance(told, Disconnected) and "at most 8 connections per user" in told.reason
            with pytest.raises(NotReady, match="at most 8 connections per user"):
                await ninth.ready(timeout=0.05)
        await ninth.ready(timeout=5)
        await ninth.aclose()


async def test_a_refused_api_key_is_raised_at_the_first_attempt() -> None:
    async with desk() as (_, config), TwapClient(config=config, api_key="twap_wrong") as client:
        stream = client.stream([BTC])
        with pytest.raises(NotAuthenticated):
            await stream.ready(timeout=5)
        assert stream._attempts == 1


async def test_what_a_server_said_before_it_closed_is_read(config: ClientConfig) -> None:
    """With a key in the upgrade it refuses and closes while the client still speaks: it was tried again."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(await reader.readuntil(b"\r\n\r\n"))
        (handshake,) = protocol.events_received()
        assert isinstance(handshake, Request)
        protocol.send_response(protocol.accept(handshake))
        protocol.send_text(StreamError(code="not_authenticated", message="no such key").to_json())
        protocol.send_close(1008)
        writer.write(b"".join(protocol.data_to_send()))
        await reader.read()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        there = replace(config, base_url=f"http://127.0.0.1:{port}", api_key="key")
        with pytest.raises(NotAuthenticated, match="no such key"):
            await Connection.open("key", there)


async def test_retries_and_returns_are_logged(
    server: ScriptedServer, client: TwapClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "twap_client")
    async with client.stream([BTC]) as stream:
        await stream.ready()
        server.feed.drop(1012)
        await next_of(stream, Reconnected)
    said = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert said[0] == (
        "twap_client",
        "WARNING",
        "the stream has no connection: the server closed the connection (1012)",
    )
    assert [level for _, level, _ in said[1:3]] == ["INFO", "INFO"]
    assert "tried again in" in said[1][2] and "connected again after" in said[2][2]


# Many subscriptions, and the way back


@pytest.mark.parametrize("one_by_one", [False, True])
async def test_as_many_books_as_the_server_takes(*, one_by_one: bool) -> None:
    names = [f"C{number}-USDT" for number in range(128)]
    async with desk() as (live, config):
        live.market.listed["binance"] = {name: listed("binance", name) for name in names}
        books = [f"binance:{name}" for name in names]
        async with ada(config) as client, client.stream([] if one_by_one else books) as stream:
            if one_by_one:
                await asyncio.gather(*(stream.subscribe(name) for name in books))
            await stream.ready(timeout=20)
            assert stream._attempts == 0 and not stream._down
            assert len(live.market.held) == 128
        items = [await anext(stream) for _ in range(128)]
        assert {type(item) for item in items} == {BookMessage}


@pytest.mark.looptime
async def test_a_pace_is_some_at_once_and_then_so_many_a_second() -> None:
    loop = asyncio.get_running_loop()
    pace, began, sent = Pace(at_once=30, a_second=40), loop.time(), []
    for _ in range(129):
        await pace.take()
        sent.append(loop.time() - began)
    assert sent[29] == 0 and sent[-1] == pytest.approx(99 / 40, abs=0.01)
    assert max(sum(one <= at < one + 1 for at in sent) for one in sent) <= 71


async def test_what_changes_before_it_was_told_is_not_told(
    server: ScriptedServer, client: TwapClient
) -> None:
    async with client.stream([BTC]) as stream:
        await stream.unsubscribe(BTC)
        await stream.subscribe("kraken:BTC-USD")
        await stream.subscribe("kraken:BTC-USD")
        await stream.ready()
        told = [item.exchange for item in server.feed.received if isinstance(item, Subscribe)]
    assert told == ["kraken"]


def test_the_first_attempt_is_at_once_and_the_waits_have_a_cap() -> None:
    config = ClientConfig()
    backoff = Backoff(config.reconnect_first, config.reconnect_cap, at_once=True, draw=lambda _, most: most)
    assert [backoff.next_delay() for _ in range(7)] == [0, 0.5, 1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next_delay() == 0
    backoff.reset(at_once=False)
    assert [backoff.next_delay() for _ in range(2)] == [0.5, 1]


async def test_the_first_delivery_makes_the_waits_short_again(
    server: ScriptedServer, config: ClientConfig
) -> None:
    patient = replace(config, reconnect_cap=timedelta(seconds=30))
    async with ada(patient) as client, client.stream([BTC]) as stream:
        await stream.ready()
        stream._backoff.attempts = 3
        server.feed.drop(1012)
        await next_of(stream, Reconnected)
        await stream.ready()
        assert stream._backoff.attempts == 4, "an answer is no delivery"
        server.push_book(book())
        await anext(stream)
        assert stream._backoff.attempts <= 1


async def test_unread_books_go_with_the_connection(server: ScriptedServer, client: TwapClient) -> None:
    async with client.stream([BTC], orders=True) as stream:
        await stream.ready()
        server.push_book(book(seq=7))
        event = server.push_event("accepted", order())
        await stream.subscribe("kraken:BTC-USD")
        await stream.ready()  # both have come, and nobody has read them
        server.feed.drop(1012)
        async with asyncio.timeout(5):
            while not stream._down:
                await asyncio.sleep(0)
        assert await anext(stream) == event
        assert [type(item) for item in await next_of(stream, Reconnected)] == [Disconnected, Reconnected]
        await server.subscribed(BTC, "orders", times=2)
        server.push_book(book(seq=8))
        assert await anext(stream) == book(seq=8)


async def test_a_kept_sign_in_that_says_no_end_is_renewed_on_the_connection() -> None:
    """Tokens of a user's own may lack ``expires_at``: the server says it when it accepts them."""
    lifetime = TokenConfig(access_lifetime=timedelta(seconds=2))
    async with desk(ApiConfig(passwords=CHEAP, tokens=lifetime)) as (live, config):
        answer = await live.sign_in()
        kept = Tokens(access_token=answer["access_token"], refresh_token=answer["refresh_token"])
        brief = replace(config, reconnect_first=BRIEF)
        async with (
            TwapClient(config=brief, token_store=MemoryTokenStore(kept)) as client,
            client.stream(orders=True) as stream,
        ):
            await stream.ready()
            assert client._sign_in.seconds_left() is not None


# One stream, one reader, once


async def test_a_stream_that_is_over_says_so(server: ScriptedServer, client: TwapClient) -> None:
    async def push() -> None:
        await server.subscribed(BTC)
        server.push_book(book())

    stream = client.stream([BTC])
    async with asyncio.TaskGroup() as group:
        group.create_task(push())
        async for _ in stream:
            break
    with pytest.raises(StreamClosed, match="a loop without async with closes it when it is left"):
        async for _ in stream:
            pass
    await stream.aclose()
    said = r"this stream was closed: open another one with client\.stream"
    with pytest.raises(StreamClosed, match=said):
        await stream.ready()
    with pytest.raises(StreamClosed, match=said):
        async with stream:
            pass


async def test_two_readers_of_one_stream_are_told(server: ScriptedServer, client: TwapClient) -> None:
    async with client.stream([BTC]) as stream, asyncio.TaskGroup() as group:
        await stream.ready()
        first = group.create_task(anext(stream))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        with pytest.raises(UsageError, match="open one stream for each reader"):
            await anext(stream)
        server.push_book(book())
        assert await first == book()
        server.push_book(book(seq=2))
        assert await anext(stream) == book(seq=2)
