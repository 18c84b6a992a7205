"""Readers of the order stream that note every event and come back after each kill.

One speaks the protocol itself and asks again for what it has seen already, so that a change shows; the other
is the client library, which must never report a gap.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from crash.journal import Journal, Wire, read
from twap_client import ClientConfig, Gap, SubscriptionRefused, TwapClient
from twap_models import OrderEvent

_SEEN_AGAIN = 25
_REPLAY_WITHIN_S = 300


async def read_events(url: str, *, key: str, user: str, journal: Journal) -> None:
    """Follow a user's events until cancelled, whatever happens to the server."""
    while True:
        with suppress(OSError, TimeoutError, WebSocketException):
            await _follow(url, key=key, user=user, journal=journal)
        await asyncio.sleep(0.05)


async def read_as_client(config: ClientConfig, *, user: str, journal: Journal) -> None:
    """Follow a user's events with the client library until cancelled."""
    last = 0
    async with TwapClient(config=config) as client, client.stream(orders=True, since=0) as stream:
        async for item in stream:
            if isinstance(item, OrderEvent):
                if item.seq != last + 1:
                    journal.breach("I8", f"{user} seq {last + 1}", f"the client went on with {item.seq}")
                last = item.seq
                journal.event(user, read(item.to_json()))
            elif isinstance(item, Gap | SubscriptionRefused):
                journal.breach("I8", user, f"the client reports {item}")


async def replay(url: str, *, key: str) -> list[Wire]:
    """All recorded events of a user, as the stream gives them with ``since=0``."""
    events: list[Wire] = []
    async with asyncio.timeout(_REPLAY_WITHIN_S), _subscribed(url, key=key, since=0) as (socket, last):
        while last and (not events or events[-1]["seq"] < last):
            message = read(await socket.recv())
            if message["type"] == "order_event":
                events.append(message)
    return events


async def _follow(url: str, *, key: str, user: str, journal: Journal) -> None:
    expected = max(0, max(journal.events.get(user, {}), default=0) - _SEEN_AGAIN)
    async with _subscribed(url, key=key, since=expected) as (socket, _):
        async for text in socket:
            message = read(text)
            if message["type"] == "order_event":
                expected += 1
                if message["seq"] != expected:
                    journal.breach(
                        "I8", f"{user} seq {expected}", f"the stream went on with {message['seq']}"
                    )
                    expected = message["seq"]
                journal.event(user, message)


@asynccontextmanager
async def _subscribed(url: str, *, key: str, since: int) -> AsyncIterator[tuple[ClientConnection, int]]:
    """A connection subscribed to orders, and the number of the last event at that moment."""
    address = url.replace("http", "ws", 1) + "/ws"
    async with connect(address, additional_headers={"X-API-Key": key}, open_timeout=5) as socket:
        await socket.send(json.dumps({"type": "subscribe", "channel": "orders", "since": since}))
        message: Wire = {}
        while message.get("type") != "subscribed":
            message = read(await socket.recv())
        yield socket, message["seq"]
