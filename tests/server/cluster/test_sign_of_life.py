"""A node's clock, compared with that of the store that all nodes share."""

import asyncio

import pytest

from support.clocks import LoopClock
from support.stores.leases import MemoryLeases
from twap_server.cluster.sign_of_life import SignOfLife
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.ownership import Node

pytestmark = pytest.mark.looptime(noop_cycles=1)


def life_by(clock: LoopClock, store: MemoryLeases | None = None) -> SignOfLife:
    node = Node(node_id="one", host="h", roles=("gateway",), version="1", started=Nanos(0))
    return SignOfLife(store or MemoryLeases(), node, clock=clock)


@pytest.mark.parametrize(
    ("jump", "words"), [(3_600, "1 h ahead of"), (-3_600, "1 h behind"), (1.2, "1.2 s ahead of")]
)
async def test_by_a_clock_that_is_off_nobody_is_served(jump: float, words: str) -> None:
    clock = LoopClock()
    clock.jump = round(jump * SECOND)
    life = life_by(clock)
    await life.beat()
    assert f"this server's clock is {words} the database's" in life.unfit
    assert "another server" in life.unfit and "serves nobody" in life.remark
    clock.jump = 0
    assert life.unfit, "that it is right again is not known yet"
    await life.beat()
    assert life.unfit == life.remark == ""


@pytest.mark.parametrize("jump", [3_600, -3_600, 1.2])
async def test_a_clock_that_is_set_counts_for_nobody_until_it_is_compared(jump: float) -> None:
    clock = LoopClock()
    life = life_by(clock)
    assert "not compared" in life.unfit, "nothing is known at the begin"
    await life.beat()
    clock.jump = round(0.9 * SECOND)
    assert life.unfit == ""
    clock.jump = round(jump * SECOND)
    assert "not compared" in life.unfit
    clock.jump = 0
    assert life.unfit == ""


async def test_too_slow_an_answer_tells_nothing_of_a_clock() -> None:
    class Slow(MemoryLeases):
        takes = 0.0

        async def seen(self, node: Node) -> Nanos:
            await asyncio.sleep(self.takes / 2)
            moment = await super().seen(node)
            await asyncio.sleep(self.takes / 2)
            return moment

    clock, store = LoopClock(), Slow()
    life = life_by(clock, store)
    store.takes = 3.0
    await life.beat()
    assert "not compared" in life.unfit and life.may_own, "it serves nobody, and may own"
    store.takes, clock.jump = 0.1, round(1.9 * SECOND)
    await life.beat()
    assert "1.9 s ahead of" in life.unfit
    store.takes = 3.0
    await life.beat()
    assert "1.9 s ahead of" in life.unfit and not life.may_own, "what was known stays"
    store.takes, clock.jump = 1.5, 0
    await life.beat()
    assert life.unfit == "" and life.may_own


async def test_while_the_database_is_away_a_clock_that_was_right_is_right() -> None:
    class Away(MemoryLeases):
        is_away = False

        async def seen(self, node: Node) -> Nanos:
            if self.is_away:
                raise StoreUnavailable("away")
            return await super().seen(node)

    clock, store = LoopClock(), Away()
    life = life_by(clock, store)
    await life.beat()
    store.is_away = True
    await asyncio.sleep(100)
    await life.beat()
    assert life.unfit == "" and life.remark
