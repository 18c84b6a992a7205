"""Work an order over all exchanges at once; pause it, change it while it waits, let it go on.

Run: TWAP_USERNAME=ada TWAP_PASSWORD=... python examples/amend_order.py [SYMBOL]
"""

import asyncio
import os
import sys
from contextlib import suppress

from twap_client import Conflict, RevisionMismatch, TwapClient


async def main(symbol: str = "BTC-USDT") -> None:
    """Buy with random slices, raise the quantity, give it more time; then look back and cancel."""
    wanted = ("TWAP_USERNAME", "TWAP_PASSWORD")
    username, password = (os.environ.get(name) or sys.exit(f"set {name}") for name in wanted)
    async with TwapClient(username=username, password=password) as client:
        with suppress(Conflict):  # registered before
            await client.accounts.register(username, password)
        order = await (orders := client.orders).submit(
            exchange="aggregate", symbol=symbol, quantity="0.1", duration="10m", interval=5, randomize=20
        )
        if not order.status.is_open:
            raise SystemExit(f"{order.reason}: {order.detail}")
        await orders.pause(order.token_id)
        changed = await orders.amend(order, quantity="0.2", end_time="+20m")
        print(changed.status, changed.quantity, changed.slice_count, "slices, revision", changed.revision)
        with suppress(RevisionMismatch):  # made for the order as it was before
            await orders.amend(order, price=1)
        await orders.resume(order.token_id)
        await asyncio.sleep(2)
        await orders.cancel(order.token_id)
        async for event in orders.events(order.token_id):
            on = {fill.exchange: fill.price for fill in event.fills}
            print(event.event, event.order.status, event.order.filled_quantity, on or "")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
