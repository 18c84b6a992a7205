"""A server on a simulated exchange that records, and orders on it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.api.desk import CHEAP
from support.live import serving, until_listed
from twap_client import TwapClient
from twap_models import TwapOrder
from twap_server.venue.server import Venue


@asynccontextmanager
async def recording(folder: Path, venue: Venue, *exchanges: str) -> AsyncIterator[str]:
    """A server on this venue that records; one after the other go on with the same orders."""
    names = {name: venue.urls()[name] for name in exchanges or ("binance", "kraken")}
    flags: dict[str, Any] = {
        "record": {"folder": str(folder / "recordings")},
        "api": {"passwords": CHEAP.model_dump()},
    }
    async with serving(folder, names, **flags) as url:
        await until_listed(url, *names)
        yield url


async def submitted(client: TwapClient, *orders: Mapping[str, Any]) -> None:
    """Submit them, each once its book is there; what one does not say is as for 12 slices in 3 seconds."""
    standard: dict[str, Any] = {"exchange": "binance", "symbol": "BTCUSDT", "duration": "3s", "slices": 12}
    for one in orders:
        whole = {**standard, **one}
        await client.market.orderbook(str(whole["exchange"]), str(whole["symbol"]))
        await client.orders.submit(**whole)


async def ended(client: TwapClient, *tokens: str) -> Sequence[TwapOrder]:
    """Wait until they are."""
    async with asyncio.timeout(60):
        return [await client.orders.wait_until_closed(token) for token in tokens]
