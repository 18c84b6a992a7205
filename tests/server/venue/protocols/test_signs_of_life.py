"""Exchanges that ask for signs of life: who answers each stays, who owes several is cut."""

import asyncio
import gzip
import json
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from support.collector.parts import HastyClock
from support.collector.stepped import SteppedSource
from support.venue.wire_client import connect
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.protocols import cryptocom, htx
from twap_server.venue.server import Venue

asking = pytest.mark.parametrize("protocol", [cryptocom.PROTOCOL, htx.PROTOCOL], ids=lambda one: one.name)
ENOUGH = 10
"""More questions than any of them leaves without an answer."""


def read(raw: str | bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(gzip.decompress(raw) if isinstance(raw, bytes) else raw)
    return told


def answer(told: dict[str, Any]) -> str:
    """What the exchange waits for; empty where it asked nothing."""
    if "ping" in told:
        return json.dumps({"pong": told["ping"]})
    if told.get("method") == "public/heartbeat":
        return json.dumps({"id": told["id"], "method": "public/respond-heartbeat"})
    return ""


@asking
async def test_who_answers_stays_and_who_does_not_is_cut(protocol: VenueProtocol) -> None:
    async with Venue(SteppedSource(protocol), clock=HastyClock()) as venue, asyncio.timeout(20):
        url = venue.urls()[protocol.name]["ws_url"]
        async with connect(url) as socket:
            answered = 0
            while answered < ENOUGH:
                if text := answer(read(await socket.recv())):
                    await socket.send(text)
                    answered += 1
        async with connect(url) as socket:
            asked = 0
            with suppress(ConnectionClosed):
                while True:
                    asked += bool(answer(read(await socket.recv())))
        assert 1 < asked < ENOUGH
