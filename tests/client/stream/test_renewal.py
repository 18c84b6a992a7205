"""A sign-in that ends while a stream is open is renewed on the open connection: nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from support.api.desk import CHEAP
from support.api.live import Live, serving
from twap_client import ClientConfig, Disconnected, TwapClient
from twap_client.stream.renewal import Renewal
from twap_client.testing import Reply, ScriptedServer, book, order
from twap_models.stream import Authenticate
from twap_server.api.config import ApiConfig, TokenConfig

BTC = "binance:BTC-USDT"


def tokens(server: ScriptedServer) -> list[str]:
    return [item.token for item in server.feed.received if isinstance(item, Authenticate)]


async def heard(server: ScriptedServer, count: int) -> None:
    """Wait until so many sign-ins came over the stream."""
    async with asyncio.timeout(5):
        while len(tokens(server)) < count:
            server.feed._changed.clear()
            await server.feed._changed.wait()


async def test_a_sign_in_is_renewed_on_the_open_connection(
    server: ScriptedServer, client: TwapClient
) -> None:
    server.token_lifetime_s = 1
    async with client.stream([BTC], orders=True) as stream:
        await server.subscribed(BTC, "orders")
        server.token_lifetime_s = 900
        await heard(server, 2)
        sent = server.push_event("accepted", order())
        server.push_book(book())
        assert [await anext(stream), await anext(stream)] == [sent, book()]
    assert tokens(server) == ["access-1", "access-2"]
    assert (server.refreshes, len(server.feed._signed_in)) == (1, 1)


async def test_a_renewal_that_fails_is_tried_again(server: ScriptedServer, client: TwapClient) -> None:
    server.token_lifetime_s = 1
    server.script("POST", "/auth/refresh", Reply(status=503), Reply(cut=True))
    async with client.stream([BTC]):
        await server.subscribed(BTC)
        server.token_lifetime_s = 900
        await heard(server, 2)
        assert len(server.feed.sockets) == 1
    assert tokens(server)[-1] != "access-1"


async def test_an_api_key_needs_no_renewal(server: ScriptedServer, config: ClientConfig) -> None:
    async with TwapClient(config=config, api_key="key") as client:
        assert client._sign_in.seconds_left() is None
        async with asyncio.timeout(1):
            await Renewal(None, client._sign_in, config).run()  # type: ignore[arg-type]


async def test_a_sign_in_that_cannot_be_renewed_ends_with_the_server(
    server: ScriptedServer, config: ClientConfig
) -> None:
    server.token_lifetime_s = 1
    async with TwapClient(config=config) as client:
        await client.accounts.login("ada", "correct horse")
        async with client.stream([BTC]) as stream:
            await server.subscribed(BTC)
            server.revoke(refresh=True)
            await server.requested("POST", "/auth/refresh")
            server.push_book(book())
            assert await anext(stream) == book()


@asynccontextmanager
async def short_lived() -> AsyncIterator[tuple[Live, TwapClient]]:
    config = ApiConfig(passwords=CHEAP, tokens=TokenConfig(access_lifetime=timedelta(seconds=2)))
    async with serving(config) as live:
        url = str(live.http.base_url)
        async with TwapClient(url) as client:
            await client.accounts.register("ada", "correct horse")
        brief = replace(ClientConfig(base_url=url), reconnect_first=timedelta(milliseconds=5))
        async with TwapClient(config=brief, username="ada", password="correct horse") as client:
            yield live, client


async def test_a_real_server_keeps_the_connection_beyond_the_first_sign_in() -> None:
    async with short_lived() as (live, client), client.stream(orders=True) as stream:
        await stream.ready()
        (session,) = live.services.sessions._open
        first = session._caller.expires
        await live.clock.advance(1)
        async with asyncio.timeout(10):
            while session._caller.expires == first:
                await asyncio.sleep(0)
        await live.clock.advance(1.5)  # the first token has ended
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(stream)
        await live.clock.advance(10)  # and so has whatever came after
        lost = await anext(stream)
        assert isinstance(lost, Disconnected)
        assert lost.reason == "the sign-in of this connection has ended: signing in again"
