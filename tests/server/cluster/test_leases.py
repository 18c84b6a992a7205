"""Leases, in virtual time: shared out fairly, held by one node at a time, replaced in seconds."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.clocks import ALONE
from support.cluster_messenger import MessengerNetwork
from support.stores.leases import MemoryLeases, PausableClock, RemoteLeases
from twap_server.cluster.leases import LeaseKeeper
from twap_server.cluster.reach import Reach
from twap_server.cluster.sign_of_life import SignOfLife
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import LeaseLost, StoreTakenOver
from twap_server.domain.ownership import (
    TAKES_PARTS,
    Lease,
    Node,
    is_of_an_exchange,
    part_of_lease,
    parts_of,
)

pytestmark = ALONE

NAMES = [f"partition/{number}" for number in range(8)]
HALVES, THIRDS = ([one.lease for one in parts_of("binance", of)] for of in (2, 3))
ROLES = ("engine", TAKES_PARTS)
REPLACED_S = 5
"""Seconds within which a lost owner is replaced."""


class Member:
    """A node with one keeper; its work counts what it does."""

    def __init__(
        self, shared: MemoryLeases, name: str, names: list[str] = NAMES, roles: tuple[str, ...] = ROLES
    ) -> None:
        self.name, self.clock = name, PausableClock()
        self.store = RemoteLeases(shared, self.clock)
        node = Node(node_id=name, host="h", roles=roles, version="1", started=Nanos(0))
        self.life = SignOfLife(self.store, node, clock=self.clock)
        self.line = MessengerNetwork().node(name)
        """To the other nodes."""
        self.reach = Reach(self.line, self.life, self.clock)
        self.keeper = LeaseKeeper(
            self.store,
            self.life,
            role="engine",
            names=names,
            work=self.work,
            clock=self.clock,
            rng=Random(1),
            lost_for=lambda: self.reach.lost_for,
        )
        self.working: Counter[str] = Counter()
        self.begun: list[Lease] = []
        self.fails: dict[str, Exception] = {}
        self.cleanup_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def work(self, lease: Lease) -> None:
        self.begun.append(lease)
        self.working[lease.name] += 1
        try:
            if error := self.fails.get(lease.name):
                raise error
            await asyncio.Event().wait()
        finally:
            if self.cleanup_s:
                await self.clock.sleep(self.cleanup_s)
            self.working[lease.name] -= 1

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """In order, as a node stops."""
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def end(self) -> None:
        """At the end of a test, whatever became of it."""
        self.resume()
        await self.stop()

    def pause(self) -> None:
        self.clock.running.clear()

    def resume(self) -> None:
        self.clock.running.set()

    @property
    def held(self) -> tuple[str, ...]:
        """What it believes to own; a paused node believes nothing."""
        return self.keeper.held if self.clock.running.is_set() else ()

    @property
    def is_working_on(self) -> list[str]:
        return sorted(+self.working)

    async def _run(self) -> None:
        await self.keeper.look_around()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.life.run())
            group.create_task(self.reach.run())
            group.create_task(self.keeper.run())


@asynccontextmanager
async def members(shared: MemoryLeases, *names: str) -> AsyncIterator[list[Member]]:
    made = [Member(shared, name) for name in names]
    try:
        yield made
    finally:
        for one in made:
            if one._task is not None:
                await one.end()


async def test_one_node_holds_all() -> None:
    async with members(MemoryLeases(), "a") as (a,):
        a.start()
        await asyncio.sleep(2)
        assert sorted(a.held) == a.is_working_on == NAMES
        await asyncio.sleep(60)
        assert [lease.epoch for lease in a.begun] == [1] * len(NAMES), "and goes on without a break"


async def test_shares_become_fair_after_a_node_joins_one_at_a_time() -> None:
    async with members(MemoryLeases(), "a", "b", "c") as (a, b, c):
        a.start()
        await asyncio.sleep(3.5)
        b.start()
        before = len(a.held)
        for _ in range(12):
            await asyncio.sleep(1)
            assert before - len(a.held) <= 1, "one a second"
            before = len(a.held)
        assert (len(a.held), len(b.held)) == (4, 4)
        c.start()
        await asyncio.sleep(10)
        assert sorted([len(a.held), len(b.held), len(c.held)]) == [2, 3, 3]
        assert sorted(a.held + b.held + c.held) == NAMES


async def test_who_is_stopped_in_order_is_replaced_at_once() -> None:
    shared = MemoryLeases()
    async with members(shared, "a", "b") as (a, b):
        a.start()
        b.start()
        await asyncio.sleep(10)
        assert len(a.held) == len(b.held) == 4
        await a.stop()
        assert a.is_working_on == [] and a.keeper.held == ()
        assert "a" not in shared.nodes and "a" not in {row.node for row in shared.rows.values()}
        await asyncio.sleep(1.5)
        assert sorted(b.held) == NAMES


async def test_a_lease_is_held_until_its_work_has_ended() -> None:
    """Longer than it lasts: it is renewed on the way."""
    shared = MemoryLeases()
    async with members(shared, "a", "b") as (a, b):
        a.start()
        await asyncio.sleep(2)
        a.cleanup_s = 10
        b.start()
        stopping = asyncio.get_running_loop().create_task(a.stop())
        for _ in range(9):
            await asyncio.sleep(1)
            assert b.held == () and len(a.is_working_on) == len(NAMES)
        await asyncio.sleep(3)
        assert sorted(b.held) == NAMES
        await stopping


@pytest.mark.parametrize("later_s", [0, 0.3, 0.7])
@pytest.mark.parametrize("killed_s", [0.01, 0.25, 0.5, 0.75, 0.99])
async def test_who_is_killed_is_replaced_within_four_seconds(later_s: float, killed_s: float) -> None:
    """Whenever in a second that is, and whenever in a second the other one looks: five are promised."""
    async with members(MemoryLeases(), "a", "b") as (a, b):
        a.start()
        await asyncio.sleep(later_s)
        b.start()
        await asyncio.sleep(10 + killed_s)
        a.pause()
        await asyncio.sleep(REPLACED_S - 1 + 0.01)
        assert sorted(b.held) == NAMES


async def test_what_a_node_has_is_renewed_while_it_waits_for_more() -> None:
    """It loses nothing by taking over from a node that died, however long the database takes to answer."""
    async with members(MemoryLeases(), "a", "b") as (a, b):
        a.start()
        b.start()
        await asyncio.sleep(10)
        own = sorted(b.held)
        a.pause()
        b.store.taking_s = 6
        await asyncio.sleep(20)
        begun = [lease.name for lease in b.begun]
        assert [begun.count(name) for name in own] == [1] * 4, "they go on without a break"
        assert set(own) <= set(b.held)
        b.store.taking_s = 0
        await asyncio.sleep(7)
        assert sorted(b.held) == NAMES


@pytest.mark.parametrize("muted_s", [0, 0.3, 0.6, 0.95])
async def test_a_connection_that_answers_no_more_costs_a_node_nothing(
    muted_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    """Whenever that happens: the next try takes another one, long before the lease runs out."""
    async with members(MemoryLeases(), "a") as (a,):
        a.start()
        await asyncio.sleep(10 + muted_s)
        a.store.is_mute = True
        for _ in range(600):
            await asyncio.sleep(0.05)
            assert sorted(a.held) == NAMES
        assert len(a.begun) == len(NAMES), "without a break"
        assert "neither taken nor renewed" not in caplog.text


@pytest.mark.parametrize("slow_s", [0.69, 0.71, 1.0, 1.4])
async def test_renewals_that_are_answered_late_are_answered(slow_s: float) -> None:
    """An overloaded machine: to cut each of them off, and ask again, would never end."""
    async with members(MemoryLeases(), "a") as (a,):
        a.start()
        await asyncio.sleep(5)
        a.store.renewing_s = slow_s
        for _ in range(600):
            await asyncio.sleep(0.1)
            assert sorted(a.held) == NAMES
        assert len(a.begun) == len(NAMES), "without a break"


async def test_three_renewals_at_most_are_under_way() -> None:
    async with members(MemoryLeases(), "a") as (a,):
        a.start()
        await asyncio.sleep(5)
        under_way, most = 0, 0
        renew = a.store.renew

        async def counted(*given: Any, **named: Any) -> list[Lease]:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            try:
                return await renew(*given, **named)
            finally:
                under_way -= 1

        a.store.renew = counted  # type: ignore[method-assign]
        a.store.renewing_s = 10
        await asyncio.sleep(60)
        assert most == 3
        a.store.renewing_s = 0
        await asyncio.sleep(15)
        assert sorted(a.held) == NAMES


async def test_who_reaches_nobody_gives_what_it_has_to_those_who_do() -> None:
    """It has the database; but nobody hears of its books, and no engine of it has any."""
    async with members(MemoryLeases(), "a", "b") as (a, b):
        a.start()
        b.start()
        await asyncio.sleep(10)
        assert len(a.held) == len(b.held) == 4
        a.line.cut()
        await asyncio.sleep(3.6)
        assert "without NATS" in a.keeper.remark
        await asyncio.sleep(4.5)
        assert sorted(b.held) == NAMES and a.held == ()
        await asyncio.sleep(60)
        assert sorted(b.held) == NAMES and a.is_working_on == [], "and takes nothing"
        a.line.mend()
        await asyncio.sleep(8)
        assert len(a.held) == len(b.held) == 4 and a.keeper.remark == ""


async def test_who_reaches_nobody_for_a_moment_keeps_what_it_has() -> None:
    async with members(MemoryLeases(), "a", "b") as (a, b):
        a.start()
        b.start()
        await asyncio.sleep(10)
        begun = len(a.begun)
        for _ in range(10):
            a.line.cut()
            await asyncio.sleep(2)
            a.line.mend()
            await asyncio.sleep(1)
            assert len(a.held) == len(b.held) == 4 and a.keeper.remark == ""
        assert len(a.begun) == begun


@pytest.mark.parametrize("first_s", [0, 0.5, 1.0])
@pytest.mark.parametrize("back_s", [0, 1, 3, 5])
async def test_nothing_moves_where_nats_is_away_for_all(first_s: float, back_s: float) -> None:
    """One after the other notices that it is away, and one after the other has it back."""
    async with members(MemoryLeases(), "a", "b", "c") as all_:
        for one in all_:
            one.start()
            await asyncio.sleep(0.3)
        await asyncio.sleep(15)
        begun = [len(one.begun) for one in all_]
        for one in all_:
            one.line.cut()
            await asyncio.sleep(first_s / 2)
        await asyncio.sleep(60)
        for one in all_:
            one.line.mend()
            await asyncio.sleep(back_s / 2)
        await asyncio.sleep(30)
        assert [len(one.begun) for one in all_] == begun and sum(len(one.held) for one in all_) == len(NAMES)


async def test_the_last_one_keeps_what_it_has_without_nats() -> None:
    async with members(MemoryLeases(), "a", "b") as (a, b):
        a.start()
        await asyncio.sleep(5)
        a.line.cut()
        await asyncio.sleep(60)
        assert sorted(a.held) == NAMES
        b.start()
        await asyncio.sleep(9)
        assert sorted(b.held) == NAMES and a.held == (), "until somebody comes who has it"


async def test_who_was_paused_stops_when_it_wakes_and_comes_back() -> None:
    async with members(MemoryLeases(), "a", "b") as (a, b):
        a.start()
        await asyncio.sleep(2)
        b.start()
        await asyncio.sleep(8)
        a.pause()
        await asyncio.sleep(30)
        a.resume()
        assert a.held == (), "before anything else ran"
        await asyncio.sleep(0.2)
        assert a.is_working_on == []
        await asyncio.sleep(10)
        assert len(a.held) == len(b.held) == 4
        assert sorted(a.held + b.held) == NAMES


async def test_without_the_database_work_stops_before_the_lease_runs_out() -> None:
    shared = MemoryLeases()
    async with members(shared, "a") as (a,):
        a.start()
        await asyncio.sleep(5)
        a.store.is_cut = True
        runs_out = min(row.until for row in shared.rows.values())
        async with asyncio.timeout(10):
            while a.is_working_on:
                await asyncio.sleep(0.05)
        assert runs_out - SECOND < a.clock.now() < runs_out - SECOND // 4
        await asyncio.sleep(60)
        assert a.held == () and "did not answer" in a.keeper.remark
        a.store.is_cut = False
        await asyncio.sleep(5)
        assert sorted(a.held) == NAMES and a.keeper.remark == ""


async def test_a_lease_counts_from_the_question_not_from_the_answer() -> None:
    shared = MemoryLeases()
    async with members(shared, "a") as (a,):
        a.store.late = 0.6
        a.start()
        async with asyncio.timeout(10):
            while len(a.is_working_on) < len(NAMES):
                await asyncio.sleep(0.01)
            a.store.is_cut = True
            while a.is_working_on:
                await asyncio.sleep(0.01)
        assert a.clock.now() < min(row.until for row in shared.rows.values())


async def test_after_the_database_was_away_each_node_has_its_share_again() -> None:
    async with members(MemoryLeases(), "a", "b") as (a, b):
        a.start()
        b.start()
        await asyncio.sleep(10)
        a.store.is_cut = b.store.is_cut = True
        await asyncio.sleep(20)
        assert a.held == b.held == ()
        a.store.is_cut = b.store.is_cut = False
        for _ in range(50):
            await asyncio.sleep(0.1)
            assert len(a.held) <= 4 and len(b.held) <= 4
        assert len(a.held) == len(b.held) == 4


@pytest.mark.parametrize("jump", [-90, -1.2, 1.2, 90])
async def test_a_node_whose_clock_is_off_owns_nothing(jump: float) -> None:
    async with members(MemoryLeases(), "a", "b") as (a, b):
        a.start()
        b.start()
        await asyncio.sleep(10)
        a.clock.jump = round(jump * SECOND)
        await asyncio.sleep(5)
        assert a.held == () and a.is_working_on == []
        assert ("ahead of" if jump > 0 else "behind") in a.keeper.remark and "chrony" in a.keeper.remark
        assert sorted(b.held) == NAMES, "nobody leaves its share to it"
        assert b.keeper.remark == ""
        a.clock.jump = 0
        await asyncio.sleep(10)
        assert a.keeper.remark == "" and len(a.held) == len(b.held) == 4


async def test_a_node_of_another_division_waits_until_the_others_have_stopped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kraken, shared = "exchange/kraken", MemoryLeases()
    async with members(shared) as made:
        a, b = Member(shared, "a", [*HALVES, kraken]), Member(shared, "b", [*THIRDS, kraken])
        made += [a, b]
        a.start()
        await asyncio.sleep(3)
        b.start()
        for _ in range(60):
            await asyncio.sleep(0.5)
            assert sorted(a.held) == sorted([*HALVES, kraken]), "it gives nothing to who cannot take it"
            assert b.held == ()
        assert len(a.begun) == 3, "without a break"
        words = "other nodes collect binance in 2 parts, this one is to do so in 3 parts"
        assert words in b.keeper.remark and caplog.text.count(words) == 1
        assert a.keeper.remark == ""
        await a.stop()
        await asyncio.sleep(1.5)
        assert sorted(b.held) == sorted([*THIRDS, kraken]) and b.keeper.remark == ""
        assert caplog.text.count("no other node stands in the way any more") == 1
        a.start()
        await asyncio.sleep(5)
        assert a.held == () and "in 3 parts, this one is to do so in 2 parts" in a.keeper.remark
        assert min(lease.epoch for lease in b.begun if lease.name != kraken) > 2


async def test_nothing_is_left_to_a_node_that_knows_of_no_parts() -> None:
    """Of a release before: it asks for the whole exchange, and does not know that it waits."""
    shared = MemoryLeases()
    async with members(shared) as made:
        new = [Member(shared, name, HALVES) for name in ("a", "b")]
        old = Member(shared, "c", ["exchange/binance"], roles=("engine",))
        old.keeper._has_exchanges = False
        made += [*new, old]
        for one in (new[0], old):
            one.start()
            await asyncio.sleep(3)
        await asyncio.sleep(20)
        assert sorted(new[0].held) == HALVES and len(new[0].begun) == 2
        new[1].start()
        await asyncio.sleep(5)
        assert len(new[0].held) == len(new[1].held) == 1
        for one in new:
            await one.stop()
        await asyncio.sleep(2)
        assert old.held == ("exchange/binance",)


async def test_parts_are_shared_out_as_exchanges_are() -> None:
    shared = MemoryLeases()
    async with members(shared) as made:
        made += [Member(shared, name, THIRDS) for name in ("a", "b", "c")]
        for one in made:
            one.start()
        await asyncio.sleep(10)
        assert sorted(name for one in made for name in one.held) == THIRDS
        assert [len(one.held) for one in made] == [1, 1, 1]
        made[0].pause()
        await asyncio.sleep(REPLACED_S)
        assert sorted(made[1].held + made[2].held) == THIRDS


async def test_a_slow_database_is_no_wrong_clock() -> None:
    async with members(MemoryLeases(), "a") as (a,):
        a.store.late = 0.3
        a.clock.jump = SECOND * 9 // 10
        a.start()
        await asyncio.sleep(10)
        assert sorted(a.held) == NAMES and a.keeper.remark == ""


@pytest.mark.parametrize("is_group", [False, True])
async def test_work_that_fails_is_tried_later_and_others_may_have_it(
    caplog: pytest.LogCaptureFixture, is_group: bool
) -> None:
    async with members(MemoryLeases(), "a", "b") as (a, b):
        error: Exception = RuntimeError("no book")
        a.fails = {NAMES[0]: ExceptionGroup("all", [error]) if is_group else error}
        a.start()
        await asyncio.sleep(60)
        assert sorted(a.held) == NAMES[1:], "the node lives on"
        tries = sum(lease.name == NAMES[0] for lease in a.begun)
        assert 4 <= tries <= 16, "later each time"
        assert f"the work of {NAMES[0]} failed" in caplog.text and NAMES[0] in a.keeper.remark
        b.start()
        await asyncio.sleep(10)
        assert NAMES[0] in b.held
        a.fails.clear()
        await asyncio.sleep(200)
        assert len(a.held) == len(b.held) == 4 and a.keeper.remark == ""


async def test_work_that_ends_by_itself_is_tried_later() -> None:
    async with members(MemoryLeases(), "a") as (a,):
        work, a.keeper._work = a.work, _nothing
        a.start()
        await asyncio.sleep(5)
        assert a.held == () and "failed" in a.keeper.remark
        a.keeper._work = work
        await asyncio.sleep(60)
        assert sorted(a.held) == NAMES


@pytest.mark.parametrize("is_group", [False, True])
async def test_work_that_was_taken_over_is_just_gone(
    caplog: pytest.LogCaptureFixture, is_group: bool
) -> None:
    async with members(MemoryLeases(), "a") as (a,):
        lost: Exception = LeaseLost("another node has it")
        a.fails = {NAMES[0]: ExceptionGroup("all", [lost]) if is_group else lost}
        a.start()
        await asyncio.sleep(1.5)
        a.fails.clear()
        await asyncio.sleep(1)
        assert sorted(a.held) == NAMES and a.keeper.remark == ""
        assert "failed" not in caplog.text


async def test_a_node_ends_when_a_server_alone_took_the_database() -> None:
    shared = MemoryLeases()
    async with members(shared, "a") as (a,):
        a.start()
        await asyncio.sleep(3)

        async def taken_over(*_: object, **__: object) -> list[Lease]:
            raise StoreTakenOver("a server alone has it")

        a.store.renew = taken_over  # type: ignore[method-assign]
        assert a._task is not None
        with pytest.raises(ExceptionGroup) as caught:
            await a._task
        assert caught.group_contains(StoreTakenOver)
        assert a.is_working_on == []
        a._task = None


async def test_who_is_stopped_before_its_work_began_ends() -> None:
    async with members(MemoryLeases(), "a") as (a,):
        await a.life.beat()
        async with asyncio.TaskGroup() as group:
            await a.keeper._turn(group)
            await a.keeper._leave()
        assert a.begun == [] and a.keeper._held == {}


async def _nothing(_: Lease) -> None:
    """Return at once."""


Event = tuple[int, str, float]
"""To which node, what, and for how many seconds."""
events = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["pause", "cut", "late", "clock", "slow end", "restart"]),
        st.sampled_from([0.1, 0.5, 1.0, 2.2, 2.7, 3.3, 5.0, 9.0]),
    ),
    max_size=8,
)


@settings(max_examples=15, deadline=None)
@given(events, events)
def test_no_two_nodes_hold_a_lease_at_once(first: list[Event], second: list[Event]) -> None:
    loop = looptime.new_event_loop(start=0, noop_cycles=1)
    try:
        loop.run_until_complete(_play(first, second, NAMES, NAMES))
    finally:
        loop.close()


@settings(max_examples=15, deadline=None)
@given(events, events)
def test_no_two_nodes_collect_a_symbol_at_once_whatever_their_divisions(
    first: list[Event], second: list[Event]
) -> None:
    loop = looptime.new_event_loop(start=0, noop_cycles=1)
    try:
        loop.run_until_complete(_play(first, second, HALVES, THIRDS))
    finally:
        loop.close()


async def _play(first: list[Event], second: list[Event], names: list[str], others: list[str]) -> None:
    shared = MemoryLeases()
    async with members(shared) as all_:
        all_ += [Member(shared, "a", names), Member(shared, "b", names), Member(shared, "c", others)]
        for one in all_:
            one.start()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(_watch(shared, all_))
            scripts = [
                group.create_task(_one_by_one(script, some))
                for script, some in ((first, all_[:2]), (second, all_[2:]))
            ]
            await asyncio.wait(scripts)
            for one in all_:
                one.store.late, one.clock.jump, one.cleanup_s = 0, 0, 0
            await asyncio.sleep(40)
            watching.cancel()
        assert sorted(name for one in all_ for name in one.held) in (names, others), "and each is held again"
        if names == others:
            assert sorted(len(one.held) for one in all_) == [2, 3, 3]


async def _one_by_one(script: list[Event], among: list[Member]) -> None:
    for number, what, seconds in script:
        await _happen(among[number % len(among)], what, seconds)
        await asyncio.sleep(seconds / 3)


async def _happen(one: Member, what: str, seconds: float) -> None:
    match what:
        case "pause":
            one.pause()
            await asyncio.sleep(seconds)
            one.resume()
        case "cut":
            one.store.is_cut = True
            await asyncio.sleep(seconds)
            one.store.is_cut = False
        case "late":
            one.store.late = seconds / 10
        case "clock":
            one.clock.jump = round((seconds - 2.5) * SECOND)
        case "slow end":
            one.cleanup_s = seconds / 20
        case "restart":
            await one.stop()
            await asyncio.sleep(seconds)
            one.start()


async def _watch(shared: MemoryLeases, all_: list[Member]) -> None:
    while True:
        believed = Counter(name for one in all_ for name in one.held)
        assert not [name for name, count in believed.items() if count > 1]
        assert len({part_of_lease(name).of for name in believed if is_of_an_exchange(name)}) <= 1
        for one in all_:
            assert {shared.rows[name].node for name in one.held} <= {one.name}
        await asyncio.sleep(0.05)
