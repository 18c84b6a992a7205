"""engine/: the life of an order under virtual time, against a book that the test moves."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from support.clocks import ALONE, EPOCH, LoopClock
from support.engine import working
from support.stores.orders import MemoryStore
from support.trading import HandMarket, request
from twap_models.enums import Carry, Fidelity, LateStart, OrderStatus, Side, SliceOutcome, SliceReason
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import (
    CommitInDoubt,
    EngineBusy,
    OrderNotFound,
    OrderNotOpen,
    StoreConflict,
    StoreUnavailable,
)
from twap_server.domain.market.events import BookStatus
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import Amendment
from twap_server.domain.orders.write import OrderWrite
from twap_server.engine.config import EngineConfig
from twap_server.engine.entry.results import SubmitResultKind

pytestmark = ALONE


async def test_an_order_fills_slice_by_slice_on_time() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(0.5)
        assert desk.now(order).progress.filled == Decimal("0.1")
        await desk.until(11)
        done = desk.now(order)
        assert (done.status, done.progress.filled, done.average_price) == (OrderStatus.FILLED, 1, 100)
        results = desk.store.results(order)
        assert [s.due for s in results] == [EPOCH + i * SECOND for i in range(10)]
        assert all(s.decided is not None and 0 <= s.decided - s.due < 10_000_000 for s in results)
        assert desk.market.held == {f"mark-outs:{order.terms.order_id}"}, "the mids after the last fill"
        assert [event.seq for event in desk.told] == list(
            range(1, 14)
        )  # accepted, working, ten slices, ended
        await desk.until(75)
        assert not desk.market.held


async def test_the_default_limit_is_none_and_a_limit_is_never_passed() -> None:
    async with working() as desk:
        order = await desk.submit(limit=Decimal("99.5"))
        await desk.until(5.5)
        desk.market.show(bids=[("98", "1")], asks=[("99.2", "0.05"), ("99.5", "0.2"), ("99.6", "50")])
        await desk.until(11)
        done = desk.now(order)
        assert done.status is OrderStatus.EXPIRED
        assert max(fill.price for fill in desk.store.fills.values()) == Decimal("99.5")
        assert desk.reasons(order)[:6] == ["limit_not_met"] * 6


async def test_catch_up_wants_at_most_three_equal_slices_and_the_last_may_take_all() -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "10")], asks=[("105", "10")])
        order = await desk.submit(limit=Decimal(100))
        await desk.until(5.5)
        desk.market.show(bids=[("99", "10")], asks=[("100", "10")])
        await desk.until(8.5)
        filled = [s.filled for s in desk.store.results(order)]
        assert filled[6:9] == [Decimal("0.3"), Decimal("0.3"), Decimal("0.3")]
        await desk.until(11)
        assert desk.now(order).status is OrderStatus.FILLED


async def test_skip_leaves_missed_quantity_missed() -> None:
    async with working() as desk:
        order = await desk.submit(limit=Decimal(100), carry=Carry.SKIP)
        await desk.until(4.5)
        desk.market.show(bids=[("99", "10")], asks=[("105", "10")])
        await desk.until(6.5)
        desk.market.show(bids=[("99", "10")], asks=[("100", "10")])
        await desk.until(11)
        done = desk.now(order)
        assert (done.status, done.progress.filled) == (OrderStatus.EXPIRED, Decimal("0.8"))


async def test_last_tries_the_remainder_with_the_last_slice() -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "10")], asks=[("105", "10")])
        order = await desk.submit(limit=Decimal(100), carry=Carry.LAST)
        await desk.until(7.5)
        desk.market.show(bids=[("99", "10")], asks=[("100", "10")])
        await desk.until(11)
        assert [s.filled for s in desk.store.results(order)][8:] == [Decimal("0.1"), Decimal("0.9")]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(BookStatus.STALE, "stale_book"), (BookStatus.RESYNCING, "resyncing"), (BookStatus.DOWN, "stale_book")],
)
async def test_a_book_that_is_not_live_is_waited_for_then_the_slice_is_missed(
    status: BookStatus, reason: str
) -> None:
    async with working() as desk:
        assert desk.market.live is not None
        desk.market.live.status = status
        order = await desk.submit()
        await desk.until(0.3)
        assert desk.reasons(order) == []
        await desk.until(0.9)
        assert desk.reasons(order) == [reason]
        await desk.until(1.2)
        desk.market.live.status = BookStatus.LIVE
        await desk.until(1.6)
        assert desk.reasons(order) == [reason, "filled"]
        assert desk.store.results(order)[1].filled == Decimal("0.2")


async def test_no_book_crossed_and_old_books_are_never_filled_from() -> None:
    async with working() as desk:
        kept, desk.market.live = desk.market.live, None
        order = await desk.submit()
        await desk.until(0.9)
        desk.market.live = kept
        desk.market.show(bids=[("100", "1")], asks=[("100", "1")])
        await desk.until(1.9)
        desk.market.fresh = False
        desk.market.show(bids=[("99", "10")], asks=[("100", "10")])
        assert desk.market.live is not None
        desk.market.live.confirmed_at = Nanos(desk.clock.now() - 31 * SECOND)
        await desk.until(2.9)
        assert desk.reasons(order) == ["no_book", "crossed_book", "stale_book"]
        assert not desk.store.fills


async def test_a_slice_waits_for_a_silent_connection_then_misses() -> None:
    async with working() as desk:
        assert desk.market.live is not None
        desk.market.live.is_silent = True
        order = await desk.submit()
        await desk.until(0.3)
        assert not desk.store.results(order), "it waits in its window"
        desk.market.live.is_silent = False
        await desk.until(0.9)
        assert desk.reasons(order) == ["filled"]
        desk.market.live.is_silent = True
        await desk.until(1.9)
        assert desk.reasons(order) == ["filled", "stale_book"]
        assert len(desk.store.fills) == 1


async def test_depth_is_walked_one_fill_per_level_and_never_beyond() -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "10")], asks=[("100", "0.04"), ("101", "0.05")])
        order = await desk.submit()
        await desk.until(0.5)
        assert [(f.price, f.quantity) for f in desk.store.fills.values()] == [
            (Decimal(100), Decimal("0.04")),
            (Decimal(101), Decimal("0.05")),
        ]
        assert desk.reasons(order) == ["depth_exhausted"]
        assert desk.store.results(order)[0].outcome is SliceOutcome.PARTIAL


async def test_own_impact_is_remembered_until_the_level_is_removed_and_others_are_not_affected() -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "10")], asks=[("100", "0.1")])
        mine = await desk.submit()
        await desk.until(0.5)
        theirs = (await desk.engine.submit("bob", [request(desk.clock.now(), "a")]))[0].order
        await desk.until(1.2)
        assert desk.now(theirs).progress.filled == Decimal("0.1")
        assert desk.store.results(mine)[1].filled < Decimal("0.01")
        desk.market.change(asks=[("100", "0")])
        desk.market.change(asks=[("100", "0.1")])
        await desk.until(2.2)
        assert desk.store.results(mine)[2].filled == Decimal("0.1")


async def test_two_orders_of_one_user_in_one_instant_share_the_level() -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "10")], asks=[("100", "0.15")])
        now = desk.clock.now()
        await desk.engine.submit("ada", [request(now, "a"), request(now, "b")])
        await desk.until(0.5)
        assert sum(fill.quantity for fill in desk.store.fills.values()) == Decimal("0.15")


async def test_what_was_recorded_stays_taken_when_another_order_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "10")], asks=[("100", "0.15")])
        now = desk.clock.now()
        times = {"start": Nanos(now + SECOND), "end": Nanos(now + 11 * SECOND)}
        for name in ("a", "b"):
            await desk.submit(token_id=name, **times)
        commit, calls = desk.store.commit, 0

        async def once(writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
            nonlocal calls
            calls += 1
            if calls in (1, 3):
                raise StoreConflict("elsewhere") if calls == 1 else StoreUnavailable("gone")
            await commit(writes, samples)

        monkeypatch.setattr(desk.store, "commit", once)
        await desk.until(1.9)
        filled = [order.progress.filled for order in desk.store.orders.values()]
        assert filled[0] == Decimal("0.1")
        assert filled[1] <= Decimal("0.05"), "the other took it: it is not there twice"


async def test_slippage_cap_and_touch_fidelity() -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "10")], asks=[("100", "0.01"), ("130", "10")])
        capped = await desk.submit(token_id="cap", max_slippage_bps=Decimal(100))
        touch = await desk.submit(token_id="l1", fidelity=Fidelity.L1)
        await desk.until(0.5)
        assert desk.reasons(capped) == ["slippage_cap"]
        assert desk.store.results(touch)[0].filled == Decimal("0.1")


async def test_touch_fidelity_keeps_to_the_slippage_cap() -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "10")], asks=[("100", "10")])
        capped = await desk.submit(fidelity=Fidelity.L1, max_slippage_bps=Decimal(10))
        await desk.until(0.5)
        assert desk.reasons(capped) == ["slippage_cap"], "the touch is 50 bps from the mid"


async def test_what_is_traded_while_a_slice_is_recorded_counts_for_the_next() -> None:
    async with working() as desk:
        order = await desk.submit(start=Nanos(EPOCH + SECOND), participation_cap=Decimal(100))
        desk.store.latency_s = 0.5
        await desk.until(1.3)
        desk.market.trade("100", "0.06")
        await desk.until(3)
        assert [one.filled for one in desk.store.results(order)][:2] == [0, Decimal("0.06")]


async def test_what_is_traded_while_lost_slices_are_settled_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twap_server.engine.work.step.LOST_PER_LOOK", 1)
    async with working() as desk:
        order = await desk.submit(participation_cap=Decimal(100))
        await desk.until(0.5)
        desk.store.failing = True
        await desk.until(3.1)
        desk.market.trade("100", "0.06")
        desk.store.failing = False
        desk.store.latency_s = 0.2
        await desk.until(4.9)
        assert desk.reasons(order)[1:3] == ["storage", "storage"], "settled one by one, for one reason"
        assert sum(one.filled for one in desk.store.results(order)) == Decimal("0.06")


async def test_fees_are_exact() -> None:
    async with working() as desk:
        desk.market.fee = Decimal("0.001")
        order = await desk.submit(side=Side.SELL)
        await desk.until(11)
        assert desk.now(order).progress.fees == Decimal("0.099")


async def test_cancel_wins_or_loses_once() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(3.5)
        canceled = await desk.engine.cancel("ada", "a")
        assert (canceled.status, canceled.progress.filled) == (OrderStatus.CANCELED, Decimal("0.4"))
        with pytest.raises(OrderNotOpen, match="Canceled"):
            await desk.engine.cancel("ada", "a")
        with pytest.raises(OrderNotFound):
            await desk.engine.cancel("bob", "a")
        await desk.until(12)
        assert desk.now(order) == canceled


async def test_same_token_id_fifty_times_at_once_is_one_order() -> None:
    async with working() as desk:
        now = desk.clock.now()
        answers = await asyncio.gather(*(desk.engine.submit("ada", [request(now)]) for _ in range(50)))
        kinds = [answer[0].kind for answer in answers]
        assert kinds.count(SubmitResultKind.NEW) == 1 and kinds.count(SubmitResultKind.REPEAT) == 49
        other = (await desk.engine.submit("ada", [request(now, fingerprint="other")]))[0]
        assert other.kind is SubmitResultKind.CONFLICT
        assert other.order.progress.reason == "duplicate_token_id"
        assert len(desk.store.orders) == 1
        theirs = (await desk.engine.submit("bob", [request(now)]))[0]
        assert theirs.kind is SubmitResultKind.NEW


async def test_rejects_are_stored_and_use_up_their_token() -> None:
    async with working() as desk:
        order = await desk.submit(end=Nanos(EPOCH - 1))
        assert (order.status, order.progress.reason) == (OrderStatus.REJECTED, "window_elapsed")
        assert "used up" in order.progress.detail
        unknown = await desk.submit(token_id="b", symbol="DOGEBTC")
        assert (unknown.progress.reason, "BTC-USDT" in unknown.progress.detail) == ("unknown_symbol", True)
        assert len(desk.store.orders) == 2


async def test_elapsed_slices_of_a_late_start_with_skip() -> None:
    async with working() as desk:
        order = await desk.submit(
            start=Nanos(EPOCH - 3 * SECOND), late_start=LateStart.SKIP, end=Nanos(EPOCH + 7 * SECOND)
        )
        await desk.until(8)
        assert desk.reasons(order)[:3] == ["elapsed"] * 3
        assert desk.now(order).status is OrderStatus.FILLED


class Noting(MemoryStore):
    """Notes how many slices each commit records."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded: list[int] = []

    async def commit(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
        await super().commit(writes, samples)
        self.recorded.append(sum(len(write.slices) for write in writes))


async def test_very_many_elapsed_slices_are_settled_piece_by_piece() -> None:
    store = Noting()
    async with working(store) as desk:
        start = Nanos(EPOCH - 2_500 * SECOND)
        end = Nanos(EPOCH + 7 * SECOND)
        order = await desk.submit(start=start, end=end, late_start=LateStart.SKIP, quantity=Decimal(2_507))
        assert store.recorded == [0], "the acceptance records none"
        with pytest.raises(EngineBusy, match="that were past"):
            await desk.engine.amend("ada", order.terms.token_id, Amendment(quantity=Decimal(3_000)))
        await desk.until(8)
        assert desk.reasons(order)[:2_500] == ["elapsed"] * 2_500
        assert desk.reasons(order)[2_500] == "filled", "the first that was to come is not lost"
        assert max(store.recorded) == 200


async def test_down_across_slices_then_one_slice_and_no_backlog() -> None:
    clock = LoopClock()
    store, market = MemoryStore(), HandMarket(clock)
    async with working(store, market) as desk:
        order = await desk.submit()
        await desk.until(2.5)
    await asyncio.sleep(3)
    assert len(store.slices) == 3
    async with working(store, market) as desk:
        await desk.until(5.6)
        assert desk.reasons(order)[3:5] == ["engine_down"] * 2
        assert desk.store.results(order)[5].filled == Decimal("0.3")
        await desk.until(11)
        assert desk.now(order).status is OrderStatus.FILLED
        assert all(EPOCH <= f.time <= order.plan.end for f in store.fills.values())


async def test_down_past_the_end_expires_without_a_fill_after_the_end() -> None:
    store, market = MemoryStore(), HandMarket(LoopClock())
    async with working(store, market) as desk:
        order = await desk.submit()
        await desk.until(4.5)
    await asyncio.sleep(60)
    async with working(store, market) as desk:
        await desk.until(66)
        done = desk.now(order)
        assert (done.status, done.progress.filled) == (OrderStatus.EXPIRED, Decimal("0.5"))
        assert len(store.results(order)) == 10


async def test_ready_means_that_nothing_is_open_past_its_end() -> None:
    store, market = MemoryStore(), HandMarket(LoopClock())
    async with working(store, market) as desk:
        short = await desk.submit()
        long = await desk.submit(token_id="b", end=Nanos(EPOCH + 100 * SECOND))
        await desk.until(4.5)
    await asyncio.sleep(60)
    store.latency_s = 0.1
    async with working(store, market) as desk:  # entered at the moment it says ready
        assert desk.now(short).status is OrderStatus.EXPIRED
        assert desk.now(long).status is OrderStatus.WORKING
        assert desk.engine.open_orders == 1


async def test_very_many_lost_slices_are_settled_in_pieces_before_ready() -> None:
    store, market = MemoryStore(), HandMarket(LoopClock())
    async with working(store, market) as desk:
        order = await desk.submit(
            end=Nanos(EPOCH + 2_500 * SECOND), quantity=Decimal(10_000), limit=Decimal(50)
        )
        await desk.until(0.5)
    await asyncio.sleep(3_000)
    commits = store.commits
    async with working(store, market) as desk:
        done = desk.now(order)
        assert (done.status, done.progress.next_slice) == (OrderStatus.EXPIRED, 2_500)
        assert desk.reasons(order)[1:] == ["engine_down"] * 2_499
        assert store.commits == commits + 13


async def test_a_store_that_fails_does_not_keep_the_engine_from_starting() -> None:
    store, market = MemoryStore(), HandMarket(LoopClock())
    async with working(store, market) as desk:
        order = await desk.submit()
        await desk.until(0.5)
    await asyncio.sleep(60)
    store.failing = True
    async with working(store, market) as desk:
        await desk.until(62)
        assert desk.now(order).status.is_open
        store.failing = False
        await desk.until(63)
        assert desk.now(order).status is OrderStatus.EXPIRED


async def test_wall_clock_jumps_lose_slices_but_never_repeat_them() -> None:
    async with working() as desk:
        order = await desk.submit(end=Nanos(EPOCH + 100 * SECOND), quantity=Decimal(100))
        await desk.until(3.5)
        desk.clock.jump = 10 * SECOND
        await desk.until(5.1)
        desk.clock.jump = -10 * SECOND
        await desk.until(9)
        indices = [s.index for s in desk.store.results(order)]
        assert indices == list(range(len(indices)))
        lost = [s for s in desk.store.results(order) if s.reason is SliceReason.ENGINE_DOWN]
        assert 9 <= len(lost) <= 11


@pytest.mark.parametrize("step_s", [-3_600, -300, -20])
async def test_a_wall_clock_set_back_stops_no_order(step_s: int) -> None:
    """It keeps its pace, ends in its time; no slice is decided twice or outside of its window."""
    async with working() as desk:
        order = await desk.submit(end=Nanos(EPOCH + 100 * SECOND), quantity=Decimal(100))
        await desk.until(3.5)
        desk.clock.jump = step_s * SECOND
        await desk.until(60)
        desk.clock.jump = 0
        await desk.until(101)
        assert desk.now(order).status is OrderStatus.FILLED
        results = desk.store.results(order)
        assert [s.index for s in results] == list(range(100))
        assert all(s.due <= (s.decided or 0) < s.due + SECOND for s in results)
        assert {s.reason for s in results} == {None}


async def test_a_wall_clock_that_stays_set_back_is_returned_to_without_a_slice_twice() -> None:
    async with working() as desk:
        order = await desk.submit(
            end=Nanos(EPOCH + 2_000 * SECOND), quantity=Decimal(100), slices=100, interval=None
        )
        await desk.until(100)
        desk.clock.jump = -400 * SECOND
        await desk.until(699)
        assert len(desk.store.results(order)) == 35, "ten minutes at its own pace"
        await desk.until(899)
        assert len(desk.store.results(order)) == 40, "then at half of it"
        await desk.until(1_600)
        assert len(desk.store.results(order)) == 60, "by the wall clock again"
        await desk.until(2_401)
        assert desk.now(order).status is OrderStatus.FILLED
        assert [s.index for s in desk.store.results(order)] == list(range(100))
        assert all(order.plan.start <= f.time < order.plan.end for f in desk.store.fills.values())


async def test_a_store_that_is_locked_for_long_loses_slices_to_storage_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also those of orders that were not being recorded: nothing was wrong with the engine."""
    async with working() as desk:
        orders = [await desk.submit(token_id=token) for token in ("a", "b")]
        later = await desk.submit(
            token_id="c", start=Nanos(EPOCH + SECOND // 2), end=Nanos(EPOCH + 10 * SECOND)
        )
        await desk.until(1.2)
        desk.store.latency_s = 4.0
        await desk.until(2.2)
        desk.store.latency_s = 0.0
        await desk.until(8)
        for order in (*orders, later):
            lost = [s.reason for s in desk.store.results(order) if s.outcome is SliceOutcome.MISSED]
            assert len(lost) >= 2 and set(lost) == {SliceReason.STORAGE}
        assert "the database kept the engine waiting for 4.0 s" in caplog.text


async def test_a_failing_store_fills_nothing_and_recovers_by_itself() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(1.5)
        desk.store.failing = True
        with pytest.raises(StoreUnavailable):
            await desk.submit(token_id="b")
        await desk.until(4.2)
        desk.store.failing = False
        await desk.until(5)
        assert desk.reasons(order)[:5] == ["filled", "filled", "storage", "storage", "filled"]
        await desk.until(11)
        assert desk.now(order).status is OrderStatus.FILLED
        assert [event.seq for event in desk.told] == list(range(1, len(desk.told) + 1))


@pytest.mark.parametrize("recorded", [True, False])
async def test_a_new_order_in_doubt_is_looked_up(recorded: bool) -> None:
    """Recorded, it is worked and told of although nobody was answered; not recorded, it is gone."""
    async with working() as desk:
        desk.store.doubt = recorded
        with pytest.raises(CommitInDoubt):
            await desk.submit()
        with pytest.raises(StoreUnavailable) as refused:
            await desk.submit(token_id="b")
        assert not isinstance(refused.value, CommitInDoubt), "this one was not tried"
        await desk.until(2.2)
        assert desk.told == []
        desk.store.failing = False
        await desk.until(11)
        assert desk.store.orders.keys() == ({"o1"} if recorded else set())
        assert [event.seq for event in desk.told] == [event.seq for _, event in desk.store.log]
        again = await desk.submit()
        assert again.status is (OrderStatus.FILLED if recorded else OrderStatus.ACCEPTED)


async def test_a_commit_in_doubt_is_looked_up_soon_even_when_nothing_is_due() -> None:
    async with working() as desk:
        desk.store.doubt = True
        with pytest.raises(CommitInDoubt):
            await desk.submit()
        desk.store.failing = False
        await desk.until(0.3)
        assert [event.type.value for event in desk.told][:1] == ["accepted"]


@pytest.mark.parametrize("recorded", [True, False])
async def test_a_slice_in_doubt_is_looked_up(recorded: bool) -> None:
    """Its fills are there once, and it is told of once."""
    async with working() as desk:
        order = await desk.submit()
        await desk.until(1.5)
        desk.store.doubt = recorded
        await desk.until(4.3)
        assert len(desk.told) == 4, "accepted, working and two slices"
        desk.store.failing = False
        await desk.until(11)
        third = "filled" if recorded else "storage"
        assert desk.reasons(order)[:5] == ["filled", "filled", third, "storage", "filled"]
        assert desk.now(order).status is OrderStatus.FILLED
        assert [event.seq for event in desk.told] == list(range(1, len(desk.told) + 1))
        assert len(desk.told) == len(desk.store.log)


async def test_numbers_are_given_back_when_another_user_cannot_be_numbered() -> None:
    async with working() as desk:
        for name in ("ada", "bob"):
            await desk.submit_as(name, end=Nanos(EPOCH + 100 * SECOND), quantity=Decimal(100))
        await desk.until(1.5)
        desk.store.unreadable = {"bob"}
        desk.store.failing = True
        await desk.until(4.5)
        desk.store.failing = False
        await desk.until(6.5)
        desk.store.unreadable = set()
        await desk.until(12.5)
        for name in ("ada", "bob"):
            seqs = [event.seq for user, event in desk.store.log if user == name]
            assert seqs == list(range(1, len(seqs) + 1))


async def test_a_full_queue_says_busy() -> None:
    async with working(config=EngineConfig(max_pending_commands=1)) as desk, asyncio.TaskGroup() as group:
        group.create_task(desk.submit())
        await asyncio.sleep(0)
        with pytest.raises(EngineBusy):
            await desk.submit(token_id="b")


async def test_a_thousand_slices_due_at_once_are_few_commits() -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "10")], asks=[("100", "1000000")])
        now = desk.clock.now()
        await desk.engine.submit(
            "ada", [request(now, str(i), start=Nanos(EPOCH + SECOND)) for i in range(1000)]
        )
        before = desk.store.commits
        await desk.until(1.5)
        assert len(desk.store.slices) == 1000
        assert desk.store.commits - before <= 3
