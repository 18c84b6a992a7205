"""Orders of the one who is signed in on a page, placed and read through the page's own modules."""

import asyncio
from typing import Any
from uuid import uuid4

from playwright.async_api import Download

from support.browser import Watched

_PLACE = """
async (order) => {
    const {get, post} = await import("/dashboard/core/api.js");
    await get(`orderbook/${order.exchange}/${order.symbol}`, {depth: 1});
    return post("orders/twap", order);
}
"""
_READ = """
async (token) => (await import("/dashboard/core/api.js")).get(`orders/${token}`, {slices: 0, fills: 0})
"""


async def placed(watched: Watched, **fields: Any) -> str:
    """Place an order and give its ``token_id``; a small one on Binance's BTC-USDT unless told otherwise.

    Its book is live by then, so what the order will cost is forecast.
    """
    order = {
        "token_id": f"page-{uuid4().hex[:12]}",
        "exchange": "binance",
        "symbol": "BTC-USDT",
        "side": "buy",
        "quantity": "0.4",
        "duration": "10m",
        "interval": "5s",
    }
    (answer,) = await watched.page.evaluate(_PLACE, order | fields)
    assert answer["status"] == "Accepted", answer
    token: str = answer["token_id"]
    return token


async def read(watched: Watched, token: str) -> dict[str, Any]:
    """The order as the server has it now; numbers are text."""
    order: dict[str, Any] = await watched.page.evaluate(_READ, token)
    return order


async def closed(watched: Watched, *tokens: str) -> None:
    """Wait until the orders have ended."""
    await watched.page.wait_for_function(
        """async (tokens) => {
            const {get} = await import("/dashboard/core/api.js");
            const all = await Promise.all(tokens.map((one) => get(`orders/${one}`, {slices: 0, fills: 0})));
            return all.every((one) => !["Accepted", "Working", "Paused"].includes(one.status));
        }""",
        arg=list(tokens),
        polling=200,
    )


async def saved_text(download: Download) -> str:
    """What is in a file that the page gave."""
    place = await download.path()
    return await asyncio.to_thread(place.read_text, "utf-8")
