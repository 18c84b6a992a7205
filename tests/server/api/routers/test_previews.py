"""POST /orders/twap/preview: bodies, books held and let go, exact numbers, bounded answers."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from httpx import Response

from support.api.bodies import BODY
from support.api.desk import Desk
from support.api.fakes import listed, view
from support.clocks import START
from twap_models import GoLiveVerdict, OrderPreview, exact_json
from twap_models.enums import Carry, Fidelity, LateStart, RejectReason, Side, SliceReason
from twap_server.api.routers.previews import MOST_BOOKS
from twap_server.api.wire.present_preview import shown_slices
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.execution.impact_forecast import ImpactForecast
from twap_server.domain.execution.pre_trade_cost import Estimate
from twap_server.domain.go_live.answers import PairMinimums, Proposed
from twap_server.domain.go_live.check import check
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.schedule import Schedule
from twap_server.domain.orders.terms import OrderRequest, Plan, Rejection
from twap_server.domain.orders.trading_rules import trading_rules_of
from twap_server.engine.entry.expected_cost import ExpectedCost
from twap_server.engine.entry.preview import Preview

BTC, ETH = InstrumentId("binance", "BTC-USDT"), InstrumentId("binance", "ETH-USDT")
FINE = Decimal("0.000000000000000001")
HOUR = 3_600 * SECOND


async def preview(desk: Desk, body: object) -> Response:
    return await desk.http.post("/orders/twap/preview", json=body, headers=await desk.user())


def read(answer: Response) -> list[OrderPreview]:
    assert answer.status_code == 200, answer.text
    return [OrderPreview.model_validate(one) for one in exact_json.loads(answer.content)]


async def test_one_or_a_list_is_answered_with_a_list_and_nothing_is_submitted(desk: Desk) -> None:
    assert [one.token_id for one in read(await preview(desk, BODY))] == ["a-1"]
    several = [{**BODY, "token_id": name} for name in ("b", "c", "b")]
    assert [one.token_id for one in read(await preview(desk, several))] == ["b", "c", "b"]
    assert desk.orders.requests == [] and desk.orders.orders == {} and desk.orders.log == {}


async def test_who_is_not_signed_in_sees_nothing(desk: Desk) -> None:
    assert (await desk.http.post("/orders/twap/preview", json=BODY)).status_code == 401


@pytest.mark.parametrize("body", [[], [BODY] * 101, {**BODY, "quantity": "x"}, {**BODY, "colour": 1}])
async def test_a_body_of_the_wrong_form_is_422(desk: Desk, body: object) -> None:
    assert (await preview(desk, body)).status_code == 422


async def test_a_book_nobody_watches_is_held_waited_for_and_let_go(desk: Desk) -> None:
    desk.market.coming[ETH] = view()
    seen: list[tuple[set[InstrumentId], bool]] = []

    def look() -> None:
        seen.append(({instrument for instrument, _ in desk.market.held}, ETH in desk.market.books))

    desk.orders.on_preview = look
    read(await preview(desk, [BODY, {**BODY, "token_id": "b", "symbol": "eth/usdt"}]))
    assert seen == [({BTC, ETH}, True)]
    assert desk.market.held == set()


async def test_a_book_that_does_not_come_is_no_failure(desk: Desk) -> None:
    read(await preview(desk, {**BODY, "symbol": "ETHUSDT"}))
    assert desk.market.held == set()


async def test_a_failure_lets_the_books_go_too(desk: Desk) -> None:
    def fail() -> None:
        raise StoreUnavailable("the disk is full")

    desk.orders.on_preview = fail
    assert (await preview(desk, BODY)).status_code == 503
    assert desk.market.held == set()


async def test_what_has_no_name_needs_no_book(desk: Desk) -> None:
    unknown = [{**BODY, "symbol": "NOPE"}, {**BODY, "exchange": "mars"}, {**BODY, "exchange": "aggregate"}]
    held: set[InstrumentId] = set()
    desk.orders.on_preview = lambda: held.update(instrument for instrument, _ in desk.market.held)
    read(await preview(desk, unknown))
    assert held == {BTC, InstrumentId("kraken", "BTC-USDT")}


async def test_books_asked_for_are_bounded(desk: Desk) -> None:
    names = [f"C{number}-USDT" for number in range(80)]
    desk.market.listed["binance"] = {name: listed("binance", name) for name in names}
    held: list[int] = []
    desk.orders.on_preview = lambda: held.append(len(desk.market.held))
    read(await preview(desk, [{**BODY, "symbol": name} for name in names]))
    assert held == [MOST_BOOKS]


def made() -> Preview:
    rules = trading_rules_of([listed("binance", "BTC-USDT")], {}, exchange="binance")
    request = OrderRequest(
        token_id="a-1",
        exchange="binance",
        symbol="BTCUSDT",
        side=Side.SELL,
        quantity=Decimal(5),
        limit=None,
        start=None,
        end=Nanos(START + HOUR),
        interval=SECOND,
        slices=None,
        carry=Carry.CATCH_UP,
        late_start=LateStart.COMPRESS,
        max_slippage_bps=None,
        fidelity=Fidelity.DEPTH,
    )
    plan = Plan(
        quantity=Decimal("4.5"),
        limit=None,
        start=START,
        end=Nanos(START + HOUR),
        interval=SECOND,
        slice_count=3_600,
        warnings=("rounded",),
    )
    order = Proposed(
        quantity=plan.quantity,
        quote="USDT",
        lot_size=rules.lot_size,
        price=Decimal(100),
        limit=None,
        duration=HOUR,
        interval=SECOND,
        ends_in=HOUR,
    )
    estimate = Estimate(
        filled=Decimal(4),
        unfilled=Decimal("0.5"),
        notional=Decimal(396),
        spread=FINE,
        depth=Decimal(3),
        fees=Decimal("0.396"),
        mid_value=Decimal(398),
        stopped_by=SliceReason.DEPTH_EXHAUSTED,
    )
    return Preview(
        request=request,
        time=Nanos(START + 2 * SECOND),
        rules=rules,
        broken=(
            Rejection(reason=RejectReason.TOO_MANY_OPEN_ORDERS, field="token_id", detail="too many"),
            Rejection(reason=RejectReason.BELOW_MINIMUM, field="quantity", detail="too small", nearest=FINE),
        ),
        plan=plan,
        schedule=Schedule(
            quantity=plan.quantity,
            lot_size=rules.lot_size,
            start=plan.start,
            end=plan.end,
            interval=plan.interval,
            count=plan.slice_count,
        ),
        warnings=plan.warnings,
        cost=ExpectedCost(
            mid=Decimal("99.5"), touch=Decimal(99), book_time=START, slices=estimate, sweep=estimate
        ),
        go_live=check(order, {"binance": PairMinimums(quantity=Decimal(1), value=Decimal(5))}),
    )


async def test_a_preview_on_the_wire_is_exact_and_shows_the_first_thousand_slices(desk: Desk) -> None:
    desk.orders.previews["a-1"] = made()
    (seen,) = read(await preview(desk, BODY))
    assert (seen.instrument, seen.quantity, seen.accepted) == ("BTC-USDT", Decimal("4.5"), False)
    assert [(one.reason, one.field, one.nearest) for one in seen.broken] == [
        ("too_many_open_orders", "token_id", None),
        ("below_minimum", "quantity", FINE),
    ]
    assert (seen.slice_count, len(seen.slices)) == (3_600, 1_000)
    assert sum(one.quantity for one in seen.slices) == Decimal("1.25")
    assert seen.expected_cost is not None and seen.expected_cost.book_age_ms == 2_000
    cost = seen.expected_cost.slices
    assert cost.total == Decimal("3.396000000000000001") == cost.spread + cost.depth + cost.fees
    assert (cost.average_price, cost.total_bps) == (99, Decimal("85.3266"))
    assert {one.exchange for one in seen.go_live} == {
        "binance",
        "bybit",
        "okx",
        "kraken",
        "hyperliquid",
        "dydx",
    }
    dydx = next(one for one in seen.go_live if one.exchange == "dydx")
    assert dydx.verdict is GoLiveVerdict.REFUSED
    failed = [rule for rule in dydx.rules if rule.ok is False]
    assert [(rule.rule, rule.nearest, rule.nearest_of) for rule in failed] == [("interval", 30, "interval")]
    assert all(rule.url.startswith("https://") and rule.source and rule.as_of for rule in dydx.rules)


@pytest.mark.parametrize(
    ("query", "lasting", "cost"),
    [("compare=true", None, None), ("supply=1728000000", Decimal("19.8597"), Decimal("18.4179"))],
)
async def test_the_forecast_says_what_lasts_where_the_supply_is_given(
    desk: Desk, query: str, lasting: Decimal | None, cost: Decimal | None
) -> None:
    forecast = ImpactForecast(
        quantity=Decimal(656_100),
        duration=Nanos(12 * HOUR),
        day_volume=Decimal(6_561_000),
        volatility=Decimal("1.57"),
    )
    desk.orders.previews["a-1"] = replace(made(), forecast=forecast)
    path, headers = f"/orders/preview?{query}", await desk.user()
    told = read(await desk.http.post(path, json=BODY, headers=headers))[0].impact_forecast
    assert told is not None
    assert (told.share_percent, told.temporary_bps) == (10, Decimal("8.4880"))
    assert (told.lasting_bps, told.cost_bps) == (lasting, cost)


@pytest.mark.parametrize("supply", ["0", "-1", "NaN", "many", "1e99999"])
async def test_a_supply_that_is_none_is_refused(desk: Desk, supply: str) -> None:
    refused = await desk.http.post(f"/orders/preview?supply={supply}", json=BODY, headers=await desk.user())
    assert refused.status_code == 422 and "supply" in refused.text, refused.text


async def test_a_long_list_shows_fewer_slices_of_each(desk: Desk) -> None:
    body: list[dict[str, Any]] = [{**BODY, "token_id": f"t-{number}"} for number in range(100)]
    desk.orders.previews = {one["token_id"]: made() for one in body}
    assert {len(one.slices) for one in read(await preview(desk, body))} == {shown_slices(100)} == {200}
