"""A tiny reader of both wire protocols, written against the venues' manuals and not the venue's code."""

import asyncio
import json
import zlib
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed


def connect(url: str) -> open_socket:
    """Open a socket whose unread messages never hold up its close."""
    return open_socket(url, max_queue=None, close_timeout=2)


async def ask(socket: ClientConnection, **request: Any) -> None:
    await socket.send(json.dumps(request))


async def frames(socket: ClientConnection, count: int) -> list[str]:
    """Receive so many text frames."""
    async with asyncio.timeout(10):
        return [str(await socket.recv()) for _ in range(count)]


async def until_closed(socket: ClientConnection) -> list[str]:
    received: list[str] = []
    with suppress(ConnectionClosed):
        while True:
            received.append(str(await socket.recv()))
    return received


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(verify=False) as http:
        return await http.get(url)


async def post(url: str, body: object = None) -> httpx.Response:
    async with httpx.AsyncClient(verify=False) as http:
        return await http.post(url, json=body)


class GapError(AssertionError):
    """A difference does not follow the last one."""


class CrossedError(AssertionError):
    """The best bid is not below the best ask."""


class ChecksumError(AssertionError):
    """The checksum is of another book."""


class Sides:
    """Bids and asks as decimals."""

    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}

    @staticmethod
    def put(side: dict[Decimal, Decimal], levels: Iterable[tuple[Any, Any]]) -> None:
        for price, qty in levels:
            if Decimal(qty):
                side[Decimal(price)] = Decimal(qty)
            else:
                side.pop(Decimal(price), None)

    def check_sane(self) -> None:
        if self.bids and self.asks and max(self.bids) >= min(self.asks):
            raise CrossedError(max(self.bids), min(self.asks))


class BinanceBook(Sides):
    """The documented procedure: snapshot, then differences whose ids chain."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        super().__init__()
        self.id = snapshot["lastUpdateId"]
        self.fresh = True
        self.put(self.bids, snapshot["bids"])
        self.put(self.asks, snapshot["asks"])

    def apply(self, event: dict[str, Any]) -> bool:
        if event["u"] <= self.id:
            return False
        if event["U"] > self.id + 1 or (not self.fresh and event["U"] != self.id + 1):
            raise GapError(self.id, event["U"])
        self.put(self.bids, event["b"])
        self.put(self.asks, event["a"])
        self.id, self.fresh = event["u"], False
        self.check_sane()
        return True


class KrakenBook(Sides):
    """Truncated to its depth; the checksum is over the number text at the given precisions."""

    def __init__(self, depth: int, *, price_decimals: int = 1) -> None:
        super().__init__()
        self.depth = depth
        self.price_decimals = price_decimals
        self.applied = 0

    def apply(self, frame: str) -> bool:
        message = json.loads(frame, parse_float=Decimal, parse_int=Decimal)
        if message.get("channel") != "book":
            return False
        data = message["data"][0]
        if message["type"] == "snapshot":
            self.bids, self.asks = {}, {}
        for side, name in ((self.bids, "bids"), (self.asks, "asks")):
            self.put(side, [(level["price"], level["qty"]) for level in data[name]])
        self.bids = {price: self.bids[price] for price in sorted(self.bids, reverse=True)[: self.depth]}
        self.asks = {price: self.asks[price] for price in sorted(self.asks)[: self.depth]}
        if self.checksum() != data["checksum"]:
            raise ChecksumError(message)
        self.check_sane()
        self.applied += 1
        return True

    def checksum(self) -> int:
        parts = []
        for side in (self.asks, self.bids):
            for price in list(side)[:10]:
                for value, places in ((price, self.price_decimals), (side[price], 8)):
                    parts.append(f"{value:.{places}f}".replace(".", "").lstrip("0"))
        return zlib.crc32("".join(parts).encode())
