"""engine/market/sampler.py: the market is sampled at a steady pace, at the end and after fills; bounded."""

from decimal import Decimal

import pytest

from support.clocks import ALONE, EPOCH
from support.engine import EngineAtWork, working
from twap_models.enums import OrderStatus
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import Amendment
from twap_server.domain.tca.benchmarks import mark_outs
from twap_server.domain.tca.prices import mids_of
from twap_server.engine.market import sampler

pytestmark = ALONE


def samples(desk: EngineAtWork, order: Order) -> list[Sample]:
    return [
        sample
        for (order_id, _), sample in sorted(desk.store.samples.items())
        if order_id == order.terms.order_id
    ]


def seconds(desk: EngineAtWork, order: Order) -> list[int]:
    return [round((sample.time - EPOCH) / 1e9) for sample in samples(desk, order)]


async def test_from_the_start_every_second_and_at_the_end() -> None:
    async with working() as desk:
        start, end = Nanos(EPOCH + 2 * SECOND), Nanos(EPOCH + 8 * SECOND)
        order = await desk.submit(start=start, end=end, limit=Decimal(50))
        await desk.until(20)
        assert seconds(desk, order) == [2, 3, 4, 5, 6, 7, 8]
        assert {sample.mid for sample in samples(desk, order)} == {Decimal("99.5")}


async def test_a_long_order_is_sampled_three_hundred_times() -> None:
    async with working() as desk:
        order = await desk.submit(
            end=Nanos(EPOCH + 3_000 * SECOND), interval=1_000 * SECOND, limit=Decimal(50)
        )
        await desk.until(3_100)
        taken = seconds(desk, order)
        assert len(taken) == sampler.STEADY_SAMPLES + 1
        assert taken[:3] == [0, 10, 20]


