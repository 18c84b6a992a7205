"""engine/entry/preview.py: the same verdict and plan as a submission, every broken rule, nothing stored."""

from dataclasses import replace
from decimal import Decimal

import pytest

from support.clocks import ALONE
from support.engine import preview, working
from support.trading import BTC, request
from twap_models.enums import Carry, GoLiveVerdict, LateStart, OrderStatus, RejectReason, Side, SliceReason
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import ExchangeUnavailable
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import Instrument
from twap_server.engine.config import EngineConfig
from twap_server.engine.entry.preview import Preview

pytestmark = ALONE


def reasons(made: Preview) -> list[RejectReason]:
    return [one.reason for one in made.broken]


async def test_a_preview_says_what_a_submission_then_does() -> None:
    async with working() as desk:
        desk.market.fee = Decimal("0.001")
        seen = await preview(desk, quantity=Decimal("1.000009"), randomize=Decimal(30))
        assert desk.store.commits == 0 and desk.store.orders == {}
        order = await desk.submit(quantity=Decimal("1.000009"), randomize=Decimal(30))
        assert seen.plan == order.plan and seen.schedule == order.schedule
        assert seen.warnings == order.plan.warnings != ()
        assert seen.cost is not None
        await desk.until(11)
        done = desk.now(order)
        assert done.status is OrderStatus.FILLED
        assert (seen.cost.slices.filled, seen.cost.slices.unfilled) == (done.progress.filled, 0)
        assert seen.cost.slices.fees == done.progress.fees
        assert seen.cost.slices.notional == done.progress.notional


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"quantity": Decimal(0), "limit": Decimal(-1), "interval": 0, "randomize": Decimal(60)},
            ["invalid_option", "invalid_interval", "invalid_quantity", "invalid_price"],
        ),
        ({"symbol": "NOPE", "end": Nanos(5)}, ["window_elapsed", "unknown_symbol"]),
        (
            {"quantity": Decimal("0.00001"), "max_slippage_bps": Decimal(-1)},
            ["invalid_option", "below_minimum"],
        ),
        ({"interval": None, "slices": 200_000}, ["invalid_interval", "invalid_interval"]),
        ({"quantity": Decimal("0.00001"), "limit": Decimal(-1)}, ["invalid_price", "below_minimum"]),
        ({}, []),
    ],
)
async def test_every_broken_rule_is_told_and_a_submission_tells_the_first(
    change: dict[str, object], expected: list[str]
) -> None:
    async with working() as desk:
        made = await preview(desk, **change)
        assert reasons(made) == expected
        assert all(one.field and one.detail for one in made.broken)
        order = await desk.submit(**change)
        assert order.progress.reason == (expected[0] if expected else "")
        if expected:
            assert (made.plan, made.cost, made.go_live) == (None, None, ())
            assert order.progress.detail.startswith(made.broken[0].detail)


async def test_too_many_open_orders_leaves_the_plan_to_be_seen() -> None:
    async with working(config=EngineConfig(max_open_orders=1)) as desk:
        await desk.submit()
        made = await preview(desk, token_id="b", quantity=Decimal(-1))
        assert reasons(made) == ["too_many_open_orders", "invalid_quantity"]
        full = await preview(desk, token_id="b")
        assert reasons(full) == ["too_many_open_orders"] and full.plan is not None and full.cost is not None


async def test_within_a_list_room_and_token_ids_are_used_up() -> None:
    async with working(config=EngineConfig(max_open_orders=1)) as desk:
        now = desk.clock.now()
        asked = [request(now), request(now), request(now, fingerprint="other"), request(now, "b")]
        found = await desk.engine.preview("ada", asked)
        assert [reasons(made) for made in found] == [
            [],
            [],
            ["duplicate_token_id", "too_many_open_orders"],
            ["too_many_open_orders"],
        ]
        assert "given again" in found[1].warnings[-1]


async def test_a_used_token_id_is_a_broken_rule_unless_the_order_is_the_same() -> None:
    async with working() as desk:
        await desk.submit()
        same, other = await preview(desk), await preview(desk, fingerprint="other")
        assert reasons(same) == [] and "given again" in same.warnings[-1]
        assert reasons(other) == ["duplicate_token_id"] and other.broken[0].field == "token_id"
        assert other.plan is not None, "the rest of it can be seen all the same"
        await desk.submit(token_id="bad", quantity=Decimal(0))
        used = await preview(desk, token_id="bad", quantity=Decimal(0))
        assert reasons(used) == ["duplicate_token_id", "invalid_quantity"]
        assert "used up" in used.broken[0].detail


