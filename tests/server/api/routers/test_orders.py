"""Orders over HTTP: exact numbers, idempotency statuses, isolation, paging, detail."""

from decimal import Decimal
from typing import Any

import pytest
from httpx import Response

from support.api.bodies import BODY, RAW, submit
from support.api.desk import Desk
from support.changes import replace
from twap_models import ExecutionReport, TwapOrder, TwapOrderDetail, exact_json
from twap_models.enums import LateStart, OrderStatus, SliceOutcome, SliceReason
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.orders.order import Fill, SliceResult


async def submit_raw(desk: Desk, body: str) -> Response:
    headers = {**await desk.user(), "Content-Type": "application/json"}
    return await desk.http.post("/orders/twap", content=body, headers=headers)


@pytest.mark.parametrize(
    "text", ["0.00000001", "12345678901.234567891", "100000000000000000000.000000001", '"7.10"']
)
async def test_numbers_survive_to_the_last_digit(desk: Desk, text: str) -> None:
    answer = await submit_raw(desk, RAW % ("exact", text))
    assert answer.status_code == 201, answer.text
    exact = Decimal(text.strip('"'))
    assert desk.orders.requests[0].quantity == exact
    assert exact_json.loads(answer.content)[0]["quantity"] == exact
    listed = await desk.http.get("/orders", headers=await desk.user())
    assert TwapOrder.model_validate(exact_json.loads(listed.content)[0]).quantity == exact


@pytest.mark.parametrize(
    "text",
    [
        "1e999999",
        "1E-400",
        "NaN",
        "Infinity",
        "-0",
        '"1_000"',
        '"١٢"',
        '" 1 "',
        "true",
        "null",
        "[]",
        '"x"',
        "1" * 40,
    ],
)
async def test_strange_numbers_are_422(desk: Desk, text: str) -> None:
    answer = await submit_raw(desk, RAW % ("strange", text))
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"
    assert not desk.orders.orders


@pytest.mark.parametrize("text", ["{", "", "[1,", '{"a":1,"a":2}', "[" * 100_000, "\xff"])
async def test_broken_json(desk: Desk, text: str) -> None:
    headers = {**await desk.user(), "Content-Type": "application/json"}
    answer = await desk.http.post("/orders/twap", content=text.encode("latin-1"), headers=headers)
    assert answer.status_code == (400 if text else 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == ("malformed_json" if text else "invalid_request")


async def test_wrong_fields_are_named(desk: Desk) -> None:
    answer = await submit(desk, [BODY, {**BODY, "quantity": "x", "colour": 1}])
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"[1].quantity", "[1].colour"}
    assert not desk.orders.requests, "nothing is stored when one item is wrong"


async def test_surrogates_in_names_and_texts_are_answered(desk: Desk) -> None:
    assert (await submit_raw(desk, '{"\\ud800": 1, "symbol": "\\udfff"}')).status_code == 400
    assert (await submit_raw(desk, '{"symbol": "\\udfff"}')).status_code == 422


async def test_statuses_of_submission(desk: Desk) -> None:
    late = {
        **BODY,
        "token_id": "late",
        "duration": None,
        "end_time": "2020-01-01T00:00:00",
        "start_time": "2019-01-01",
    }
    del late["duration"]
    assert (await submit(desk, BODY)).status_code == 201
    assert (await submit(desk, BODY)).status_code == 200
    assert (await submit(desk, {**BODY, "quantity": 2})).status_code == 409
    assert (await submit(desk, late)).status_code == 400
    repeated = await submit(desk, [late])
    assert repeated.status_code == 400
    assert repeated.json()[0]["status"] == "Rejected"
    assert repeated.json()[0]["reason"] == "window_elapsed"
    assert (await submit(desk, [late, {**BODY, "token_id": "b"}])).status_code == 201
    assert (await submit(desk, [{**BODY, "quantity": 2}, {**BODY, "token_id": "c"}])).status_code == 201


