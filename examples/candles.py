"""Print the latest candles of one market. Needs no account.

Run: python examples/candles.py [EXCHANGE] [SYMBOL] [INTERVAL]
"""

import asyncio
import sys

from twap_client import TwapClient


async def main(exchange: str = "binance", symbol: str = "BTC-USDT", interval: str = "1m") -> None:
    """Print ten candles, oldest first; prices are exact decimals."""
    async with TwapClient() as client:
        candles = await client.market.klines(exchange, symbol, interval=interval, limit=10)
    for candle in candles:
        forming = "" if candle.closed else "  (forming)"
        print(f"{candle.open_time:%Y-%m-%d %H:%M}  close {candle.close}  volume {candle.volume}{forming}")
    if candles:
        turnover = sum(candle.close * candle.volume for candle in candles)
        print(f"{len(candles)} candles, turnover about {turnover:.0f}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
