"""What keeps shared limits up to date and small runs until it is stopped, the database being there or not."""

import asyncio
from datetime import timedelta

import pytest

from support.api.desk import build
from support.clocks import ALONE, LoopClock
from support.stores.shared_limits import MemoryLimits
from twap_server.api.auth.shared_limits import FORGET_EVERY_S, RateLimits
from twap_server.domain.accounts import KeyTries
from twap_server.domain.clock import SECOND


@ALONE
async def test_gateways_hear_of_each_other_within_a_second_and_forget_within_minutes() -> None:
    clock = LoopClock()
    limits = MemoryLimits(clock)
    several = [RateLimits(limits, clock) for _ in range(3)]
    made = [one.limit("reads", 2, timedelta(seconds=30)) for one in several]
    limits.tries_of["over"] = KeyTries(kept_until=clock.now() + SECOND)
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(one.run()) for one in several]
        await asyncio.sleep(0.1)
        for limit in made[:2]:
            assert await limit.hit("ada")
        await asyncio.sleep(1)
        assert [await limit.hit("ada") for limit in made] == [False] * 3
        await asyncio.sleep(FORGET_EVERY_S)
        assert not limits.tries_of and not limits.told
        for task in running:
            task.cancel()


@ALONE
async def test_they_outlive_a_database_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    clock = LoopClock()
    limits = MemoryLimits(clock)
    gateway = RateLimits(limits, clock)
    gateway.limit("reads", 2, timedelta(seconds=30))
    limits.is_away = True
    async with asyncio.TaskGroup() as group:
        running = group.create_task(gateway.run())
        await asyncio.sleep(2.5 * FORGET_EVERY_S)
        assert not running.done()
        running.cancel()
    assert caplog.text.count("could not be deleted, trying again") == 2


async def test_a_server_alone_shares_nothing() -> None:
    services = build()[0]
    await services.rate_limits.run()
    await services.rate_limits.exchange()
    assert type(services.reads).__name__ == "RateLimit"
