"""A book of which nothing is heard is not trusted, though its connection is there."""

import json

import pytest
from websockets.asyncio.server import ServerConnection

from support.collector.parts import until
from support.exchanges.hyperliquid import CASE, answer, book
from support.exchanges.loopback import LoopbackExchange, collected
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.hyperliquid.adapter import HyperliquidExchange

BTC = InstrumentId("hyperliquid", "BTC-USD-PERP")


class Mute(LoopbackExchange):
    """Sends a subscribed book once, and answers pings."""

    subscribed = 0

    async def reply(self, socket: ServerConnection, text: str) -> None:
        request = json.loads(text)
        if request["method"] == "ping":
            await socket.send('{"channel":"pong"}')
        elif request["method"] == "subscribe" and request["subscription"]["type"] == "l2Book":
            self.subscribed += 1
            await socket.send(answer("subscribe", "l2Book"))
            await socket.send(book(self.subscribed))


async def test_a_mute_book_is_asked_for_anew_on_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HyperliquidExchange, "book_silence_s", property(lambda _: 1))
    async with collected(CASE, Mute, ack_timeout_s=1) as (exchange, market):
        market.hold(BTC, "test")
        await market.wait_live(BTC, 10)

        def is_doubted() -> bool:
            view = market.view(BTC, 1)
            return view is not None and view.status is BookStatus.RESYNCING

        await until(is_doubted)
        assert market.view(BTC, 1).reason == "the exchange says nothing of this book"  # type: ignore[union-attr]
        await market.wait_live(BTC, 10)
        assert isinstance(exchange, Mute)
        assert exchange.subscribed >= 2 and exchange.connections == 1
