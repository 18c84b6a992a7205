"""engine/: one user's orders and commands do not starve another's; what load costs is said truthfully."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from support.clocks import ALONE, EPOCH
from support.engine import EngineAtWork, working
from support.stores.orders import MemoryStore
from support.trading import HandBook, HandMarket, request
from twap_models.enums import OrderStatus, SliceOutcome
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.errors import EngineBusy
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import Amendment
from twap_server.domain.orders.write import OrderWrite
from twap_server.engine.config import EngineConfig
from twap_server.engine.entry.results import SubmitResultKind

pytestmark = ALONE

MANY = EngineConfig(max_slices_per_second=100_000)


class NotingStore(MemoryStore):
    """Notes how many slices of whom each commit records."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded: list[Counter[str]] = []

    async def commit(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
        await super().commit(writes, samples)
        found: Counter[str] = Counter()
        for write in writes:
            found[write.order.terms.user_id] += len(write.slices)
        if found.total():
            self.recorded.append(found)

    def _check(self, write: OrderWrite) -> None:
        """Keys are checked elsewhere; here it would take longest."""


async def many(desk: EngineAtWork, count: int, *, interval: int = SECOND, length: int = 10) -> None:
    """The attacker's orders, all due in the same moment, just before the victim's."""
    start, end = Nanos(EPOCH + 5 * SECOND - 1), Nanos(EPOCH + (5 + length) * SECOND)
    wanted = [
        request(EPOCH, f"t{number:05}", start=start, end=end, interval=interval) for number in range(count)
    ]
    for first in range(0, count, 500):
        results = await desk.engine.submit("attacker", wanted[first : first + 500])
        assert all(one.order.status.is_open for one in results)


async def few(desk: EngineAtWork, count: int = 5, *, start: int = 5 * SECOND) -> list[Order]:
    """The victim's."""
    moment, end = Nanos(EPOCH + start), Nanos(EPOCH + start + 10 * SECOND)
    wanted = [request(EPOCH, f"z{number}", start=moment, end=end) for number in range(count)]
    return [one.order for one in await desk.engine.submit("victim", wanted)]


async def test_a_users_few_slices_are_in_the_first_round_beside_thousands_due_before() -> None:
    store = NotingStore()
    async with working(store, config=MANY) as desk:
        await many(desk, 2_500)
        orders = await few(desk)
        await desk.until(4.9)
        store.latency_s = 0.05
        await desk.until(5.3)
        assert store.recorded[0]["victim"] == 5, "all of them"
        assert [one["attacker"] for one in store.recorded[:3]] == [995, 1_000, 505]
        assert all(store.results(order)[0].outcome is SliceOutcome.FILLED for order in orders)


async def test_a_slice_that_becomes_due_during_a_round_is_in_the_next() -> None:
    store = NotingStore()
    async with working(store, config=MANY) as desk:
        await many(desk, 3_500)
        (order,) = await few(desk, 1, start=5 * SECOND + 20 * MILLISECOND)
        await desk.until(4.9)
        store.latency_s = 0.05
        await desk.until(5.5)
        assert [one["victim"] for one in store.recorded[:2]] == [0, 1], store.recorded
        decided = store.results(order)[0].decided
        assert decided is not None
        assert decided - order.plan.start <= 80 * MILLISECOND, "that commit, and one of samples"


async def test_lost_slices_of_one_user_do_not_hold_up_anothers() -> None:
    """Thirty lost slices of each of 300 orders: they cost their user as many turns."""
    store = NotingStore()
    async with working(store, config=MANY) as desk:
        await many(desk, 300, interval=SECOND // 10)
        await few(desk, 20, start=8 * SECOND)
        await desk.until(4.99)
        store.latency_s = 3.1
        await desk.until(5.05)
        store.latency_s = 0.01
        before = len(store.recorded)
        await desk.until(9)
        first = store.recorded[before + 1]
        assert first["victim"] == 20
        assert max(one.total() for one in store.recorded[before:]) < 1_300


@pytest.mark.parametrize("equal", [False, True], ids=["backlog of one", "backlog of most"])
async def test_a_round_is_cut_where_one_users_backlog_keeps_the_others_waiting(
    monkeypatch: pytest.MonkeyPatch, equal: bool
) -> None:
    """Where most have a backlog, larger rounds serve all of them better."""
    monkeypatch.setattr("twap_server.engine.work.due_orders._SHARED_ROUND", -1)
    store = NotingStore()
    async with working(store, config=MANY) as desk:
        await many(desk, 1_200 if equal else 600)
        await few(desk, 1_200 if equal else 1, start=5 * SECOND if equal else 6 * SECOND)
        await desk.until(5.5)
        sizes = [one.total() for one in store.recorded]
        assert sizes == ([2_000, 400] if equal else [200, 200, 200])


async def test_a_round_of_everybodys_slices_is_shorter_where_commands_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = NotingStore()
    async with working(store, config=MANY) as desk, asyncio.TaskGroup() as group:
        await many(desk, 1_200)
        await few(desk, 1_200, start=5 * SECOND)
        await desk.until(4.9)
        live_book, start = desk.market.live_book, Nanos(EPOCH + 60 * SECOND)

        def looked(instrument: InstrumentId) -> HandBook | None:
            """A submission comes during the first look of the round."""
            monkeypatch.setattr(desk.market, "live_book", live_book)
            asked = desk.submit_as("victim", start=start, end=Nanos(start + 30 * SECOND))
            group.create_task(asked)
            return live_book(instrument)

        monkeypatch.setattr(desk.market, "live_book", looked)
        await desk.until(5.5)
        assert [one.total() for one in store.recorded] == [1_000, 1_400], "the rest after it"


async def test_a_round_is_cut_where_commands_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twap_server.engine.work.due_orders._SHARED_ROUND", -1)
    store = NotingStore()
    async with working(store, config=MANY) as desk, asyncio.TaskGroup() as group:
        await many(desk, 900)
        await desk.until(4.9)
        live_book, start = desk.market.live_book, Nanos(EPOCH + 60 * SECOND)

        def looked(instrument: InstrumentId) -> HandBook | None:
            """The victim's submission comes during the first look of the round."""
            monkeypatch.setattr(desk.market, "live_book", live_book)
            asked = desk.submit_as("victim", start=start, end=Nanos(start + 30 * SECOND))
            group.create_task(asked)
            return live_book(instrument)

        monkeypatch.setattr(desk.market, "live_book", looked)
        await desk.until(5.5)
        assert [one.total() for one in store.recorded] == [200, 200, 200, 200, 100], "the rest after it"


async def test_one_users_thousand_lists_delay_anothers_submission_by_one_group() -> None:
    async with working() as desk:
        desk.store.latency_s = 0.05
        far, end = Nanos(EPOCH + 600 * SECOND), Nanos(EPOCH + 660 * SECOND)
        async with asyncio.TaskGroup() as group:
            for turn in range(300):
                several = [request(EPOCH, f"{turn}-{n}", start=far, end=end) for n in range(20)]
                group.create_task(desk.engine.submit("attacker", several))
            await asyncio.sleep(0.12)
            begin = desk.clock.now()
            order = await desk.submit_as("victim", start=far, end=end)
            assert order.status is OrderStatus.ACCEPTED
            assert desk.clock.now() - begin <= 110 * MILLISECOND
            assert len(desk.store.orders) < 1_200, "most of the attacker's wait"


async def test_too_many_waiting_commands_of_one_user_are_refused_to_that_user_alone() -> None:
    async with working(config=EngineConfig(max_pending_commands_per_user=2)) as desk:
        desk.store.latency_s = 0.5
        asked = [asyncio.ensure_future(desk.submit(token_id=str(n))) for n in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(EngineBusy, match="2 of your own requests wait"):
            await desk.submit(token_id="third")
        other = await desk.submit_as("bob")
        assert {one.status for one in (other, *await asyncio.gather(*asked))} == {OrderStatus.ACCEPTED}


@asynccontextmanager
async def busy(desk: EngineAtWork, seconds: float) -> AsyncIterator[None]:
    """The engine is kept from its work for so long by somebody else's order."""
    start, end = Nanos(EPOCH + 60 * SECOND), Nanos(EPOCH + 90 * SECOND)
    desk.store.latency_s = seconds
    async with asyncio.TaskGroup() as group:
        group.create_task(desk.submit_as("other", start=start, end=end))
        await asyncio.sleep(0.01)
        desk.store.latency_s = 0.0
        yield


async def test_a_window_is_judged_by_the_time_of_receipt_and_begins_there() -> None:
    async with working() as desk, busy(desk, 2.5):
        received = desk.clock.now()
        order = await desk.submit(end=Nanos(received + 10 * SECOND))
        assert desk.clock.now() - received > 2 * SECOND
        assert (order.terms.created, order.plan.start, order.plan.slice_count) == (received, received, 10)
        assert order.plan.warnings == ()
        assert desk.told[-1].time > received, "events go by when they happened"
        times = [event.time for event in desk.told]
        assert times == sorted(times)


async def test_a_rejected_order_ends_when_it_is_rejected_not_when_it_came() -> None:
    async with working() as desk, busy(desk, 2.5):
        received = desk.clock.now()
        order = await desk.submit(token_id="b", end=Nanos(received - 1))
        assert (order.status, order.terms.created) == (OrderStatus.REJECTED, received)
        assert order.progress.ended == desk.told[-1].time > received


async def test_who_came_in_time_and_was_kept_past_the_end_may_send_the_same_again() -> None:
    async with working() as desk, busy(desk, 2.5):
        received = desk.clock.now()
        with pytest.raises(EngineBusy, match="before its end"):
            await desk.submit(end=Nanos(received + SECOND))
        assert [order.terms.user_id for order in desk.store.orders.values()] == ["other"], "nothing stored"
        again = await desk.submit(end=Nanos(received + 20 * SECOND))
        assert again.status is OrderStatus.ACCEPTED
        late = await desk.submit(token_id="b", end=Nanos(desk.clock.now() - 1))
        assert late.progress.reason == "window_elapsed"


async def test_of_a_list_only_the_one_that_was_kept_too_long_is_not_judged() -> None:
    async with working() as desk, busy(desk, 2.5):
        now = desk.clock.now()
        results = await desk.engine.submit(
            "ada", [request(now, "short", end=Nanos(now + SECOND)), request(now, "long")]
        )
        assert [one.kind for one in results] == [SubmitResultKind.UNAVAILABLE, SubmitResultKind.NEW]
        assert "too busy" in results[0].order.progress.detail
        assert {order.terms.token_id for order in desk.store.orders.values()} == {"a", "long"}


async def test_slices_lost_to_load_say_overloaded_and_to_a_slow_store_storage() -> None:
    for latency, reason in ((0.15, "overloaded"), (0.45, "storage")):
        async with working() as desk:
            order = await desk.submit(
                start=Nanos(desk.clock.now() + SECOND),
                end=Nanos(desk.clock.now() + 5 * SECOND),
                interval=SECOND // 10,
                quantity=Decimal(4),
            )
            desk.store.latency_s = latency
            await asyncio.sleep(4)
            lost = {
                str(one.reason) for one in desk.store.results(order) if one.outcome is SliceOutcome.MISSED
            }
            assert lost == {reason}, latency


def open_at(interval: int, token_id: str, **change: object) -> dict[str, object]:
    start, end = Nanos(EPOCH + 60 * SECOND), Nanos(EPOCH + 160 * SECOND)
    wide = {
        "token_id": token_id,
        "start": start,
        "end": end,
        "interval": interval,
        "quantity": Decimal(1_000),
    }
    return wide | change


async def test_slices_a_second_are_bounded_by_user_over_lists_groups_and_changes() -> None:
    async with working(config=EngineConfig(max_slices_per_second=12)) as desk:
        fast, slow = SECOND // 10, SECOND
        wanted = [request(EPOCH, **open_at(fast, "a")), request(EPOCH, **open_at(fast, "b"))]  # type: ignore[arg-type]
        first, second = await desk.engine.submit("ada", wanted)
        assert (first.order.status, second.order.progress.reason) == (
            OrderStatus.ACCEPTED,
            "too_many_slices_per_second",
        )
        assert "have 10 of at most 12: use an interval of at least 0.5 s" in second.order.progress.detail
        answers = await asyncio.gather(
            *(desk.submit(**open_at(slow, token)) for token in "cde"),
            desk.submit_as("bob", **open_at(fast, "a")),
        )
        assert [one.status is OrderStatus.ACCEPTED for one in answers] == [True, True, False, True]
        preview = (await desk.engine.preview("ada", [request(EPOCH, **open_at(fast, "p"))]))[0]  # type: ignore[arg-type]
        assert [(one.reason.value, one.field) for one in preview.broken] == [
            ("too_many_slices_per_second", "interval")
        ]
        assert preview.plan is not None, "it is told what would be planned"
        same = (await desk.engine.preview("ada", wanted[:1]))[0]
        assert same.broken == (), "it is open already and needs no more"
        await desk.engine.cancel("ada", "c")
        assert (await desk.submit(**open_at(slow, "f"))).status is OrderStatus.ACCEPTED
        await desk.engine.amend("ada", "a", Amendment(quantity=Decimal("0.06")))
        assert desk.now(first.order).plan.interval > fast
        assert (await desk.submit(**open_at(slow, "g"))).status is OrderStatus.ACCEPTED, "merged: room again"


async def test_slices_a_second_are_counted_again_after_a_restart() -> None:
    store, config = MemoryStore(), EngineConfig(max_slices_per_second=10)
    async with working(store, config=config) as desk:
        assert (await desk.submit(**open_at(SECOND // 10, "a"))).status.is_open
    async with working(store, HandMarket(desk.clock), config=config) as desk:
        assert (await desk.submit(**open_at(SECOND, "b"))).progress.reason == "too_many_slices_per_second"
        await desk.engine.cancel("ada", "a")
        assert (await desk.submit(**open_at(SECOND, "c"))).status.is_open
