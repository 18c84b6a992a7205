"""An order on Coinbase's Exchange feed: filled, and told that nothing proves the book."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

from support.coinbase_exchange import LoopbackCoinbaseExchange
from support.live import serving, signed_in, until_listed
from twap_models import OrderEvent, OrderStatus
from twap_models.enums import Integrity


async def test_an_order_on_a_book_that_nothing_proves(tmp_path: Path) -> None:
    venue = LoopbackCoinbaseExchange()
    async with venue.serving(), serving(tmp_path, venue.urls) as url, signed_in(url) as client:
        await until_listed(url, "coinbase-exchange")
        (exchange,) = await client.market.exchanges()
        assert (exchange.name, exchange.integrity) == ("coinbase-exchange", Integrity.NONE)
        book = await client.market.orderbook("coinbase-exchange", "btc/usd")
        assert (book.status, book.asks[0][0]) == ("live", Decimal(101))
        asked: dict[str, Any] = {
            "exchange": "coinbase-exchange",
            "symbol": "BTCUSD",
            "side": "buy",
            "quantity": "0.5",
        }
        asked |= {"duration": 1, "slices": 2, "token_id": "unproven"}
        preview = await client.orders.preview(**asked)
        assert any("coinbase-exchange gives no proof" in warning for warning in preview.warnings)
        accepted = await client.orders.submit(**asked)
        assert any("coinbase-exchange gives no proof" in warning for warning in accepted.warnings)
        async with asyncio.timeout(20):
            async for message in client.stream(orders=True, since=0):
                if isinstance(message, OrderEvent) and not message.order.status.is_open:
                    break
        order = await client.orders.get("unproven")
        assert order.status is OrderStatus.FILLED
        assert {(fill.exchange, fill.price) for fill in order.fills} == {("coinbase-exchange", Decimal(101))}
