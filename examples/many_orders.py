"""Submit several orders in one request, list them page by page, and cancel what is still open.

Run: TWAP_USERNAME=ada TWAP_PASSWORD=... python examples/many_orders.py [EXCHANGE] [SYMBOL]
"""

import asyncio
import os
import sys
from contextlib import suppress
from uuid import uuid4

from twap_client import Conflict, TwapClient
from twap_models import TwapOrderRequest


async def main(exchange: str = "binance", symbol: str = "BTC-USDT") -> None:
    """Make five orders that differ in size."""
    if not {"TWAP_USERNAME", "TWAP_PASSWORD"} <= os.environ.keys():
        sys.exit("set TWAP_USERNAME and TWAP_PASSWORD; the demo server's are demo and demo-password")
    username, password = os.environ["TWAP_USERNAME"], os.environ["TWAP_PASSWORD"]
    base = {"exchange": exchange, "symbol": symbol, "duration": "10m", "interval": 30}
    wanted = [
        TwapOrderRequest.model_validate(base | {"token_id": str(uuid4()), "quantity": f"0.{size}"})
        for size in range(1, 6)
    ]
    async with TwapClient(username=username, password=password) as client:
        with suppress(Conflict):  # registered before
            await client.accounts.register(username, password)
        for order in await client.orders.submit(wanted):
            print(order.token_id, order.quantity, order.status, order.reason or "")
        async for order in client.orders.list(status="open", limit=2):
            with suppress(Conflict):  # ended meanwhile
                print((await client.orders.cancel(order.token_id)).status, order.token_id)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
