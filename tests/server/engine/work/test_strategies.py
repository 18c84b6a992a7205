"""Each strategy at work: its curve, and what all share (carry, pause, amendment, restart)."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from support.engine import EngineAtWork, preview, working
from support.stores.orders import MemoryStore
from support.trading import request
from twap_models.enums import Carry, LateStart, OrderStatus, RejectReason, SliceReason, Strategy, Urgency
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import EngineBusy, ExchangeUnavailable
from twap_server.domain.market.events import BookStatus, Candle
from twap_server.domain.orders.curves import Decay, VolumeProfile
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.strategies import AllAtOnce, Pov, Shortfall, StrategyChoice, Vwap
from twap_server.domain.orders.terms import Amendment, OrderRequest
from twap_server.engine.config import EngineConfig

pytestmark = pytest.mark.looptime

DEEP = {"bids": [("99", "1000")], "asks": [("100", "1000")]}
PROFILE = Vwap(weights=tuple(map(Decimal, (1, 1, 1, 1, 1, 5, 1, 1, 1, 1))))
HIGH = Shortfall(urgency=Urgency.HIGH)
EACH: list[StrategyChoice] = [PROFILE, HIGH, Pov(Decimal(10)), AllAtOnce()]


def filled(desk: EngineAtWork, order: Order) -> list[Decimal]:
    return [one.filled for one in desk.store.results(order)]


async def test_vwap_follows_its_weights() -> None:
    async with working() as desk:
        order = await desk.submit(strategy=PROFILE, quantity=Decimal(14))
        await desk.until(11)
        assert filled(desk, order) == [1, 1, 1, 1, 1, 5, 1, 1, 1, 1]
        assert desk.now(order).status is OrderStatus.FILLED


async def test_vwap_auto_follows_the_closed_candles_of_the_days_before() -> None:
    async with working() as desk:
        order_begins = desk.clock.now()
        desk.market.candles = days_of_candles(order_begins, busy=True)
        seen = await preview(
            desk, strategy=Vwap(), end=Nanos(order_begins + 600 * SECOND), interval=60 * SECOND
        )
        assert seen.plan is not None and isinstance(seen.plan.curve, VolumeProfile)
        order = await desk.submit(strategy=Vwap(), end=Nanos(order_begins + 600 * SECOND))
        assert order.status is OrderStatus.ACCEPTED
        assert isinstance(order.plan.curve, VolumeProfile)
        assert len(order.plan.curve.weights) == 288


async def test_what_cannot_be_looked_up_is_not_judged_and_nothing_is_stored() -> None:
    async with working() as desk:
        with pytest.raises(ExchangeUnavailable, match="give a list of weights"):
            await desk.submit(strategy=Vwap())
        assert not desk.store.orders
        desk.market.candles = []
        order = await desk.submit(strategy=Vwap())
        assert order.progress.reason == RejectReason.INVALID_OPTION, "asking again would change nothing"
        assert "has none of the last 14 days" in order.progress.detail


async def test_is_trades_early_and_sweep_at_once() -> None:
    async with working() as desk:
        desk.market.show(**DEEP)
        early = await desk.submit(strategy=HIGH, quantity=Decimal(100))
        sweep = await desk.submit(token_id="sweep", strategy=AllAtOnce(), quantity=Decimal(500))
        await desk.until(11)
        sizes = filled(desk, early)
        assert sizes == sorted(sizes, reverse=True) and sizes[0] > 40 and sum(sizes) == 100
        assert filled(desk, sweep) == [500]


async def test_what_a_sweep_leaves_is_carried() -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "9")], asks=[("100", "3")])
        tries = {}
        for carry in Carry:
            tries[carry] = await desk.submit_as(
                carry, token_id=carry, strategy=AllAtOnce(), quantity=Decimal(4), carry=carry
            )
        await desk.until(0.5)
        desk.market.show(bids=[("99", "9")], asks=[("100", "30")])
        await desk.until(11)
        assert filled(desk, tries[Carry.CATCH_UP]) == [3, 1]
        assert filled(desk, tries[Carry.SKIP]) == [3] + [0] * 9
        assert filled(desk, tries[Carry.LAST]) == [3] + [0] * 8 + [1]


async def test_pov_takes_its_share_of_what_others_trade() -> None:
    async with working() as desk:
        desk.market.show(**DEEP)
        order = await desk.submit(strategy=Pov(Decimal(20)), quantity=Decimal(100), limit=Decimal(100))
        for second, traded in enumerate(("8", "4", "0", "288", "0")):
            await desk.until(second + 0.5)
            desk.market.trade("100", traded)
        await desk.until(9.5)
        now = desk.now(order)
        assert filled(desk, order)[:8] == [0, 2, 1, 0, 30, 30, 12, 0]
        assert now.progress.traded == 300 and now.status is OrderStatus.WORKING
        await desk.until(11)
        assert (desk.now(order).status, desk.now(order).progress.filled) == (OrderStatus.EXPIRED, 75)


async def test_pov_without_trades_expires_with_nothing() -> None:
    async with working() as desk:
        order = await desk.submit(strategy=Pov(Decimal(20)))
        await desk.until(11)
        assert desk.now(order).status is OrderStatus.EXPIRED
        assert set(desk.reasons(order)) == {SliceReason.NOT_NEEDED.value}


async def test_pov_goes_on_after_a_restart_where_it_was() -> None:
    store = MemoryStore()
    async with working(store) as desk:
        order = await desk.submit(strategy=Pov(Decimal(50)), quantity=Decimal(100), limit=Decimal(100))
        await desk.until(0.5)
        desk.market.trade("100", "3")
        await desk.until(1.5)
    async with working(store, desk.market) as desk:
        assert desk.now(order).progress.traded == 3
        await desk.until(2.5)
        desk.market.trade("100", "4")
        await desk.until(3.5)
        assert filled(desk, order) == [0, 3, 0, 4]


@pytest.mark.parametrize("choice", EACH, ids=lambda one: one.name.value)
async def test_each_can_be_paused_amended_and_taken_up_again(choice: StrategyChoice) -> None:
    store = MemoryStore()
    async with working(store) as desk:
        desk.market.show(bids=[("99", "9")], asks=[("100", "3")])
        order = await desk.submit(strategy=choice, quantity=Decimal(10), randomize=Decimal(20))
        await desk.until(1.95)
        desk.market.trade("100", "900")
        await desk.engine.pause("ada", "a")
        await desk.until(4.95)
        await desk.engine.resume("ada", "a")
        await desk.engine.amend("ada", "a", Amendment(quantity=Decimal(20)))
        desk.market.show(**DEEP)
    async with working(store, desk.market) as desk:
        desk.market.trade("100", "900")
        await desk.until(11)
        done = desk.now(order)
        assert (done.status, done.progress.filled) == (OrderStatus.FILLED, 20)
        assert type(done.terms.strategy) is type(choice)


async def test_a_users_weights_stretch_with_an_amended_window() -> None:
    async with working() as desk:
        order = await desk.submit(strategy=PROFILE, quantity=Decimal(14))
        amended = await desk.engine.amend("ada", "a", Amendment(end=Nanos(order.plan.start + 20 * SECOND)))
        curve = amended.plan.curve
        assert isinstance(curve, VolumeProfile) and curve.period == 20 * SECOND
        await desk.until(21)
        assert sum(filled(desk, order)) == 14
        assert max(filled(desk, order)) == Decimal("2.40741"), "5 of the 27 that are left, of 13"


async def test_small_slices_wait_until_the_exchange_takes_them() -> None:
    async with working() as desk:
        order = await desk.submit(strategy=HIGH, quantity=Decimal("0.5"), limit=Decimal(100))
        await desk.until(11)
        outcomes = filled(desk, order)
        assert sum(outcomes) == Decimal("0.5")
        assert all(not one or one >= Decimal("0.05") for one in outcomes)
        assert SliceReason.BELOW_MINIMUM.value not in desk.reasons(order)


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        (Pov(Decimal(0)), "participation"),
        (Pov(Decimal(100)), "participation"),
        (Vwap(weights=(Decimal(0),)), "volume_profile"),
        (Shortfall(half_life=0), "half_life"),
        (Shortfall(risk_aversion=Decimal(-1)), "risk_aversion"),
        (
            Shortfall(
                risk_aversion=Decimal(1),
                volatility=Decimal(1),
                temporary_impact=Decimal(1),
                permanent_impact=Decimal(3),
            ),
            "permanent_impact",
        ),
    ],
)
async def test_a_wrong_parameter_is_named(choice: StrategyChoice, field: str) -> None:
    async with working() as desk:
        order = await desk.submit(strategy=choice)
        assert order.progress.reason == RejectReason.INVALID_OPTION
        assert order.progress.detail.startswith(field)


async def test_risk_aversion_reads_book_and_candles() -> None:
    async with working() as desk:
        desk.market.candles = days_of_candles(desk.clock.now(), busy=False)
        some = await desk.submit(strategy=Shortfall(risk_aversion=Decimal("0.001")))
        more = await desk.submit(token_id="more", strategy=Shortfall(risk_aversion=Decimal("0.1")))
        assert isinstance(some.plan.curve, Decay) and isinstance(more.plan.curve, Decay)
        assert 0 < some.plan.curve.kappa < more.plan.curve.kappa


async def test_risk_aversion_waits_for_a_book_and_says_where_there_is_none() -> None:
    async with working() as desk:
        assert desk.market.live is not None
        desk.market.candles = days_of_candles(desk.clock.now(), busy=False)
        desk.market.live.status = BookStatus.RESYNCING
        with pytest.raises(ExchangeUnavailable, match="needs a live book"):
            await desk.submit(strategy=Shortfall(risk_aversion=Decimal("0.001")))
        assert not any(owner.startswith("outlook") for owner in desk.market.held)


async def test_strategies_side_by_side() -> None:
    async with working() as desk:
        now = desk.clock.now()
        desk.market.candles = days_of_candles(now, busy=True)
        seen = (await desk.engine.preview("ada", [request_of(desk)], compare=True))[0]
        views = {one.strategy: one for one in seen.strategies}
        assert list(views) == list(Strategy)
        for one in views.values():
            assert one.curve[0].quantity == 0 and one.curve[-1].quantity == 12
            assert one.cost_bps is not None and one.risk_bps is not None
        risks = [views[name].risk_bps for name in (Strategy.SWEEP, Strategy.IS, Strategy.TWAP)]
        assert risks == sorted(risks) and risks[0] == 0
        costs = [views[name].cost_bps for name in (Strategy.TWAP, Strategy.SWEEP)]
        assert costs[0] < costs[1]
        assert (
            isinstance(views[Strategy.POV].choice, Pov) and "follows the volume" in views[Strategy.POV].note
        )


async def test_beside_strategies_stands_what_volume_and_volatility_say() -> None:
    async with working() as desk:
        desk.market.candles = days_of_candles(desk.clock.now(), busy=True)
        asked = request_of(desk)
        (seen,) = await desk.engine.preview("ada", [asked], compare=True)
        assert seen.forecast is not None and seen.plan is not None
        assert (seen.forecast.quantity, seen.forecast.day_volume) == (12, 2 * 288)
        assert seen.forecast.duration == seen.plan.end - seen.plan.start
        own = replace(asked, strategy=Shortfall(volatility=Decimal(9)))
        (told,) = await desk.engine.preview("ada", [own], compare=True)
        assert told.forecast is not None and told.forecast.volatility == 9
        (alone,) = await desk.engine.preview("ada", [asked])
        assert alone.forecast is None


async def test_without_candles_the_risk_is_not_known_and_vwap_says_why() -> None:
    async with working() as desk:
        seen = (await desk.engine.preview("ada", [request_of(desk)], compare=True))[0]
        views = {one.strategy: one for one in seen.strategies}
        assert all(one.risk_bps is None for one in views.values()) and seen.forecast is None
        assert not views[Strategy.VWAP].curve and "no candles can be had" in views[Strategy.VWAP].note
        assert views[Strategy.TWAP].curve


def request_of(desk: EngineAtWork) -> OrderRequest:
    return request(desk.clock.now(), quantity=Decimal(12))


def days_of_candles(now: Nanos, *, busy: bool) -> list[Candle]:
    """Fourteen days of candles of five minutes that closed before now; ``busy``: more in each second one."""
    width = 300 * SECOND
    last = now // width * width
    return [
        Candle(
            open_time=Nanos(last - number * width),
            close_time=Nanos(last - (number - 1) * width - 1),
            open=Decimal(100),
            high=Decimal(101),
            low=Decimal(99),
            close=Decimal(100 + number % 7),
            volume=Decimal(3 if busy and number % 2 else 1),
            closed=True,
        )
        for number in range(14 * 288, 0, -1)
    ]


@pytest.mark.parametrize("choice", EACH, ids=lambda one: one.name.value)
async def test_each_keeps_to_its_cap_its_limit_and_a_late_start(choice: StrategyChoice) -> None:
    async with working() as desk:
        now = desk.clock.now()
        late = {"start": Nanos(now - 5 * SECOND), "end": Nanos(now + 5 * SECOND), "strategy": choice}
        desk.market.show(bids=[("99", "9")], asks=[("100", "30"), ("101", "30")])
        capped = await desk.submit(quantity=Decimal(20), participation_cap=Decimal(50), **late)
        skipped = await desk.submit_as(
            "bob", token_id="b", quantity=Decimal(60), late_start=LateStart.SKIP, limit=Decimal(100), **late
        )
        for second in range(5):
            await desk.until(second + 0.5)
            desk.market.trade("100", "4")
        await desk.until(6)
        for one in desk.store.results(capped):
            assert one.filled <= (one.traded or 0) / 2
        assert desk.reasons(skipped)[:5] == [SliceReason.ELAPSED] * 5
        done = desk.now(skipped)
        assert done.status is OrderStatus.EXPIRED and done.progress.notional == 100 * done.progress.filled


async def test_facts_are_asked_for_once_an_interval() -> None:
    async with working() as desk:
        desk.market.candles = days_of_candles(desk.clock.now(), busy=True)
        await preview(desk, strategy=Vwap())
        desk.market.candles = None
        assert (await preview(desk, strategy=Vwap())).plan is not None
        await desk.until(301)
        with pytest.raises(ExchangeUnavailable):
            await preview(desk, strategy=Vwap())


@pytest.mark.parametrize(
    ("late", "first"),
    [(LateStart.COMPRESS, Decimal(5)), (LateStart.SHIFT, Decimal(1)), (LateStart.SKIP, Decimal(0))],
)
async def test_weights_cover_the_window_that_was_asked_for(late: LateStart, first: Decimal) -> None:
    async with working() as desk:
        now = desk.clock.now()
        window = {"start": Nanos(now - 5 * SECOND), "end": Nanos(now + 5 * SECOND)}
        order = await desk.submit(strategy=PROFILE, quantity=Decimal(14), late_start=late, **window)
        moved = await desk.engine.amend("ada", "a", Amendment(end=Nanos(order.plan.end + 10 * SECOND)))
        assert isinstance(moved.plan.curve, VolumeProfile) and isinstance(order.plan.curve, VolumeProfile)
        assert moved.plan.curve.anchor == order.plan.curve.anchor
        assert moved.plan.curve.period == order.plan.curve.period + 10 * SECOND
    async with working() as desk:
        now = desk.clock.now()
        window = {"start": Nanos(now - 5 * SECOND), "end": Nanos(now + 5 * SECOND)}
        order = await desk.submit(strategy=PROFILE, quantity=Decimal(9), late_start=late, **window)
        scale = Decimal(14) / 9 if late is LateStart.SHIFT else 1
        await desk.until(0.5)
        assert round(filled(desk, order)[0] * scale, 4) == first


async def test_pov_with_one_slice_looks_right_before_the_end() -> None:
    async with working() as desk:
        desk.market.show(**DEEP)
        order = await desk.submit(
            strategy=Pov(Decimal(50)), quantity=Decimal(100), limit=Decimal(100), interval=None, slices=1
        )
        await desk.until(8)
        desk.market.trade("100", "7")
        await desk.until(11)
        assert filled(desk, order) == [7]


async def test_pov_counts_what_was_traded_however_long_ago_the_slice_before_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working() as desk:
        desk.market.show(**DEEP)
        order = await desk.submit(strategy=Pov(Decimal(50)), quantity=Decimal(100), limit=Decimal(100))
        await desk.until(0.5)
        monkeypatch.setattr(desk.market, "traded_since", lambda *_: Decimal(0))  # it remembers no trade
        for _ in range(3):
            desk.market.trade("100", "2")
        await desk.until(1.5)
        assert filled(desk, order) == [0, 6]


async def test_a_cap_counts_what_was_traded_however_long_ago_the_slice_before_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working() as desk:
        desk.market.show(**DEEP)
        capped = await desk.submit(quantity=Decimal(100), participation_cap=Decimal(50))
        await desk.until(0.5)
        monkeypatch.setattr(desk.market, "traded_since", lambda *_: Decimal(0))  # it remembers no trade
        for _ in range(3):
            desk.market.trade("100", "2")
        await desk.until(1.5)
        assert filled(desk, capped) == [0, 3]


async def test_a_sweep_is_not_cut_by_randomize() -> None:
    async with working() as desk:
        for seed in range(8):
            order = await desk.submit(
                token_id=f"s{seed}", strategy=AllAtOnce(), quantity=Decimal("0.08"), randomize=Decimal(50)
            )
            await desk.until((seed + 1) * 11)
            assert desk.now(order).status is OrderStatus.FILLED


async def test_slices_that_randomize_could_make_too_small_come_in_steps() -> None:
    async with working() as desk:
        change = {"quantity": Decimal("0.6"), "carry": Carry.SKIP, "randomize": Decimal(50)}
        for choice in (PROFILE, Shortfall(urgency=Urgency.LOW)):
            order = await desk.submit_as(choice.name.value, strategy=choice, **change)
            assert order.plan.step
        await desk.until(11)
        for order in desk.store.orders.values():
            assert order.status is OrderStatus.FILLED


async def test_a_limit_alone_leaves_a_stepped_plan() -> None:
    async with working() as desk:
        order = await desk.submit(strategy=HIGH, limit=Decimal(100))
        await desk.until(2.5)
        moved = await desk.engine.amend("ada", "a", Amendment(limit=Decimal(110), limit_set=True))
        assert (moved.plan.first, moved.plan.start) == (0, order.plan.start)


async def test_a_symbol_that_nobody_lists_is_not_waited_for() -> None:
    async with working() as desk:
        before = desk.clock.now()
        order = await desk.submit(symbol="NOPE", strategy=Shortfall(risk_aversion=Decimal(1)))
        assert order.progress.reason == RejectReason.UNKNOWN_SYMBOL and desk.clock.now() == before


async def test_a_user_waits_for_few_markets_at_once_and_never_long() -> None:
    async with working() as desk:
        assert desk.market.live is not None
        desk.market.live.status = BookStatus.RESYNCING
        choice = Shortfall(risk_aversion=Decimal(1), volatility=Decimal(1), permanent_impact=Decimal(0))
        before = desk.clock.now()
        many = [
            desk.engine.submit("ada", [request(before, f"{call}-{n}", strategy=choice) for n in range(50)])
            for call in range(6)
        ]
        found = await asyncio.gather(*many, return_exceptions=True)
        assert desk.clock.now() - before < 9 * SECOND
        assert sum(isinstance(one, EngineBusy) for one in found) == 2


async def test_a_preview_of_a_full_user_without_candles_is_told_as_any_other() -> None:
    async with working(config=EngineConfig(max_open_orders=1)) as desk:
        await desk.submit()
        with pytest.raises(ExchangeUnavailable, match="give a list of weights"):
            await preview(desk, token_id="b", strategy=Vwap())


async def test_too_few_candles_are_told() -> None:
    async with working() as desk:
        desk.market.candles = days_of_candles(desk.clock.now(), busy=False)[-720:]
        order = await desk.submit(strategy=Vwap())
        assert any("2.5 of the last 14 days" in warning for warning in order.plan.warnings)
