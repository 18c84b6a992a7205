"""Print a number of live book messages, one a second for each book, then end.

Run: TWAP_USERNAME=ada TWAP_PASSWORD=... python examples/watch_book.py [COUNT] [EXCHANGE:SYMBOL ...]
"""

import asyncio
import os
import sys
from contextlib import suppress

from twap_client import Conflict, TwapClient
from twap_models import BookMessage


async def main(count: str = "5", *books: str) -> None:
    """Watch until ``count`` books have come; a book that is not live is never taken for current."""
    if not {"TWAP_USERNAME", "TWAP_PASSWORD"} <= os.environ.keys():
        sys.exit("set TWAP_USERNAME and TWAP_PASSWORD; the demo server's are demo and demo-password")
    username, password = os.environ["TWAP_USERNAME"], os.environ["TWAP_PASSWORD"]
    left = int(count)
    async with TwapClient(username=username, password=password) as client:
        with suppress(Conflict):  # registered before
            await client.accounts.register(username, password)
        async for item in client.stream(books or ["binance:BTC-USDT"]):
            if not isinstance(item, BookMessage):
                print(item)
                continue
            note = "" if item.status == "live" else f"  not current: {item.status} {item.reason}"
            print(f"{item.exchange} {item.instrument}  mid {item.mid}  {item.age_ms} ms old{note}")
            left -= 1
            if left <= 0:
                break


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
