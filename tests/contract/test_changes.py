"""Orders that are paused, amended, spread over exchanges, capped and randomized: real client, real server.

Time is real and the market moves, so what is checked holds whenever things happen: events are waited for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.live import serving, signed_in, until_listed
from twap_client import Conflict, RevisionMismatch, TwapClient
from twap_client.stream import TwapStream
from twap_models import OrderEvent, OrderStatus, SliceOutcome, SliceReason, TwapOrderDetail
from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

FEES = {"binance": Decimal("0.001"), "kraken": Decimal("0.00102")}
Seen = Callable[[OrderEvent], bool]


@dataclass
class Trading:
    """A client and the market it trades on."""

    client: TwapClient
    source: SyntheticSource
    stream: TwapStream
    seen: list[OrderEvent] = field(default_factory=list)

    async def until(self, wanted: Seen, times: int = 1) -> OrderEvent:
        """Read order events until so many are as wanted; give the last."""
        async with asyncio.timeout(20):
            async for item in self.stream:
                if isinstance(item, OrderEvent):
                    self.seen.append(item)
                    times -= wanted(item)
                    if not times:
                        return item
        raise AssertionError("the stream ended")

    async def submit(self, **fields: Any) -> str:
        standard = {
            "exchange": "binance",
            "symbol": "BTC-USDT",
            "quantity": "0.4",
            "duration": 4,
            "slices": 16,
        }
        order = await self.client.orders.submit(token_id="o-1", **(standard | fields))
        assert order.status is OrderStatus.ACCEPTED, order.detail
        return order.token_id

    async def finished(self) -> TwapOrderDetail:
        await self.until(lambda event: event.event == "ended")
        return await self.client.orders.get("o-1")


@asynccontextmanager
async def trading(folder: Path) -> AsyncIterator[Trading]:
    clock = SystemClock()
    source = SyntheticSource(seed=7, clock=clock)
    async with Venue(source, clock=clock) as venue:
        urls: dict[str, Any] = {
            name: at | {"taker_fee": str(FEES[name])} for name, at in venue.urls().items()
        }
        async with serving(folder, urls) as url, signed_in(url) as client:
            await until_listed(url, *FEES)
            books = [f"{name}:BTC-USDT" for name in FEES]
            async with client.stream(books, orders=True) as stream:
                await stream.ready()
                for name in FEES:
                    await client.market.orderbook(name, "BTC-USDT")
                yield Trading(client, source, stream)


def did(outcome: SliceOutcome, reason: SliceReason | None = None) -> Seen:
    return lambda event: (
        event.slice is not None and event.slice.outcome == outcome and reason in (None, event.slice.reason)
    )


async def test_pause_resume_amend_and_the_events_of_it(tmp_path: Path) -> None:
    async with trading(tmp_path) as desk:
        orders = desk.client.orders
        token = await desk.submit()
        await desk.until(did(SliceOutcome.FILLED), times=3)
        paused = await orders.pause(token)
        assert paused.status is OrderStatus.PAUSED
        await desk.until(did(SliceOutcome.MISSED, SliceReason.PAUSED), times=3)
        assert (await orders.get(token)).filled_quantity == paused.filled_quantity
        assert (await orders.resume(token)).status is OrderStatus.WORKING
        caught_up = await desk.until(did(SliceOutcome.FILLED))
        equal = Decimal("0.4") / 16
        assert caught_up.slice and caught_up.slice.filled_quantity == 3 * equal, "at most three equal slices"

        before = await orders.get(token)
        changed = await orders.amend(before, quantity="0.6", price=1_000_000, end_time="+3s")
        assert (changed.revision, changed.quantity, changed.limit_price) == (2, Decimal("0.6"), 1_000_000)
        with pytest.raises(RevisionMismatch):
            await orders.amend(before, price=None)
        assert (await orders.amend(changed, price=None)).limit_price is None

        done = await desk.finished()
        assert (done.status, done.filled_quantity, done.revision) == (OrderStatus.FILLED, Decimal("0.6"), 3)
        assert done.end_time and done.end_time > (before.end_time or done.end_time)
        ended = [one for one in before.slices if one.outcome is not SliceOutcome.PENDING]
        assert done.slices[: len(ended)] == ended, "what is done stays done"
        assert [one.index for one in done.slices] == list(range(done.slice_count))
        assert done.slices[-1].due_time < done.end_time
        assert [event async for event in orders.events(token)] == desk.seen
        assert [event.seq for event in desk.seen] == list(range(1, len(desk.seen) + 1))
        kinds = [event.event.value for event in desk.seen if event.slice is None]
        assert kinds == ["accepted", "working", "paused", "resumed", "amended", "amended", "ended"]
        with pytest.raises(Conflict, match="ended"):
            await orders.pause(token)


async def test_an_order_over_both_exchanges_fills_on_both_cheapest_first(tmp_path: Path) -> None:
    async with trading(tmp_path) as desk:
        await desk.submit(exchange="aggregate", quantity=20, duration=2, slices=4)
        done = await desk.finished()
        assert done.exchange == "aggregate" and {fill.exchange for fill in done.fills} == set(FEES)
        for fill in done.fills:
            assert fill.fee == fill.price * fill.quantity * FEES[fill.exchange]
        report = await desk.client.orders.report(done.token_id)
        assert report.fees == sum(fill.fee for fill in done.fills)
        for index in range(4):
            cost = [fill.price * (1 + FEES[fill.exchange]) for fill in done.fills if fill.slice == index]
            assert cost == sorted(cost), "cheapest first, fee included"
        assert done.filled_quantity == sum(fill.quantity for fill in done.fills)


async def test_a_participation_cap_holds_against_what_was_traded(tmp_path: Path) -> None:
    async with trading(tmp_path) as desk:
        await desk.submit(quantity=1, duration=5, slices=10, participation_cap=20)
        done = await desk.finished()
        trades = [
            (datetime.fromtimestamp(trade.time / 1e9, UTC), Decimal(trade.qty) / 10**8)
            for trade in desk.source.pairs("binance")["BTCUSDT"].trades
        ]
        assert done.interval is not None and done.start_time is not None
        first = done.start_time - done.interval
        for fill in done.fills:
            taken = sum(one.quantity for one in done.fills if one.slice <= fill.slice)
            traded = sum(
                quantity for at, quantity in trades if first - timedelta(seconds=1) < at <= fill.time
            )
            assert taken <= traded * Decimal("0.2")
        assert done.fills and SliceReason.PARTICIPATION_CAP in {one.reason for one in done.slices}
        assert done.status is OrderStatus.EXPIRED


async def test_randomized_slices_stay_behind_the_curve_and_sum_exactly(tmp_path: Path) -> None:
    async with trading(tmp_path) as desk:
        await desk.submit(quantity="0.40001", duration=3, slices=12, randomize=50)
        planned = await desk.client.orders.get("o-1")
        done = await desk.finished()
        assert (done.status, done.filled_quantity) == (OrderStatus.FILLED, Decimal("0.40001"))
        assert sum(fill.quantity for fill in done.fills) == Decimal("0.40001")
        assert [one.due_time for one in done.slices] == [one.due_time for one in planned.slices]
        assert done.start_time is not None and done.interval is not None
        filled, moved = Decimal(0), 0
        for one in done.slices:
            late = one.due_time - (done.start_time + one.index * done.interval)
            assert timedelta(0) <= late <= done.interval / 2
            filled += one.filled_quantity
            assert filled <= Decimal("0.40001") * (one.index + 1) / 12
            moved += bool(late)
        assert moved > 6
