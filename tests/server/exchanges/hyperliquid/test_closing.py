"""A coin that the exchange does not know closes the connection: it costs its neighbours nothing for long."""

import json
from dataclasses import replace

from websockets.asyncio.server import ServerConnection

from support.collector.parts import until
from support.exchanges.hyperliquid import CASE, answer, book
from support.exchanges.loopback import LoopbackExchange, collected
from twap_server.domain.market.events import BookState, BookStatus
from twap_server.domain.market.instrument import InstrumentId

OTHERS = [{"name": name, "szDecimals": 3} for name in ("AAVE", "ETH", "GONE", "XRP")]
LISTED = replace(CASE, list_body=lambda entries: {"universe": [*entries, *OTHERS]})
GONE = InstrumentId("hyperliquid", "GONE-USD-PERP")
KNOWN = [InstrumentId("hyperliquid", f"{coin}-USD-PERP") for coin in ("AAVE", "BTC", "ETH", "XRP")]


class Closing(LoopbackExchange):
    """Knows every coin but one, by which it closes the connection."""

    async def reply(self, socket: ServerConnection, text: str) -> None:
        about = json.loads(text).get("subscription", {"type": "", "coin": ""})
        if about["coin"] == "GONE":
            socket.transport.abort()
        elif about["type"] == "l2Book" and '"subscribe"' in text:
            await socket.send(answer("subscribe", "l2Book", about["coin"]))
            await socket.send(book(coin=about["coin"]))


async def test_a_coin_that_closes_the_connection_is_set_aside_and_its_neighbours_are_live() -> None:
    async with collected(LISTED, Closing) as (exchange, market):
        for one in (*KNOWN, GONE):
            market.hold(one, "test")

        def is_set_aside() -> BookState | None:
            view = market.view(GONE, 1)
            return view if view is not None and "set aside until" in view.reason else None

        view = await until(is_set_aside, 20)
        assert view.status is BookStatus.DOWN
        assert "closes the connection when it is asked for it" in view.reason
        for one in KNOWN:
            await market.wait_live(one, 10)
        opened = exchange.connections
        assert opened <= 4
        await exchange.cut()
        await until(lambda: exchange.connections == opened + 1)
        for one in KNOWN:
            await market.wait_live(one, 10)
        assert exchange.connections == opened + 1, "what was set aside is not asked for meanwhile"
