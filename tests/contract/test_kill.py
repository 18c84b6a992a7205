"""kill -9 in the middle of an order: acknowledged means durable, slices once, nothing is filled backwards."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from support.live import PASSWORD, process, until_listed
from twap_client import TwapClient
from twap_models import OrderEvent, OrderStatus
from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue


@pytest.mark.long
async def test_an_order_survives_kill_9(tmp_path: Path) -> None:
    clock, database = SystemClock(), f"sqlite:///{tmp_path / 'kill.sqlite3'}"
    async with Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue:
        async with process(database, venue) as (url, server), TwapClient(url) as client:
            await client.accounts.register("ada", PASSWORD)
            await client.accounts.login("ada", PASSWORD)
            await until_listed(url, "binance")
            await client.orders.submit(
                exchange="binance",
                symbol="BTCUSDT",
                side="buy",
                quantity="0.2",
                duration=12,
                slices=48,
                token_id="k",
            )
            async with asyncio.timeout(20), client.stream(orders=True, since=0) as stream:
                async for message in stream:
                    if isinstance(message, OrderEvent) and message.order.filled_quantity:
                        break
            told = message.order.filled_quantity
            server.kill()
            await server.wait()
        async with process(database, venue) as (url, _), TwapClient(url) as client:
            await client.accounts.login("ada", PASSWORD)
            async with asyncio.timeout(30), client.stream(orders=True, since=0) as stream:
                async for message in stream:
                    if isinstance(message, OrderEvent) and not message.order.status.is_open:
                        break
            done = await client.orders.get("k")
    assert done.status is OrderStatus.FILLED
    assert done.filled_quantity == sum(fill.quantity for fill in done.fills) == Decimal("0.2") >= told
    assert [piece.index for piece in done.slices] == list(range(48))
    assert any(piece.reason == "engine_down" for piece in done.slices)
    assert done.start_time is not None and done.end_time is not None
    assert all(done.start_time <= fill.time <= done.end_time for fill in done.fills)
