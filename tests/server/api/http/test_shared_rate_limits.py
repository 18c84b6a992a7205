"""Gateways tell each other what they let pass: a bound on all together, and nothing in a request's way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.clocks import ALONE, HandClock, LoopClock
from support.stores.shared_limits import MemoryLimits
from twap_server.api.http import shared_rate_limits
from twap_server.api.http.shared_rate_limits import EXCHANGE_EVERY_S, HitExchange, SharedRateLimit
from twap_server.domain.clock import Clock

MINUTE = timedelta(minutes=1)
AMOUNT = 10


class Cluster:
    """Some gateways with a limit each of the same name."""

    def __init__(self, many: int, clock: Clock) -> None:
        self.store = MemoryLimits(clock)
        self.exchanges = [HitExchange(self.store.hits, clock) for _ in range(many)]
        self.limits: list[SharedRateLimit] = [one.limit("reads", AMOUNT, MINUTE) for one in self.exchanges]

    async def exchange(self) -> None:
        """All have told all."""
        for one in [*self.exchanges, *self.exchanges]:
            await one.exchange()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.run()) for one in self.exchanges]
            yield
            for task in tasks:
                task.cancel()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 150)), min_size=20, max_size=150),
    st.lists(st.floats(0, EXCHANGE_EVERY_S), min_size=4, max_size=4),
)
@settings(max_examples=60)
@ALONE
async def test_together_they_let_pass_what_one_does_and_a_second_of_each_other(
    calls: list[tuple[int, float]], starts: list[float]
) -> None:
    clock = LoopClock()
    cluster, passed = Cluster(4, clock), list[tuple[float, int]]()
    begun = asyncio.get_running_loop().time()

    async def call(number: int, at: float) -> None:
        await asyncio.sleep(at)
        if await cluster.limits[number].hit("ada"):
            passed.append((asyncio.get_running_loop().time() - begun, number))

    async def run(number: int) -> None:
        await asyncio.sleep(starts[number])
        await cluster.exchanges[number].run()

    async with asyncio.TaskGroup() as group:
        running = [group.create_task(run(number)) for number in range(4)]
        async with asyncio.TaskGroup() as calling:
            for one in calls:
                calling.create_task(call(*one))
        for task in running:
            task.cancel()
    for last, gateway in passed:
        within = [one for one in passed if last - 59.999 < one[0] <= last]
        a_second_of_others = [one for one in within if one[1] != gateway and one[0] > last - 1]
        assert len(within) <= AMOUNT + len(a_second_of_others)


@pytest.mark.parametrize("turns", [[0] * 30, [0, 1] * 15, [0, 1, 2] * 10])
async def test_between_two_exchanges_the_allowance_is_one(turns: Sequence[int]) -> None:
    clock = HandClock()
    cluster = Cluster(3, clock)
    passed = 0
    for number in turns:
        passed += await cluster.limits[number].hit("ada")
        await cluster.exchange()
    assert passed == AMOUNT
    assert {limit.wait("ada") for limit in cluster.limits} == {60}
    assert await cluster.limits[0].hit("bob")
    await clock.advance(60)
    assert await cluster.limits[2].hit("ada")


async def test_a_hit_that_another_gateway_gives_back_counts_no_more() -> None:
    cluster = Cluster(2, HandClock())
    first, second = cluster.limits
    for _ in range(AMOUNT):
        assert await first.hit("ada")
    await cluster.exchange()
    assert not await second.hit("ada")
    first.give_back("ada")
    await cluster.exchange()
    assert [await second.hit("ada"), await second.hit("ada")] == [True, False]


async def test_a_gateway_that_starts_hears_of_the_whole_span() -> None:
    clock = HandClock()
    cluster = Cluster(1, clock)
    for _ in range(AMOUNT):
        assert await cluster.limits[0].hit("ada")
    await cluster.exchange()
    await clock.advance(30)
    late = HitExchange(cluster.store.hits, clock)
    limit = late.limit("reads", AMOUNT, MINUTE)
    for _ in range(3):
        await late.exchange()
    assert (await limit.hit("ada"), limit.wait("ada")) == (False, 30)


async def test_while_the_database_is_away_each_goes_on_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = HandClock()
    cluster = Cluster(2, clock)
    first, second = cluster.limits
    cluster.store.is_away = True
    for limit in cluster.limits:
        assert [await limit.hit("ada") for _ in range(AMOUNT + 1)] == [True] * AMOUNT + [False]
    for _ in range(5):
        await cluster.exchange()
        await clock.advance(0.4)
    assert caplog.text.count("limits callers by itself") == 2, "of each gateway once"
    cluster.store.is_away = False
    await first.hit("bob")
    await cluster.exchange()
    assert second.wait("ada") == 60, "what the other let pass meanwhile counts since it was heard"
    assert len(first) == 2 == len(second), "bob was heard of, too"


async def test_what_could_not_be_told_for_long_is_told_no_more() -> None:
    clock = HandClock()
    cluster = Cluster(2, clock)
    cluster.store.is_away = True
    await cluster.limits[0].hit("ada")
    for _ in range(3):
        await clock.advance(3)
        await cluster.exchange()
    cluster.store.is_away = False
    await cluster.exchange()
    assert len(cluster.limits[1]) == 0


async def test_of_many_keys_those_with_most_hits_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_rate_limits, "_MOST_TOLD", 2)
    cluster = Cluster(2, HandClock())
    for name, hits in (("ada", 1), ("bob", 3), ("eve", 2)):
        for _ in range(hits):
            await cluster.limits[0].hit(name)
    assert cluster.limits[0].tell() == {"bob": 3, "eve": 2}
