"""Test programs that use this library with a scripted server: real sockets on loopback only.

::

    async with ScriptedServer() as server, TwapClient(server.url) as client:
        server.add_account("ada", "correct horse")
        await client.accounts.login("ada", "correct horse")
        order = await client.orders.submit(
            exchange="binance", symbol="BTC-USDT", quantity="1", duration=60, slices=6
        )
        await server.push_event("ended", order.model_copy(update={"status": OrderStatus.FILLED}))
"""

from twap_client.testing.examples import (
    book,
    candle,
    exchange,
    instrument,
    kline,
    order,
    preview,
    report,
    trade,
)
from twap_client.testing.server import ScriptedServer
from twap_client.testing.sockets import Reply, Request

__all__ = [
    "Reply",
    "Request",
    "ScriptedServer",
    "book",
    "candle",
    "exchange",
    "instrument",
    "kline",
    "order",
    "preview",
    "report",
    "trade",
]
