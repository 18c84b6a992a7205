"""ccxt's class of an exchange, as far as the bridge uses it: gives what a test puts into it."""

import asyncio
from collections.abc import Mapping
from typing import Any


def book(bid: float) -> dict[str, Any]:
    return {"bids": [[bid, 1.0]], "asks": [[bid + 1, 2.0]], "timestamp": 1_700_000_000_000}


class ScriptedApi:
    """ccxt's class of an exchange, as far as a feed uses it: gives what a test puts into it."""

    def __init__(self, **has: bool) -> None:
        self.has: dict[str, Any] = has
        self.urls: dict[str, Any] = {}
        self.timeframes = None
        self.precisionMode = 4
        self.markets: Mapping[str, Mapping[str, Any]] | None = None
        self.coming: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self.asked = self.watched = 0
        self.unwatched: list[str] = []
        self.trades: list[list[Mapping[str, Any]]] = []

    def push(self, found: Mapping[str, Any] | Exception) -> None:
        """The stream gives this next."""
        before, self.coming = self.coming, asyncio.get_running_loop().create_future()
        if isinstance(found, Exception):
            before.set_exception(found)
        else:
            before.set_result(found)

    async def load_markets(self, reload: bool = False) -> Mapping[str, Mapping[str, Any]]:
        return {}

    async def watch_order_book(self, symbol: str) -> Mapping[str, Any]:
        self.watched += 1
        return await asyncio.shield(self.coming)

    async def fetch_order_book(self, symbol: str) -> Mapping[str, Any]:
        self.asked += 1
        return book(500.0 + self.asked)

    async def watch_trades(self, symbol: str) -> list[Mapping[str, Any]]:
        if not self.trades:
            await asyncio.Event().wait()
        return self.trades.pop(0)

    async def fetch_trades(self, symbol: str) -> list[Mapping[str, Any]]:
        return self.trades[0]

    async def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[Any]]:
        return []

    async def un_watch_order_book(self, symbol: str) -> object:
        self.unwatched.append(symbol)
        return None

    async def un_watch_trades(self, symbol: str) -> object:
        return None

    async def close(self) -> None:
        return None