async def test_orders_of_one_length_look_together_and_share_what_they_saw() -> None:
    async with working() as desk:
        starts = [Nanos(EPOCH + offset * MILLISECOND) for offset in (1_250, 2_700)]
        early, late = [
            await desk.submit_as(user, start=start, end=Nanos(start + 6 * SECOND), limit=Decimal(50))
            for user, start in zip(("ada", "bob"), starts, strict=True)
        ]
        await desk.until(2.5)
        desk.market.trade("100", "2")
        await desk.until(4.5)
        desk.market.trade("101", "3")
        await desk.until(20)
        moments = [
            [(one.time - EPOCH) // MILLISECOND for one in samples(desk, order)] for order in (early, late)
        ]
        assert moments[0] == [1_250, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 7_250]
        assert moments[1] == [2_700, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 8_700]
        volumes = [[one.volume for one in samples(desk, order)] for order in (early, late)]
        assert volumes == [[0, 0, 2, 0, 3, 0, 0, 0], [0, 0, 0, 3, 0, 0, 0, 0]], (
            "each since its own sample before"
        )
        by_time = [{one.time: one for one in samples(desk, order)} for order in (early, late)]
        shared = [at for at in by_time[0].keys() & by_time[1].keys() if by_time[0][at] is by_time[1][at]]
        assert {(at - EPOCH) // SECOND for at in shared} == {4, 5, 6, 7}


async def test_what_was_traded_between_two_samples() -> None:
    async with working() as desk:
        order = await desk.submit(limit=Decimal(50))
        await desk.until(1.5)
        desk.market.trade("100", "2")
        desk.market.trade("101", "1")
        await desk.until(20)
        found = samples(desk, order)
        assert [(found[2].volume, found[2].notional)] == [(3, 301)]
        assert sum(sample.volume for sample in found) == 3


async def test_mark_outs_follow_a_fill_even_after_the_end() -> None:
    async with working() as desk:
        order = await desk.submit(end=Nanos(EPOCH + SECOND), interval=SECOND)
        await desk.until(5)
        assert desk.now(order).status is OrderStatus.FILLED
        await desk.until(80)
        assert seconds(desk, order) == [0, 1, 10, 60]
        assert not desk.market.held


@pytest.mark.parametrize("commit_s", [0.0, 0.02, 0.07])
async def test_mark_outs_that_share_a_sample_are_all_measured(commit_s: float) -> None:
    async with working() as desk:
        desk.store.latency_s = commit_s
        desk.market.show(bids=[("99", "10")], asks=[("100", "1000")])
        order = await desk.submit(quantity=Decimal(8), end=Nanos(EPOCH + 80 * SECOND))
        await desk.until(150)
        record = OrderRecord(
            order=desk.now(order),
            slices=tuple(desk.store.results(order)),
            fills=tuple(desk.store.fills.values()),
            samples=tuple(samples(desk, order)),
        )
        found = mark_outs(record, mids_of(record))
        assert [one.fills for one in found] == [80, 80, 80], "every fill's, at every horizon"


async def test_mark_outs_of_several_orders_are_measured_together() -> None:
    """At the next tenth of a second: so an engine with many orders looks ten times a second for all."""
    async with working() as desk:
        starts = [Nanos(EPOCH + offset * MILLISECOND) for offset in (1_210, 1_290, 1_300)]
        orders = [
            await desk.submit_as(user, start=start, end=Nanos(start + SECOND), interval=SECOND)
            for user, start in zip(("ada", "bob", "eve"), starts, strict=True)
        ]
        await desk.until(20)
        found = [
            [round((one.time - EPOCH) / MILLISECOND) for one in samples(desk, order)] for order in orders
        ]
        assert [times[-2:] for times in found] == [[2_300, 11_300], [2_300, 11_300], [2_400, 11_400]]


async def test_a_mark_out_is_measured_by_a_slice_that_fills_in_time() -> None:
    async with working() as desk:
        order = await desk.submit(
            quantity=Decimal(170), end=Nanos(EPOCH + 600 * SECOND), interval=350 * MILLISECOND
        )
        await desk.until(8.9)
        assert len(desk.store.results(order)) == 26
        assert seconds(desk, order) == [0, 2, 4, 6, 8], "the steady ones: the slices measured the rest"


async def test_a_market_without_a_book_is_sampled_as_unknown() -> None:
    async with working() as desk:
        assert desk.market.live is not None
        desk.market.live.status = BookStatus.RESYNCING
        order = await desk.submit()
        await desk.until(2.5)
        desk.market.live.status = BookStatus.LIVE
        await desk.until(12)
        found = samples(desk, order)
        assert [sample.mid for sample in found[:4]] == [None, None, None, Decimal("99.5")]
        assert [sample.sweep is not None for sample in found[:5]] == [False, False, False, True, False]


async def test_the_sweep_is_what_one_order_would_have_got_at_the_start() -> None:
    async with working() as desk:
        desk.market.fee = Decimal("0.001")
        desk.market.show(bids=[("99", "10")], asks=[("100", "0.5"), ("101", "0.25"), ("105", "9")])
        order = await desk.submit(limit=Decimal(101))
        await desk.until(0.5)
        await desk.until(6)
        sweep = samples(desk, order)[0].sweep
        assert sweep is not None
        assert (sweep.filled, sweep.notional) == (Decimal("0.75"), Decimal("75.25"))
        assert sweep.fees == Decimal("0.07525")


async def test_marks_and_samples_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "MARKED_SLICES", 2)
    monkeypatch.setattr(sampler, "MOST_SAMPLES", 5)
    async with working() as desk:
        order = await desk.submit()
        await desk.until(200)
        taken = seconds(desk, order)
        assert taken[:5] == [0, 1, 2, 3, 4]
        assert set(taken[5:]) <= {9, 10, 11, 60, 61}, "the end, and the mark-outs of two slices"


async def test_an_amended_end_is_sampled_to() -> None:
    async with working() as desk:
        order = await desk.submit(limit=Decimal(50))
        await desk.until(5.5)
        await desk.engine.amend("ada", "a", Amendment(end=Nanos(EPOCH + 605 * SECOND)))
        await desk.until(700)
        taken = seconds(desk, order)
        assert taken[:6] == [0, 1, 2, 3, 4, 5] and taken[-1] == 605
        assert 300 < len(taken) < 320


async def test_samples_wait_while_the_store_fails_and_are_recorded_later() -> None:
    async with working() as desk:
        order = await desk.submit(limit=Decimal(50))
        await desk.until(1.5)
        desk.store.failing = True
        await desk.until(4.5)
        desk.store.failing = False
        await desk.until(11)
        assert seconds(desk, order)[:6] == [0, 1, 2, 3, 4, 5]


async def test_a_restart_goes_on_without_another_sweep() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(2.5)
        store, market = desk.store, desk.market
    async with working(store, market) as desk:
        await desk.until(12)
        found = samples(desk, order)
        assert sum(sample.sweep is not None for sample in found) == 1


async def test_what_was_measured_is_recorded_before_the_server_stops() -> None:
    async with working() as desk:
        order = await desk.submit(limit=Decimal(50), end=Nanos(EPOCH + 20 * SECOND), interval=20 * SECOND)
        await desk.until(3.5)
        assert seconds(desk, order) == [0], "the others wait"
        desk.engine.stop()
        await desk.until(4.5)
        assert seconds(desk, order) == [0, 1, 2, 3]
