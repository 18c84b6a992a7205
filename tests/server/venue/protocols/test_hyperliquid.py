"""What the simulated Hyperliquid does to who asks wrongly, or says nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError

from support.collector.parts import HastyClock
from support.collector.stepped import SteppedSource
from support.venue.wire_client import connect
from twap_server.clock import SystemClock
from twap_server.domain.clock import Clock
from twap_server.venue.protocols.hyperliquid import PROTOCOL
from twap_server.venue.server import Venue

BOOK = {"type": "l2Book", "coin": "BTC"}


@asynccontextmanager
async def connected(clock: Clock | None = None) -> AsyncIterator[ClientConnection]:
    async with Venue(SteppedSource(PROTOCOL), clock=clock or SystemClock()) as venue:
        url = venue.urls()["hyperliquid"]["ws_url"]
        async with connect(url) as socket, asyncio.timeout(10):
            assert await socket.recv() == "Websocket connection established."
            yield socket


async def told(socket: ClientConnection, channel: str) -> Any:
    """The next message of a channel."""
    while True:
        message = json.loads(await socket.recv())
        if message["channel"] == channel:
            return message["data"]


def request(method: str, subscription: object) -> str:
    return json.dumps({"method": method, "subscription": subscription})


async def closed_without_a_word(socket: ClientConnection) -> bool:
    try:
        while True:
            await socket.recv()
    except ConnectionClosedError as error:
        return error.rcvd is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"coin": "NOPE"},
        {"coin": "btc"},
        {"nSigFigs": 6},
        {"mantissa": 2},
        {"nSigFigs": 5, "mantissa": 3},
    ],
    ids=json.dumps,
)
async def test_what_it_cannot_tell_closes_the_connection(wrong: dict[str, object]) -> None:
    async with connected() as socket:
        await socket.send(request("subscribe", BOOK | wrong))
        assert await closed_without_a_word(socket)


async def test_a_book_is_told_at_once_and_again_though_nothing_changed() -> None:
    async with connected() as socket:
        await socket.send(request("subscribe", BOOK | {"fast": True}))
        asked = BOOK | {"nSigFigs": None, "mantissa": None, "fast": True}
        assert await told(socket, "subscriptionResponse") == {"method": "subscribe", "subscription": asked}
        first = await told(socket, "l2Book")
        assert [len(side) for side in first["levels"]] == [5, 5]
        assert (await told(socket, "l2Book"))["levels"] == first["levels"]


async def test_a_second_subscription_and_what_is_none_are_refused_in_words() -> None:
    async with connected() as socket:
        await socket.send(request("subscribe", BOOK))
        await socket.send(request("subscribe", BOOK))
        assert (await told(socket, "error")).startswith('Already subscribed: {"type":"l2Book","coin":"BTC"')
        await socket.send(request("subscribe", [BOOK]))
        assert (await told(socket, "error")).startswith("Error parsing JSON")


async def test_a_connection_on_which_nothing_is_said_is_cut() -> None:
    async with connected(HastyClock()) as socket:
        assert await closed_without_a_word(socket)


@pytest.mark.parametrize(
    ("asked", "status", "answer"),
    [
        ({"type": "nope"}, 422, "Failed to deserialize"),
        ({"type": "candleSnapshot"}, 422, "Failed to deserialize"),
        ({"type": "candleSnapshot", "req": {"coin": "BTC", "interval": "7m", "startTime": 0}}, 422, "Failed"),
        ({"type": "l2Book", "coin": "NOPE"}, 200, "null"),
    ],
    ids=["no question", "no range", "no interval", "no coin"],
)
async def test_a_question_that_is_wrong_is_refused(asked: dict[str, Any], status: int, answer: str) -> None:
    async with Venue(SteppedSource(PROTOCOL), clock=SystemClock()) as venue, httpx.AsyncClient() as client:
        got = await client.post(venue.urls()["hyperliquid"]["rest_url"] + "/info", json=asked)
    assert got.status_code == status
    assert answer in got.text
