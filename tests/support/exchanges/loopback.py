"""An exchange on loopback, as its case tells: a real WebSocket, and answers over REST from memory."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import websockets
from websockets.asyncio.server import ServerConnection

from support.asking import led
from support.collector.parts import QUICK
from support.exchanges.case import ExchangeCase
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.clock import SystemClock
from twap_server.collector.config import CollectorConfig, ExchangeConfig
from twap_server.collector.market_data import LiveMarket
from twap_server.collector.network import Network
from twap_server.exchanges.registry import EXCHANGES


class LoopbackExchange:
    """Acknowledges what is asked for, and sends the book that opens."""

    def __init__(self, case: ExchangeCase) -> None:
        self.case = case
        self.sockets: list[ServerConnection] = []
        self.requests: list[str] = []
        self.connections = 0
        self.is_mute = False
        """Whether no book is sent that is asked for."""
        self._port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["LoopbackExchange"]:
        async with websockets.serve(self._serve, "127.0.0.1", 0) as server:
            self._port = next(iter(server.sockets)).getsockname()[1]
            yield self

    @property
    def config(self) -> ExchangeConfig:
        return ExchangeConfig(
            ws_url=f"ws://127.0.0.1:{self._port}", rest_url="http://exchange.test", depth=self.case.depth
        )

    @property
    def network(self) -> Network:
        return Network(transport=self._transport)

    async def cut(self) -> None:
        """Break every connection off."""
        for socket in list(self.sockets):
            socket.transport.abort()

    def _transport(self) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        """Whether it is the list of instruments, or a book."""
        case, lists = self.case, self.case.lists(self.case.entry)
        questions, _ = led(case.shape().instruments(), *lists)
        for question, body in zip(questions, lists, strict=True):
            if (request.url.path, request.content) == (question.path, question.body or b""):
                return httpx.Response(200, content=body)
        if case.book_body is None:
            return httpx.Response(200, content=lists[0])
        return httpx.Response(200, content=json.dumps(case.book_body([case.level])).encode())

    async def _serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        self.connections += 1
        try:
            for greeting in self.case.greeting:
                await self._send(socket, greeting)
            async for text in socket:
                assert isinstance(text, str)
                self.requests.append(text)
                await self.reply(socket, text)
        except websockets.ConnectionClosed:
            pass
        finally:
            self.sockets.remove(socket)

    async def reply(self, socket: ServerConnection, text: str) -> None:
        for answer in self.case.acks(text):
            await self._send(socket, answer)
        if self.case.subscribes_book(text) and not self.is_mute:
            await asyncio.sleep(0)
            for frame in self.case.opens:
                await self._send(socket, frame)

    async def _send(self, socket: ServerConnection, text: str) -> None:
        """As text, unless something else comes over the wire."""
        raw = self.case.on_wire(text)
        await socket.send(text if raw == text.encode() else raw)


@asynccontextmanager
async def collected(
    case: ExchangeCase, shape: type[LoopbackExchange] = LoopbackExchange, **settings: Any
) -> AsyncIterator[tuple[LoopbackExchange, LiveMarket]]:
    """A market that collects this exchange alone, from loopback."""
    clock = SystemClock()
    async with shape(case).serving() as exchange:
        others = {shape.name: ExchangeConfig(enabled=False) for shape in EXCHANGES}
        config = CollectorConfig(exchanges=others | {case.shape.name: exchange.config}, **(QUICK | settings))
        market = LiveMarket(
            EXCHANGES,
            config,
            registry=BookRegistry(),
            interest=BookInterest(clock, linger_s=0),
            clock=clock,
            rng=random.Random(1),
            network=exchange.network,
        )
        async with market:
            yield exchange, market
