"""Turns: the urgent first, fair by key, never more at once than allowed, the line bounded."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twap_server.api.fair_queue import FairQueue, Rank
from twap_server.domain.errors import EngineBusy


class Work:
    """What took its turn, in order; each goes on until it is told to end."""

    def __init__(self, queue: FairQueue) -> None:
        self.queue = queue
        self.begun: list[str] = []
        self.refused: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def ask(self, key: str, name: str, rank: int = 0) -> None:
        self._ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.get_running_loop().create_task(self._do(key, name, rank))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # whoever gave way has heard it

    async def _do(self, key: str, name: str, rank: int) -> None:
        try:
            async with self.queue.take(key, rank):
                self.begun.append(name)
                await self._ends[name].wait()
        except EngineBusy:
            self.refused.append(name)

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await self.tasks[name]
        await asyncio.sleep(0)

    async def end_all(self) -> None:
        for event in self._ends.values():
            event.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


@asynccontextmanager
async def working(at_once: int, ranks: Sequence[Rank], *, per_key: int | None = None) -> AsyncIterator[Work]:
    work = Work(FairQueue(at_once, ranks, refusal="busy: try again", per_key=per_key))
    yield work
    await work.end_all()


ONE = (Rank(at_once=9, waiting=9),)


async def test_keys_take_turns_however_many_one_has_waiting() -> None:
    async with working(1, ONE) as work:
        for number in range(5):
            await work.ask("eve", f"eve{number}")
        await work.ask("ada", "ada")
        assert work.begun == ["eve0"]
        await work.end("eve0")
        await work.end("eve1")
        assert work.begun == ["eve0", "eve1", "ada"]
        await work.end("ada")
        assert work.begun[-1] == "eve2"


async def test_the_urgent_come_first_and_the_others_leave_a_turn_free() -> None:
    async with working(2, (Rank(at_once=2, waiting=2), Rank(at_once=1, waiting=3))) as work:
        for number in range(3):
            await work.ask("eve", f"later{number}", 1)
        await work.ask("ada", "urgent0")
        assert work.begun == ["later0", "urgent0"]
        await work.ask("ada", "urgent1")
        await work.end("later0")
        await work.end("urgent0")
        assert work.begun == ["later0", "urgent0", "urgent1", "later1"]


async def test_a_full_line_of_one_rank_refuses_nobody_of_another() -> None:
    async with working(1, (Rank(at_once=1, waiting=1), Rank(at_once=1, waiting=2))) as work:
        for number in range(5):
            await work.ask("eve", f"later{number}", 1)
        await work.ask("ada", "urgent")
        assert work.refused == ["later3", "later4"]
        await work.end("later0")
        assert work.begun == ["later0", "urgent"]


async def test_in_a_full_line_who_has_most_waiting_gives_way() -> None:
    async with working(1, (Rank(at_once=1, waiting=4),)) as work:
        for number in range(5):
            await work.ask("eve", f"eve{number}")
        await work.ask("ada", "ada")
        assert work.refused == ["eve4"]
        await work.ask("eve", "eve5")
        assert work.refused == ["eve4", "eve5"], "who has most waiting puts nobody out"


async def test_a_key_has_so_many_turns_at_once_and_no_more() -> None:
    async with working(3, ONE, per_key=1) as work:
        await work.ask("eve", "eve0")
        await work.ask("eve", "eve1")
        await work.ask("ada", "ada0")
        assert work.begun == ["eve0", "ada0"]
        await work.end("eve0")
        assert work.begun == ["eve0", "ada0", "eve1"]


async def test_who_leaves_takes_no_turn_along() -> None:
    async with working(1, ONE) as work:
        for name in ("first", "second", "third"):
            await work.ask("eve", name)
        work.tasks["second"].cancel()
        await work.end("first")
        assert work.begun == ["first", "third"]
        await work.ask("eve", "fourth")
        work.tasks["third"].cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert work.begun[-1] == "fourth"
    assert len(work.queue) == 0 and not any(work.queue._busy) and not work.queue._keys


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "end", "leave"]), st.integers(0, 3), st.integers(0, 2)), max_size=40
)


@given(STEPS)
@settings(deadline=None)
async def test_no_turn_is_lost_and_none_is_given_twice(steps: list[tuple[str, int, int]]) -> None:
    ranks = (Rank(at_once=2, waiting=3), Rank(at_once=2, waiting=3), Rank(at_once=1, waiting=3))
    async with working(2, ranks) as work:
        for number, (what, who, rank) in enumerate(steps):
            active = [name for name in work.begun if not work.tasks[name].done()]
            if what == "ask":
                await work.ask(f"key{who}", str(number), rank)
            elif what == "end" and active:
                await work.end(active[who % len(active)])
            elif what == "leave" and (left := [t for t in work.tasks.values() if not t.done()]):
                left[who % len(left)].cancel()
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            active = [name for name in work.begun if not work.tasks[name].done()]
            assert len(active) <= 2
            assert all(len(line) <= 3 for line in work.queue._lines)
    assert len(work.queue) == 0 and not any(work.queue._busy) and not work.queue._keys


async def test_a_refusal_says_what_to_do() -> None:
    queue = FairQueue(0, [Rank(at_once=0, waiting=0)], refusal="busy: try again")
    with pytest.raises(EngineBusy, match="try again") as refused:
        async with queue.take("ada"):
            raise AssertionError("never begins")
    assert refused.value.retry_after == 2


async def test_who_gave_way_and_is_cancelled_at_once_gives_no_turn_back() -> None:
    queue, begun = FairQueue(1, (Rank(at_once=1, waiting=2),), refusal="busy"), []

    async def ask(key: str) -> None:
        async with queue.take(key):
            begun.append(key)

    loop = asyncio.get_running_loop()
    async with queue.take("ada"):
        waiting = [loop.create_task(ask("eve")) for _ in range(2)]
        await asyncio.sleep(0)
        waiting.append(loop.create_task(ask("bob")))
        await asyncio.sleep(0)
        waiting[1].cancel()  # it was refused for bob's sake, and has not heard it yet
        await asyncio.gather(waiting[1], return_exceptions=True)
        assert begun == [], "ada has the one turn there is"
    await asyncio.gather(*waiting, return_exceptions=True)
    assert begun == ["eve", "bob"]


async def test_where_there_is_no_room_nobody_is_looked_for() -> None:
    """Thousands of streams come back at a time: a turn may not cost a look at each of them."""
    looks = 0

    class Looked(FairQueue):
        def _may_have_more(self, key: str) -> bool:
            nonlocal looks
            looks += 1
            return super()._may_have_more(key)

    queue = Looked(2, (Rank(at_once=2, waiting=500),), refusal="busy", per_key=1)

    async def ask(key: str) -> None:
        async with queue.take(key):
            await asyncio.sleep(0)

    await asyncio.gather(*(ask(f"user{number}") for number in range(500)))
    assert looks < 3 * 500
