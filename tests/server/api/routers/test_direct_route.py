"""Submissions are read without FastAPI's solver: the same callers, bodies and refusals as everywhere."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.api.bodies import BODY, RAW, submit
from support.api.desk import Desk
from support.store.builders import make_order
from twap_models import TwapOrderRequest, exact_json
from twap_models.enums import OrderStatus
from twap_server.api.http.exact_json import checked, reply
from twap_server.api.routers.direct_route import DirectRoute
from twap_server.api.wire import present
from twap_server.api.wire.requests import fingerprint
from twap_server.domain.clock import SECOND
from twap_server.domain.orders.order import Order, OrderProgress
from twap_server.domain.orders.terms import Plan


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("Application/JSON", 201),
        ("application/vnd.api+json", 201),
        ("text/plain", 422),
        ("text/json", 422),
        ("application/x-www-form-urlencoded", 422),
        ("", 422),
    ],
)
async def test_a_body_is_json_where_it_is_called_so(desk: Desk, kind: str, status: int) -> None:
    headers = {**await desk.user(), **({"Content-Type": kind} if kind else {})}
    answer = await desk.http.post("/orders/twap", content=RAW % ("a", "1"), headers=headers)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["errors"][0]["field"] == "body"


async def test_long_lists_are_read_one_at_a_time_by_turns_of_their_users(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever waits for the event loop comes between two of them, and short ones do not wait."""
    happened: list[str] = []

    def noted(shape: Any, body: Any) -> Any:
        happened.append(body[0]["token_id"] if isinstance(body, list) else body["token_id"])
        asyncio.get_running_loop().call_soon(happened.append, "others")
        return checked(shape, body)

    monkeypatch.setattr("twap_server.api.routers.direct_route.checked", noted)
    ada, bob = await desk.user("ada"), await desk.user("bob")
    long = [[{**BODY, "token_id": f"{name}-{n}"} for n in range(150)] for name in ("a1", "a2", "a3", "b")]
    answers = await asyncio.gather(
        *(submit(desk, body, headers) for body, headers in zip(long, (ada, ada, ada, bob), strict=True)),
        submit(desk, {**BODY, "token_id": "short"}, bob),
    )
    assert [answer.status_code for answer in answers] == [201] * 5
    lists = [what for what in happened if what not in ("others", "short")]
    assert lists == ["a1-0", "a2-0", "b-0", "a3-0"]
    assert all(happened[happened.index(one) + 1] != other for one in lists for other in lists)
    assert happened.index("short") < happened.index("a3-0")


async def test_without_a_body(desk: Desk) -> None:
    headers = {**await desk.user(), "Content-Type": "application/json"}
    answer = await desk.http.post("/orders/twap", headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (422, "body: is missing")


async def test_callers_are_known_as_on_every_route(desk: Desk) -> None:
    token = (await desk.user())["Authorization"].removeprefix("Bearer ")
    made = await desk.http.post(
        "/auth/keys", json={"name": "bot"}, headers={"Authorization": f"Bearer {token}"}
    )
    key = made.json()["key"]
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"bearer {token}"},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"Basic {token}"},
        {"Authorization": token},
        {"Authorization": "Bearer"},
        {"X-API-Key": key},
        {"X-API-Key": "twap_wrong"},
        {"X-API-Key": key, "Authorization": "Basic x"},
        {"X-API-Key": key, "Authorization": "Bearer x.y.z"},
        {},
    ):
        elsewhere = (await desk.http.get("/auth/me", headers=headers)).status_code
        here = (await submit(desk, BODY, headers or {"X-Nothing": "1"})).status_code
        assert (here == 401) == (elsewhere == 401), headers
        assert here in {200, 201, 401}


async def test_errors_name_fields_in_one_order_and_in_a_list(desk: Desk) -> None:
    one = await submit(desk, {**BODY, "quantity": "x", "odd": 1})
    assert [error["field"] for error in one.json()["errors"]] == ["quantity", "odd"]
    several = await submit(desk, [BODY, {**BODY, "side": "hold"}])
    assert [error["field"] for error in several.json()["errors"]] == ["[1].side"]
    assert (await submit(desk, [])).status_code == (await submit(desk, "text")).status_code == 422


def test_a_route_with_other_parameters_is_refused() -> None:
    async def endpoint(services: int, token_id: str) -> None: ...

    with pytest.raises(TypeError, match="expected the parameters services, caller and body"):
        DirectRoute("/x", endpoint, methods=["POST"])


decimals = st.decimals(min_value=0, max_value=10**9, places=8)
nanos = st.integers(min_value=0, max_value=4 * 10**18)


@given(
    quantity=decimals,
    filled=decimals,
    notional=decimals,
    limit=st.none() | decimals,
    status=st.sampled_from(OrderStatus),
    times=st.tuples(nanos, nanos, nanos),
    interval=st.integers(min_value=0, max_value=400 * 86_400 * SECOND),
    words=st.text(max_size=20).filter(str.isprintable),
)
def test_a_body_is_written_as_its_model_would_be(
    *,
    quantity: Any,
    filled: Any,
    notional: Any,
    limit: Any,
    status: Any,
    times: Any,
    interval: int,
    words: str,
) -> None:
    created, start, end = times
    made = make_order(1)
    order = Order(
        terms=replace(
            made.terms, created=created, start=start, instrument=None if words else made.terms.instrument
        ),
        plan=Plan(
            quantity=quantity + filled,
            limit=limit,
            start=start,
            end=end,
            interval=interval,
            slice_count=3,
            warnings=(words,),
        ),
        progress=OrderProgress(status=status, filled=filled, notional=notional, reason=words, detail=words),
    )
    wire = present.order(order)
    body = bytes(reply([present.order_body(order)]).body)
    assert exact_json.loads(body, exact_json.TOLD) == [exact_json.loads(wire.to_json(), exact_json.TOLD)]
    assert body == b"[" + wire.to_json() + b"]"


@pytest.mark.parametrize(
    ("body", "digest"),
    [
        (
            {
                "symbol": "btc/usdt",
                "quantity": "0.50",
                "price": "61000.10",
                "start_time": "+90m",
                "duration": "1h",
                "slices": 20,
            },
            "734f2c3d70b6b76dc7243ea6281336e2a1a8364a4ae72579fd87963a2e263695",
        ),
        (
            {
                "symbol": 'x"\\<é€😀',
                "quantity": "100000000000000000000",
                "start_time": "2026-11-25T08:00:00Z",
                "end_time": "now",
                "interval": "250ms",
                "randomize": "12.5",
                "max_slippage_bps": 3,
            },
            "5812a61a12275bf30bcb18a00ba3bcfd648cdac4e8ae59dc3b776ee73d6e999a",
        ),
    ],
    ids=["plain", "odd"],
)
def test_fingerprints_stay_what_databases_hold(body: dict[str, Any], digest: str) -> None:
    """Another digest for the same body would make every repeat a conflict."""
    wire = TwapOrderRequest.model_validate(
        {"token_id": "a", "exchange": "kraken" if "end_time" in body else "binance", **body}
    )
    assert fingerprint(wire) == digest
