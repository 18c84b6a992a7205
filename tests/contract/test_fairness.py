"""One user's orders beside another's, in a real server: bounds over HTTP, on SQLite (F133)."""

import asyncio
from pathlib import Path

import pytest

from support.live import process, signed_in, until_listed
from twap_models import OrderStatus, RejectReason, TwapOrderRequest
from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

pytestmark = pytest.mark.long


def fast(token_id: str) -> TwapOrderRequest:
    """Ten slices a second from in an hour on, none of them below the minimum."""
    return TwapOrderRequest.model_validate(
        {
            "token_id": token_id,
            "exchange": "binance",
            "symbol": "BTCUSDT",
            "side": "buy",
            "quantity": "600",
            "start_time": "+1h",
            "duration": "60s",
            "interval": "0.1s",
        }
    )


async def test_slices_a_second_of_a_user_are_bounded_and_the_refusal_says_what_fits(tmp_path: Path) -> None:
    clock = SystemClock()
    async with (
        Venue(SyntheticSource(seed=3, clock=clock), clock=clock) as venue,
        process(f"sqlite:///{tmp_path / 'twap.sqlite3'}", venue) as (url, _),
        signed_in(url) as ada,
        signed_in(url, "bob") as bob,
        asyncio.timeout(60),
    ):
        await until_listed(url, "binance")
        orders = await ada.orders.submit([fast(f"t{number}") for number in range(201)])
        assert [order.status for order in orders] == [OrderStatus.ACCEPTED] * 200 + [OrderStatus.REJECTED]
        assert orders[200].reason == RejectReason.TOO_MANY_SLICES_PER_SECOND
        assert "2000 of at most 2000: cancel some, or wait" in orders[200].detail
        preview = await ada.orders.preview(fast("p"))
        assert [one.reason for one in preview.broken] == [RejectReason.TOO_MANY_SLICES_PER_SECOND]
        await ada.orders.cancel("t0")
        assert (await ada.orders.submit(fast("instead"))).status is OrderStatus.ACCEPTED
        assert (await bob.orders.submit(fast("t0"))).status is OrderStatus.ACCEPTED, "each user has their own"