@pytest.mark.parametrize(
    "same",
    [
        {"quantity": "1.000"},
        {"quantity": "1e0"},
        {"interval": "5s"},
        {"duration": "10s"},
        {"start_time": "now"},
        {"side": "buy", "carry": "catch_up", "fidelity": "depth"},
        {"exchange": "BINANCE"},
        {"symbol": "btcusdt"},
    ],
)
async def test_another_spelling_is_the_same_order(desk: Desk, same: dict[str, Any]) -> None:
    await submit(desk, BODY)
    await desk.clock.advance(3)
    assert (await submit(desk, {**BODY, **same})).status_code == 200


async def test_limit_price_is_price(desk: Desk) -> None:
    await submit(desk, BODY)
    other = {name: value for name, value in BODY.items() if name != "price"}
    assert (await submit(desk, {**other, "limit_price": "100.0"})).status_code == 200
    assert (await submit(desk, other)).status_code == 409


async def test_options_reach_the_engine(desk: Desk) -> None:
    answer = await submit(desk, {**BODY, "randomize": 12.5, "participation_cap": "7.5"})
    assert answer.status_code == 201
    asked = desk.orders.requests[0]
    assert (asked.randomize, asked.participation_cap) == (Decimal("12.5"), Decimal("7.5"))


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00", "1969-12-31", "9999-12-31T23:59:59Z"])
async def test_times_nobody_can_store(desk: Desk, time: str) -> None:
    body = {name: value for name, value in BODY.items() if name != "duration"}
    answer = await submit(desk, {**body, "end_time": time})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "end_time"


async def test_relative_times(desk: Desk) -> None:
    body = {name: value for name, value in BODY.items() if name != "duration"}
    await submit(desk, {**body, "start_time": "+1m", "end_time": "+15m"})
    request = desk.orders.requests[0]
    assert request.start == desk.clock.now() + 60 * SECOND
    assert request.end == desk.clock.now() + 900 * SECOND
    assert request.interval == 5 * SECOND


@pytest.mark.parametrize("start", [{}, {"start_time": "now"}])
async def test_a_duration_that_begins_now_keeps_its_length(desk: Desk, start: dict[str, str]) -> None:
    await submit(desk, {**BODY, **start})
    request = desk.orders.requests[0]
    assert request.start == desk.clock.now()
    assert request.end - desk.clock.now() == 10 * SECOND
    assert request.late_start is LateStart.SHIFT


async def test_now_is_never_late(desk: Desk) -> None:
    body = {name: value for name, value in BODY.items() if name != "duration"}
    await submit(desk, {**body, "start_time": "now", "end_time": "+15m", "late_start": "skip"})
    assert desk.orders.requests[0].start is None, "else the first slice has elapsed once the engine looks"


async def test_nobody_sees_anothers_order(desk: Desk) -> None:
    await submit(desk, BODY)
    eve = await desk.user("eve")
    assert (await desk.http.get("/orders/a-1", headers=eve)).status_code == 404
    assert (await desk.http.delete("/orders/a-1", headers=eve)).json()["code"] == "order_not_found"
    assert (await desk.http.get("/orders", params={"token_id": "a-1"}, headers=eve)).json() == []
    assert (await submit(desk, {**BODY, "quantity": 9}, eve)).status_code == 201


async def test_paging_gives_every_order_once(desk: Desk) -> None:
    headers = await desk.user()
    await submit(desk, [{**BODY, "token_id": f"t{n}"} for n in range(7)])
    url, seen = "/orders?limit=3&status=open", []
    while url:
        answer = await desk.http.get(url, headers=headers)
        seen += [order["token_id"] for order in answer.json()]
        url = answer.links["next"]["url"] if "next" in answer.links else ""
    assert sorted(seen) == [f"t{n}" for n in range(7)]