async def test_cost_walks_slices_and_sweeps_the_whole() -> None:
    async with working() as desk:
        desk.market.show(bids=[("99", "1")], asks=[("101", "1"), ("103", "1"), ("110", "1")])
        made = await preview(
            desk, quantity=Decimal(3), interval=SECOND, end=Nanos(desk.clock.now() + 2 * SECOND)
        )
        assert made.cost is not None
        # two slices of 1.5: 1 at 101, 0.5 at 103; at once: 1 at 101, 1 at 103, 1 at 110; mid 100
        slices, sweep = made.cost.slices, made.cost.sweep
        assert (made.cost.mid, made.cost.touch) == (100, 101)
        assert (slices.spread, slices.depth, slices.total) == (3, 2, 5)
        assert (sweep.spread, sweep.depth, sweep.total) == (3, 11, 14)
        capped = await preview(desk, quantity=Decimal(3), max_slippage_bps=Decimal(200))
        assert capped.cost is not None
        assert (capped.cost.sweep.filled, capped.cost.sweep.stopped_by) == (1, SliceReason.SLIPPAGE_CAP)


async def test_without_a_live_book_there_is_no_cost_and_no_guess() -> None:
    async with working() as desk:
        assert desk.market.live is not None
        desk.market.live.status = BookStatus.RESYNCING
        made = await preview(desk, limit=Decimal(100))
        assert (made.cost, made.cost_reason) == (None, "its book is resyncing")
        assert made.plan is not None and reasons(made) == []
        desk.market.live = None
        assert (await preview(desk)).cost_reason == "there is no live book of it"


async def test_elapsed_slices_are_named_and_not_paid_for_where_they_are_skipped() -> None:
    async with working() as desk:
        late = Nanos(desk.clock.now() - 4 * SECOND)
        change = {"start": late, "end": Nanos(late + 10 * SECOND), "late_start": LateStart.SKIP}
        skip = await preview(desk, carry=Carry.SKIP, **change)
        assert skip.cost is not None and skip.cost.slices.filled == Decimal("0.6")
        assert skip.warnings == ("4 of 10 slices have elapsed: they are missed",)
        catch_up = await preview(desk, **change)
        assert catch_up.cost is not None and catch_up.cost.slices.filled == 1


async def test_go_live_knows_the_pair_where_it_is_collected() -> None:
    async with working() as desk:
        five_minutes = Nanos(desk.clock.now() + 300 * SECOND)
        made = await preview(
            desk, quantity=Decimal(50), side=Side.SELL, end=five_minutes, interval=5 * SECOND
        )
        verdicts = {(one.exchange, one.market): one.verdict for one in made.go_live}
        assert verdicts["binance", "spot"] is GoLiveVerdict.ACCEPTED
        assert verdicts["kraken", "spot"] is GoLiveVerdict.UNKNOWN, "its smallest order is not known here"
        assert verdicts["dydx", "perpetual"] is GoLiveVerdict.REFUSED
        short = await preview(desk, quantity=Decimal(50))
        refused = next(one for one in short.go_live if (one.exchange, one.market) == ("binance", "spot"))
        assert refused.verdict is GoLiveVerdict.REFUSED
        assert [one.nearest for one in refused.findings if one.ok is False] == [Decimal(300)]


async def test_while_instruments_are_not_known_only_the_window_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working() as desk:

        def find(exchange: str, spelling: str) -> Instrument:
            raise ExchangeUnavailable("not known yet")

        monkeypatch.setattr(desk.market, "find_instrument", find)
        assert reasons(await preview(desk, end=Nanos(5))) == ["window_elapsed"]
        with pytest.raises(ExchangeUnavailable):
            await preview(desk)


async def test_a_halted_instrument_is_told_beside_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    async with working() as desk:
        monkeypatch.setattr(desk.market, "find_instrument", lambda *_: replace(BTC, status="halt"))
        assert reasons(await preview(desk, limit=Decimal(-1))) == ["not_tradable", "invalid_price"]
