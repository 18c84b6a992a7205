"""API keys on ``/ws``: what opens a stream, and what ends it (F147)."""

import asyncio

import pytest
from websockets.asyncio.client import connect

from support.api.key_rings import NOW, READ, TRADE, key_with, make
from support.api.live import Live, closed, hear, say
from twap_client import NotPermitted, TwapClient
from twap_server.domain.clock import SECOND


async def test_a_key_that_may_read_follows_orders_until_its_end(live: Live) -> None:
    key = await key_with(live, READ, expires="+30s")
    async with connect(live.url, additional_headers=key) as socket:
        greeting = await hear(socket)
        assert (greeting["type"], greeting["expires_at"]) == (
            "authenticated",
            "2026-09-21T14:13:50.000000Z",
        )
        await say(socket, type="subscribe", channel="orders")
        assert (await hear(socket))["type"] == "subscribed"
        await live.clock.advance(29)
        await say(socket, type="ping")
        assert (await hear(socket))["type"] == "pong"
        await live.clock.advance(2)
        assert (await hear(socket))["code"] == "not_authenticated"
        assert await closed(socket) == 1008


async def test_a_key_without_an_end_is_greeted_as_ever(live: Live) -> None:
    key = await key_with(live, READ)
    async with connect(live.url, additional_headers=key) as socket:
        assert (await hear(socket))["expires_at"] is None


@pytest.mark.parametrize("in_header", [True, False])
async def test_a_key_that_may_only_trade_opens_no_stream(live: Live, in_header: bool) -> None:
    key = await key_with(live, TRADE)
    async with connect(live.url, additional_headers=key if in_header else None) as socket:
        if not in_header:
            await say(socket, type="auth", token=key["X-API-Key"])
        told = await hear(socket)
        assert (told["code"], "lacks the scope read" in told["message"]) == ("not_permitted", True)
        assert await closed(socket) == 1008


async def test_a_key_that_may_only_trade_does_not_renew_a_stream(live: Live) -> None:
    key = await key_with(live, TRADE)
    async with live.stream() as socket:
        await say(socket, type="auth", token=key["X-API-Key"])
        assert (await hear(socket))["code"] == "not_permitted"
        assert await closed(socket) == 1008


@pytest.mark.parametrize("way", ["key", "keys", "everything"])
async def test_a_stream_ends_with_its_key(live: Live, way: str) -> None:
    headers = await live.user()
    made = await make(live, headers)
    url = {
        "key": f"/auth/keys/{made['key_id']}",
        "keys": "/auth/keys",
        "everything": "/auth/sessions?keys=true",
    }[way]
    async with connect(live.url, additional_headers={"X-API-Key": made["key"]}) as socket:
        assert (await hear(socket))["type"] == "authenticated"
        assert (await live.http.delete(url, headers=headers)).status_code == 204
        await live.clock.advance(1)
        assert (await hear(socket))["code"] == "not_authenticated"
        assert await closed(socket) == 1008


async def test_an_open_stream_is_a_use_of_its_key(live: Live) -> None:
    key = await key_with(live, READ)
    async with connect(live.url, additional_headers=key) as socket:
        await hear(socket)
        await live.clock.advance(121)
        await say(socket, type="ping")
        await hear(socket)
        (stored,) = live.accounts.keys_by_hash.values()
        assert stored.last_used is not None and stored.last_used > (NOW + 60) * SECOND


async def test_our_client_is_told_once_and_for_all(live: Live) -> None:
    key = await key_with(live, TRADE)
    async with TwapClient(str(live.http.base_url), api_key=key["X-API-Key"]) as client, asyncio.timeout(20):
        with pytest.raises(NotPermitted, match="lacks the scope read"):
            async for _ in client.stream(orders=True):
                """Nothing comes."""
