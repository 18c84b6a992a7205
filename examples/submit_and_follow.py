"""Submit one TWAP order and follow it to its end.

Run: TWAP_USERNAME=ada TWAP_PASSWORD=... python examples/submit_and_follow.py [EXCHANGE] [SYMBOL] [SECONDS]
"""

import asyncio
import os
import sys
from contextlib import suppress

from twap_client import Conflict, TwapClient
from twap_models import OrderEvent


async def main(exchange: str = "binance", symbol: str = "BTC-USDT", seconds: str = "20") -> None:
    """Buy a little in four slices; print every event and the execution report."""
    if not {"TWAP_USERNAME", "TWAP_PASSWORD"} <= os.environ.keys():
        sys.exit("set TWAP_USERNAME and TWAP_PASSWORD; the demo server's are demo and demo-password")
    username, password = os.environ["TWAP_USERNAME"], os.environ["TWAP_PASSWORD"]
    async with TwapClient(username=username, password=password) as client:
        with suppress(Conflict):  # registered before
            await client.accounts.register(username, password)
        async with client.stream(orders=True) as stream:
            await stream.ready()  # from here on no event is missed
            order = await client.orders.submit(
                exchange=exchange, symbol=symbol, quantity="0.01", duration=seconds, slices=4
            )
            print(order.token_id, order.status, order.detail)
            if order.status.is_open:
                async for event in stream:
                    if isinstance(event, OrderEvent) and event.token_id == order.token_id:
                        print(event.event, event.order.status, event.order.filled_quantity)
                        if not event.order.status.is_open:
                            break
        print(await client.orders.report(order.token_id))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
