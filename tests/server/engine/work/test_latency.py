"""engine/: slices that take time to reach the exchange, and walks that keep levels out of reach."""

import asyncio
import random
from decimal import Decimal

import pytest

from support.clocks import ALONE, EPOCH
from support.engine import EngineAtWork, working
from twap_models.enums import (
    Carry,
    ImpactModel,
    OrderStatus,
    RealismProfile,
    RejectReason,
    Side,
    SliceReason,
    Urgency,
)
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.orders.order import Order, SliceResult
from twap_server.domain.orders.realism import PROFILES, Realism
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.strategies import AllAtOnce, Pov, Shortfall, StrategyChoice, Vwap
from twap_server.domain.orders.terms import Amendment
from twap_server.domain.tca.report import report

pytestmark = ALONE

SLOW = Realism(profile=RealismProfile.OWN, latency=200 * MILLISECOND, latency_spread=50 * MILLISECOND)


def results(desk: EngineAtWork, order: Order) -> list[SliceResult]:
    return desk.store.results(order)


async def test_a_slice_is_sent_when_due_and_takes_what_is_there_when_it_arrives() -> None:
    async with working() as desk:
        order = await desk.submit(realism=SLOW)
        await desk.until(0.1)
        assert results(desk, order) == [], "on its way"
        desk.market.show(bids=[("100", "10")], asks=[("102", "10")])
        await desk.until(0.5)
        (first,) = results(desk, order)
        assert first.sent is not None
        assert (first.sent.mid, first.sent.touch) == (Decimal("99.5"), 100)
        assert (first.mid, first.touch, first.notional / first.filled) == (101, 102, 102)
        assert first.sent.latency == SLOW.drawn(order.terms.seed, 0)
        arrived = first.sent.time + first.sent.latency
        assert first.decided is not None
        assert 0 <= first.decided - arrived < MILLISECOND
        await desk.until(11)
        assert desk.now(order).status is OrderStatus.FILLED
        latencies = {one.sent.latency for one in results(desk, order) if one.sent is not None}
        assert len(latencies) == 10, "drawn for each slice"


async def test_an_ideal_slice_is_not_sent_at_all() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(0.5)
        assert results(desk, order)[0].sent is None


async def test_a_book_that_goes_stale_on_the_way_misses_with_that_reason() -> None:
    async with working() as desk:
        assert desk.market.live is not None
        order = await desk.submit(realism=SLOW)
        await desk.until(0.1)
        desk.market.live.status = BookStatus.STALE
        await desk.until(0.5)
        (first,) = results(desk, order)
        assert (first.reason, first.filled, first.touch) == (SliceReason.STALE_BOOK, 0, None)
        assert first.sent is not None
        desk.market.live.status = BookStatus.LIVE
        await desk.until(1.5)
        assert desk.now(order).progress.filled == Decimal("0.2"), "the curve catches up"


async def test_the_limit_and_the_slippage_cap_of_the_decision_hold_on_arrival() -> None:
    async with working() as desk:
        limited = await desk.submit(realism=SLOW, limit=Decimal(100))
        capped = await desk.submit(realism=SLOW, token_id="b", max_slippage_bps=Decimal(60), fingerprint="b")
        await desk.until(0.1)
        desk.market.show(bids=[("100", "10")], asks=[("101", "10")])  # 0.5 from this mid, 1.5 from that one
        await desk.until(0.5)
        assert desk.reasons(limited) == ["limit_not_met"]
        assert desk.reasons(capped) == ["slippage_cap"]


async def test_a_pause_on_the_way_wins_and_so_does_a_cancel() -> None:
    async with working() as desk:
        paused = await desk.submit(realism=SLOW)
        canceled = await desk.submit(realism=SLOW, token_id="b", fingerprint="b")
        await desk.until(0.1)
        await desk.engine.pause("ada", "a")
        await desk.engine.cancel("ada", "b")
        await desk.until(0.5)
        assert desk.reasons(paused) == ["paused"]
        assert desk.now(canceled).status is OrderStatus.CANCELED
        assert desk.now(canceled).progress.filled == 0


