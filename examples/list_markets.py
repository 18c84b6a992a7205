"""List the exchanges and some of their instruments. Needs no account.

Run: TWAP_SERVER_URL=http://127.0.0.1:8000 python examples/list_markets.py
"""

import asyncio

from twap_client import TwapClient


async def main() -> None:
    """Print every exchange with its first five instruments."""
    async with TwapClient() as client:
        for exchange in await client.market.exchanges():
            print(f"{exchange.name}: {exchange.status}, {exchange.instruments} instruments")
            for item in (await client.market.symbols(exchange.name))[:5]:
                print(f"  {item.symbol:12} tick {item.tick_size:f}  lot {item.lot_size:f}")


if __name__ == "__main__":
    asyncio.run(main())
