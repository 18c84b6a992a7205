"""Test programs that use this library with a scripted server: real sockets on loopback only.

::

    async with ScriptedServer() as server:
        server.add_account("ada", "correct horse")
        async with TwapClient(server.url, username="ada", password="correct horse") as client:
            order = await client.orders.submit(
                exchange="binance", symbol="BTC-USDT", quantity="1", duration=60, slices=6
            )
            server.push_event("ended", order.model_copy(update={"status": "Filled"}))
            assert (await client.orders.get(order)).status == "Filled"

The server lists two exchanges with two instruments, has their books, and tells of what is submitted and
changed. It fills nothing: how an order goes on is what ``push_event`` says.
"""

from twap_client.testing.examples import (
    book,
    candle,
    cost,
    exchange,
    health,
    instrument,
    kline,
    order,
    preview,
    report,
    server_info,
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
    "cost",
    "exchange",
    "health",
    "instrument",
    "kline",
    "order",
    "preview",
    "report",
    "server_info",
    "trade",
]
