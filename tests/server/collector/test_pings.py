"""The exchange's own ping keeps a connection open, whatever else may be sent on it."""

import asyncio

import pytest

from support.collector.memory import Lane


@pytest.mark.looptime
async def test_a_ping_waits_for_no_budget() -> None:
    made = Lane("kraken")
    made.venue.rate = (3, 3_600)  # the opening, a book, its trades: all that is allowed within the hour
    made.do("want", "BTC-USD")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in (made.shard.run(), made.venue.beat(1))]
        await made.clock.sleep(100)
        assert made.venue.pings == 3
        for task in tasks:
            task.cancel()