async def test_an_amendment_on_the_way_has_the_slice_decided_again() -> None:
    async with working() as desk:
        order = await desk.submit(realism=SLOW)
        await desk.until(0.1)
        await desk.engine.amend("ada", "a", Amendment(quantity=Decimal(2)))
        await desk.until(0.9)
        (first,) = results(desk, order)
        assert first.sent is not None
        assert first.sent.time >= EPOCH + 100 * MILLISECOND
        assert first.wanted == Decimal("0.2")


async def test_a_restart_on_the_way_decides_again() -> None:
    async with working() as desk:
        order = await desk.submit(realism=SLOW)
        await desk.until(0.1)
        store, market = desk.store, desk.market
    async with working(store, market) as desk:
        await desk.until(0.6)
        (first,) = results(desk, order)
        assert first.sent is not None
        assert first.sent.time >= EPOCH + 100 * MILLISECOND
        assert first.sent.latency == SLOW.drawn(order.terms.seed, 0), "drawn again, the same"


async def test_a_slice_that_waited_for_its_book_too_long_to_arrive_in_its_window_misses() -> None:
    async with working() as desk:
        assert desk.market.live is not None
        desk.market.live.status = BookStatus.RESYNCING
        slow = Realism(profile=RealismProfile.OWN, latency=700 * MILLISECOND)
        order = await desk.submit(realism=slow)
        await desk.until(0.45)
        desk.market.live.status = BookStatus.LIVE
        await desk.until(1.2)
        (first,) = results(desk, order)
        assert (first.reason, first.filled) == (SliceReason.TOO_LATE, 0)
        await desk.until(12)
        done = desk.now(order)
        assert done.status is OrderStatus.FILLED
        assert max(fill.time for fill in desk.store.fills.values()) < done.plan.end


async def test_slices_that_could_not_arrive_in_time_are_refused() -> None:
    async with working() as desk:
        order = await desk.submit(realism=SLOW, interval=250 * MILLISECOND)
        assert (order.status, order.progress.reason) == (OrderStatus.REJECTED, RejectReason.INVALID_INTERVAL)
        assert "up to 0.25 s to arrive: use at least 0.250000001 s" in order.progress.detail
        many = await desk.submit(realism=SLOW, interval=None, slices=50, token_id="b", fingerprint="b")
        assert "use at most 39 slices" in many.progress.detail
        short = await desk.submit(
            realism=SLOW, end=Nanos(desk.clock.now() + SECOND // 5), token_id="c", fingerprint="c"
        )
        assert "use a window of at least" in short.progress.detail


async def test_a_last_slice_that_could_not_arrive_before_the_end_joins_the_one_before() -> None:
    async with working() as desk:
        order = await desk.submit(realism=SLOW, end=Nanos(desk.clock.now() + 10 * SECOND + SECOND // 5))
        assert order.plan.slice_count == 10
        assert any("it joins the one before" in warning for warning in order.plan.warnings)


SHIFT = Realism(profile=RealismProfile.OWN, impact=ImpactModel.PRICE_SHIFT, half_life=10 * SECOND)


async def test_under_the_price_shift_the_levels_walked_stay_out_of_reach() -> None:
    async with working() as desk:
        asks = [(str(100 + tick), "0.1") for tick in range(40)]
        desk.market.show(bids=[("99", "10")], asks=asks)
        order = await desk.submit(
            realism=SHIFT,
            quantity=Decimal(2),
            interval=10 * SECOND,
            end=Nanos(desk.clock.now() + 20 * SECOND),
        )
        await desk.until(0.5)
        assert sorted(fill.price for fill in desk.store.fills.values()) == [100 + n for n in range(10)]
        desk.store.fills.clear()
        await desk.until(11)
        assert sorted(fill.price for fill in desk.store.fills.values()) == [105 + n for n in range(10)]
        assert desk.now(order).status is OrderStatus.FILLED


async def test_two_orders_of_a_user_do_not_take_the_same_levels_and_another_user_does() -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "10")], asks=[(str(100 + tick), "0.1") for tick in range(40)])
        more = {"realism": SHIFT, "quantity": Decimal("0.5"), "interval": 10 * SECOND}
        first = await desk.submit(**more)
        second = await desk.submit(**more, token_id="b", fingerprint="b")
        other = await desk.submit_as("bob", **more)
        await desk.until(0.5)
        prices = {
            order.terms.order_id: [
                f.price for f in desk.store.fills.values() if f.fill_id.startswith(order.terms.order_id)
            ]
            for order in (first, second, other)
        }
        assert prices[first.terms.order_id] == [100, 101, 102, 103, 104]
        assert prices[second.terms.order_id] == [105, 106, 107, 108, 109]
        assert prices[other.terms.order_id] == [100, 101, 102, 103, 104]


