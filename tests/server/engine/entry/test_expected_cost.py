"""engine/entry/expected_cost.py: what a preview shows is recorded at acceptance, and never in its way."""

from datetime import timedelta
from decimal import Decimal

import pytest

from support.engine import preview, working
from support.trading import request
from twap_models.enums import Carry, LateStart, OrderStatus, Side, Urgency
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.orders.strategies import AllAtOnce, Pov, Shortfall, StrategyChoice, Twap, Vwap
from twap_server.domain.orders.terms import Amendment
from twap_server.engine.config import EngineConfig
from twap_server.engine.market import snapshot

pytestmark = pytest.mark.looptime

DEEP = {"bids": [("99", "1"), ("97", "9")], "asks": [("101", "1"), ("103", "1"), ("110", "9")]}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"quantity": Decimal("3.00001"), "interval": 5 * SECOND},
        {"side": Side.SELL, "quantity": Decimal(9)},
        {"limit": Decimal(103), "quantity": Decimal(90)},
        {"max_slippage_bps": Decimal(200), "quantity": Decimal(30)},
        {"randomize": Decimal(40), "quantity": Decimal(7)},
    ],
)
async def test_it_is_what_the_preview_of_that_moment_shows(change: dict[str, object]) -> None:
    async with working() as desk:
        desk.market.fee = Decimal("0.001")
        desk.market.show(**DEEP)
        seen = await preview(desk, **change)
        order = await desk.submit(**change)
        assert seen.cost is not None and seen.cost.slices.total_bps is not None
        assert order.terms.forecast_bps == seen.cost.slices.total_bps > 100
        assert desk.now(order).terms.forecast_bps == order.terms.forecast_bps


QUIET = {
    "bids": [("99", "100")],
    "asks": [(f"{101 + Decimal(at) / 100:.2f}", "0.5" if at % 3 else "0.12345") for at in range(400)],
}
"""Nothing happens here, and what is taken is there again before the next slice is due."""
STRATEGIES = [
    Twap(),
    Vwap(weights=tuple(map(Decimal, [1] * 29 + [400] + [1] * 30))),
    Shortfall(half_life=10 * SECOND),
    Shortfall(urgency=Urgency.HIGH),
    Pov(Decimal(10)),
    AllAtOnce(),
]


@pytest.mark.parametrize("slices", [10, 60])
@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda one: one.name.value)
async def test_on_a_quiet_book_each_strategy_comes_to_what_was_expected(
    strategy: StrategyChoice, slices: int
) -> None:
    config = EngineConfig(impact_half_life=timedelta(milliseconds=100))
    async with working(config=config) as desk:
        desk.market.fee = Decimal("0.001")
        desk.market.show(**QUIET)
        every, quantity = 5, Decimal(30)
        order = await desk.submit(
            strategy=strategy,
            quantity=quantity,
            interval=every * SECOND,
            end=Nanos(desk.clock.now() + slices * every * SECOND),
        )
        for number in range(slices):
            await desk.until((number + 0.5) * every)
            desk.market.trade("100", str(9 * quantity / slices))
        await desk.until(slices * every + 1)
        done, mid = desk.now(order).progress, order.terms.decision_price
        assert mid is not None and done.filled == quantity
        paid = done.notional - mid * quantity + done.fees
        came_to = round(paid / (mid * quantity) * 10_000, 4)
        assert order.terms.forecast_bps is not None
        if isinstance(
            strategy, Pov
        ):  # its first look sees no volume yet, and its last one that of two slices
            assert 0 < came_to - order.terms.forecast_bps < Decimal(80) / slices**2
        else:
            assert came_to == order.terms.forecast_bps


async def test_slices_that_are_missed_for_they_had_elapsed_are_not_expected_to_cost() -> None:
    async with working() as desk:
        desk.market.show(**DEEP)
        late = Nanos(desk.clock.now() - 7 * SECOND)
        change = {
            "start": late, "end": Nanos(late + 10 * SECOND), "interval": 4 * SECOND, "quantity": Decimal(20),
            "late_start": LateStart.SKIP, "carry": Carry.SKIP,
        }  # fmt: skip
        seen = await preview(desk, **change)
        order = await desk.submit(**change)
        assert seen.cost is not None and seen.cost.slices.filled < seen.cost.sweep.filled
        assert order.terms.forecast_bps == seen.cost.slices.total_bps


async def test_without_a_live_book_it_is_accepted_and_nothing_is_expected() -> None:
    async with working() as desk:
        assert desk.market.live is not None
        desk.market.live.status = BookStatus.RESYNCING
        order = await desk.submit()
        assert (order.status, order.terms.forecast_bps) == (OrderStatus.ACCEPTED, None)


async def test_an_order_that_would_fill_nothing_has_no_forecast_and_a_rejected_one_neither() -> None:
    async with working() as desk:
        far = await desk.submit(limit=Decimal(50))
        assert (far.status, far.terms.forecast_bps) == (OrderStatus.ACCEPTED, None)
        bad = await desk.submit(token_id="bad", quantity=Decimal(0))
        assert (bad.status, bad.terms.forecast_bps) == (OrderStatus.REJECTED, None)


async def test_the_longest_numbers_that_a_book_takes_keep_no_order_out() -> None:
    async with working() as desk:
        long = "123456789012.345678901234567891"
        desk.market.show(bids=[("1", long)], asks=[(long, "0.000000000000000001"), (long[:-1] + "2", long)])
        order = await desk.submit(quantity=Decimal("123456789012.34567"))
        assert order.status is OrderStatus.ACCEPTED and order.terms.forecast_bps is not None


async def test_a_large_list_of_deep_orders_spends_its_budget_and_is_accepted_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "_MOST_FORECAST_LEVELS", 6)
    async with working() as desk:
        desk.market.show(**DEEP)
        asked = [request(desk.clock.now(), str(number), quantity=Decimal(100)) for number in range(4)]
        orders = [result.order for result in await desk.engine.submit("ada", asked)]
        assert [order.status for order in orders] == [OrderStatus.ACCEPTED] * 4
        known = [order.terms.forecast_bps is not None for order in orders]
        assert known == [True, True, False, False], "a walk of three levels each: their slices are equal"
        later = await desk.submit(token_id="later", quantity=Decimal(100))
        assert later.terms.forecast_bps == orders[0].terms.forecast_bps is not None


async def test_an_amendment_keeps_the_first() -> None:
    async with working() as desk:
        desk.market.show(**DEEP)
        first = await desk.submit(quantity=Decimal(2))
        desk.market.show(bids=[("99", "1")], asks=[("120", "99")])
        wanted = Amendment(quantity=Decimal(40))
        order = await desk.engine.amend("ada", first.terms.token_id, wanted, revision=None)
        assert order.plan.quantity == 40
        assert order.terms.forecast_bps == first.terms.forecast_bps is not None
