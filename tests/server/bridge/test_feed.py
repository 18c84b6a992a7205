"""One symbol through ccxt: what its stream, its silence and its failures become."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from support.clocks import ALONE, LoopClock
from support.scripted_ccxt import ScriptedApi, book
from twap_server.bridge.feed import QUIET_S, Feed
from twap_server.exchanges.ccxt import wire

pytestmark = ALONE


class NetworkError(Exception):
    """As ccxt calls it."""


@asynccontextmanager
async def following(api: ScriptedApi, size: str = "1") -> AsyncIterator[list[wire.Message]]:
    told: list[wire.Message] = []
    feed = Feed(api, "BTC/USDT", size=Decimal(size), depth=100, clock=LoopClock(), tell=told.append)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(feed.run())
        await asyncio.sleep(0.01)
        yield told
        task.cancel()


def bids(told: list[wire.Message]) -> list[str]:
    return [one.bids[0][0] for one in told if isinstance(one, wire.Book)]


async def test_of_many_changes_the_newest_book_is_told_ten_times_a_second() -> None:
    api = ScriptedApi(watchOrderBook=True)
    async with following(api) as told:
        for step in range(100):
            api.push(book(100.0 + step))
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert 8 <= len(bids(told)) <= 12
        assert bids(told)[-1] == "199"


async def test_a_quiet_book_is_asked_for() -> None:
    api = ScriptedApi(watchOrderBook=True)
    async with following(api) as told:
        api.push(book(100.0))
        await asyncio.sleep(1)
        assert bids(told) == ["100"]
        await asyncio.sleep(QUIET_S)
        assert bids(told) == ["100", "501"]
        api.push(book(101.0))
        await asyncio.sleep(1)
        assert bids(told)[-1] == "101"


async def test_a_failure_is_a_lost_book_and_the_next_try_heals() -> None:
    api = ScriptedApi(watchOrderBook=True)
    async with following(api) as told:
        api.push(book(100.0))
        await asyncio.sleep(0.5)
        api.push(NetworkError("gone"))
        await asyncio.sleep(0.5)
        assert told[-1] == wire.Lost(symbol="BTC/USDT", kind="busy", message="NetworkError: gone")
        await asyncio.sleep(5)
        api.push(book(101.0))
        await asyncio.sleep(0.5)
        assert bids(told) == ["100", "101"]


@pytest.mark.parametrize("level", [[None, 1.0], [float("nan"), 1.0], [1.0, -1.0]])
async def test_a_book_with_a_number_that_is_none_is_lost(level: list[Any]) -> None:
    api = ScriptedApi(watchOrderBook=True)
    async with following(api) as told:
        api.push(book(100.0) | {"bids": [level]})
        await asyncio.sleep(0.5)
        assert isinstance(told[-1], wire.Lost)
        assert not bids(told)


async def test_without_a_stream_the_book_is_asked_for_each_second() -> None:
    async with following(ScriptedApi(watchOrderBook=False)) as told:
        await asyncio.sleep(5)
        assert 5 <= len(bids(told)) <= 6


async def test_levels_of_one_price_are_added_up_and_contracts_counted_in_base_currency() -> None:
    api = ScriptedApi(watchOrderBook=True)
    async with following(api, size="0.01") as told:
        api.push({"bids": [[10.0, 1.0, "a"], [10.0, 2.0, "b"], [9.0, 0.0, "c"]], "asks": []})
        await asyncio.sleep(0.5)
        (found,) = [one for one in told if isinstance(one, wire.Book)]
        assert (found.bids, found.time) == ([("10", "0.03")], 0)


async def test_trades_are_told_once_and_only_those_since_the_beginning() -> None:
    api = ScriptedApi(watchTrades=True)
    now = LoopClock().now() // 1_000_000
    trade = {"id": "1", "price": 10.0, "amount": 2.0, "side": "buy", "timestamp": now + 5}
    others = [trade | {"id": "2", "timestamp": now - 60_000}, trade | {"id": "3", "side": None}]
    api.trades = [[trade, *others], [trade, trade | {"id": "4", "timestamp": None}]]
    async with following(api) as told:
        await asyncio.sleep(1)
        assert [row.id for one in told if isinstance(one, wire.Trades) for row in one.trades] == ["1", "4"]


async def test_whoever_leaves_unsubscribes() -> None:
    api = ScriptedApi(watchOrderBook=True, unWatchOrderBook=True)
    async with following(api):
        assert not api.unwatched
    assert api.unwatched == ["BTC/USDT"]