async def test_filters(desk: Desk) -> None:
    headers = await desk.user()
    await submit(desk, [{**BODY, "token_id": "x"}, {**BODY, "token_id": "y", "side": "sell"}])
    await desk.http.delete("/orders/y", headers=headers)

    async def ids(**params: str) -> list[str]:
        answer = await desk.http.get("/orders", params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return sorted(order["token_id"] for order in answer.json())

    assert await ids(status="open") == ["x"]
    assert await ids(status="closed") == ["y"]
    assert await ids(status="canceled") == ["y"]
    assert await ids(symbol="btc/usdt") == ["x", "y"]
    assert await ids(symbol="ETHUSDT") == []
    assert await ids(exchange="kraken") == []
    assert await ids(side="buy") == ["x"]
    assert await ids(side="sell", status="closed") == ["y"]


@pytest.mark.parametrize(
    "query",
    ["status=odd", "side=both", "after=rubbish", "after=%C3%A9", "limit=0", "limit=501", "token_id=%00"],
)
async def test_bad_filters(desk: Desk, query: str) -> None:
    answer = await desk.http.get(f"/orders?{query}", headers=await desk.user())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.split("=", maxsplit=1)[0]


async def test_cancel_once(desk: Desk) -> None:
    headers = await desk.user()
    await submit(desk, BODY)
    assert (await desk.http.delete("/orders/a-1", headers=headers)).json()["status"] == "Canceled"
    again = await desk.http.delete("/orders/a-1", headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "order_not_open")


async def test_detail_shows_slices_fills_and_cost(desk: Desk) -> None:
    headers = await desk.user()
    await submit(desk, {**BODY, "side": "sell"})
    (owner, _), order = next(iter(desk.orders.orders.items()))
    due = order.schedule.due(0)
    result = SliceResult(
        index=0,
        due=due,
        outcome=SliceOutcome.PARTIAL,
        reason=SliceReason.DEPTH_EXHAUSTED,
        wanted=Decimal("0.5"),
        filled=Decimal("0.3"),
        notional=Decimal("29.95"),
        decided=due,
        mid=Decimal("100.5"),
        touch=Decimal("100.25"),
    )
    fills = tuple(
        Fill(
            fill_id=f"f{n}",
            slice_index=0,
            time=Nanos(due),
            exchange="binance",
            price=Decimal(price),
            quantity=Decimal(quantity),
            fee=Decimal("0.01"),
        )
        for n, (price, quantity) in enumerate([("100", "0.2"), ("99.5", "0.1")])
    )
    desk.orders.orders[owner, "a-1"] = order.after_slice(result, fills)
    desk.orders.slices["a-1"], desk.orders.fills["a-1"] = [result], list(fills)
    answer = await desk.http.get("/orders/a-1", headers=headers)
    detail = TwapOrderDetail.from_json(answer.content)
    assert [one.outcome for one in detail.slices] == [SliceOutcome.PARTIAL, SliceOutcome.PENDING]
    assert sum(one.wanted_quantity for one in detail.slices) == 1
    assert detail.average_price == Decimal("99.833333333333")
    assert "report" not in answer.json(), "it has a route of its own"
    report = ExecutionReport.from_json((await desk.http.get("/orders/a-1/report", headers=headers)).content)
    assert (report.decision_price, report.arrival_price) == (100, Decimal("100.5"))
    assert report.arrival_slippage_bps == Decimal("66.3350"), "sold below arrival: a cost"
    assert report.fees == Decimal("0.02")
    assert report.slices_by_reason == {"depth_exhausted": 1}
    assert detail.status is OrderStatus.WORKING


async def test_slices_that_a_canceled_order_never_met_are_canceled(desk: Desk) -> None:
    headers = await desk.user()
    await submit(desk, BODY)
    key, order = next(iter(desk.orders.orders.items()))
    canceled = replace(order.progress, status=OrderStatus.CANCELED)
    desk.orders.orders[key] = replace(order, progress=canceled)
    slices = (await desk.http.get("/orders/a-1", headers=headers)).json()["slices"]
    assert slices and {(piece["outcome"], piece["reason"]) for piece in slices} == {("canceled", "canceled")}