def parts_of(record: OrderRecord) -> tuple[list[Decimal | None], Decimal | None]:
    costs = report(record).costs
    parts = [
        costs.delay, costs.timing, costs.spread, costs.latency, costs.depth, costs.opportunity, costs.fees
    ]  # fmt: skip
    return parts, costs.implementation_shortfall


EACH: list[StrategyChoice] = [
    Vwap(weights=(Decimal(1), Decimal(3), Decimal(2))),
    Shortfall(urgency=Urgency.HIGH),
    Pov(Decimal(20)),
    AllAtOnce(),
]


async def _on_a_moving_market(realism: Realism, seed: int, **change: object) -> tuple[EngineAtWork, Order]:
    moves = random.Random(seed)
    async with working() as desk:
        desk.market.fee = Decimal("0.001")
        order = await desk.submit(realism=realism, **change)
        middle = 1000
        while desk.clock.now() < EPOCH + 14 * SECOND:
            middle += moves.randint(-3, 3)
            desk.market.show(
                bids=[(f"{middle - 1 - n}", f"0.0{moves.randint(1, 9)}") for n in range(20)],
                asks=[(f"{middle + 1 + n}", f"0.0{moves.randint(1, 9)}") for n in range(20)],
            )
            desk.market.trade(str(middle), "0.3")
            await asyncio.sleep(moves.random() / 5)
        return desk, order


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("strategy", EACH, ids=lambda one: one.name.value)
async def test_the_parts_sum_whatever_the_strategy(name: RealismProfile, strategy: StrategyChoice) -> None:
    desk, order = await _on_a_moving_market(PROFILES[name], 7, strategy=strategy)
    done = desk.now(order)
    assert done.progress.filled
    parts, whole = parts_of(desk.store.record_of(done))
    assert None not in parts
    assert exact.total(one for one in parts if one is not None) == whole
    if name is not RealismProfile.IDEAL:
        assert all(one.sent is not None for one in results(desk, order) if one.filled)


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("seed", range(4))
async def test_the_parts_sum_to_the_last_digit_under_every_profile(name: RealismProfile, seed: int) -> None:
    side, carry = list(Side)[seed % 2], list(Carry)[seed % 3]
    desk, order = await _on_a_moving_market(PROFILES[name], seed, side=side, carry=carry)
    done = desk.now(order)
    assert done.progress.filled
    parts, whole = parts_of(desk.store.record_of(done))
    assert None not in parts
    assert exact.total(one for one in parts if one is not None) == whole
    if name is RealismProfile.IDEAL:
        assert parts[3] == 0
    if name in (RealismProfile.REMOTE, RealismProfile.ADVERSE):
        assert parts[3] != 0, "the market moved on the way"
    assert max(fill.time for fill in desk.store.fills.values()) < done.plan.end
