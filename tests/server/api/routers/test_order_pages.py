"""GET /orders/{token_id} in pages: the Link header leads through all of it, and bounds are named."""

from decimal import Decimal
from urllib.parse import urljoin

import pytest

from support.api.bodies import BODY, submit
from support.api.desk import Desk
from support.changes import replace
from twap_models.enums import SliceOutcome
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.order import Fill, SliceResult

ENDED = 7
"""Of an order's slices; they filled twice each."""


async def given_order(desk: Desk, token_id: str = "a-1") -> dict[str, str]:
    headers = await desk.user()
    await submit(desk, {**BODY, "token_id": token_id, "interval": None, "slices": 12}, headers)
    key, order = next((key, made) for key, made in desk.orders.orders.items() if key[1] == token_id)
    slices, fills = [], []
    for index in range(ENDED):
        due = order.schedule.due(index)
        done = SliceResult(index=index, due=due, outcome=SliceOutcome.PARTIAL, reason=None, wanted=Decimal(1))
        slices.append(replace(done, decided=due))
        fills += [
            Fill(fill_id=f"f-{index}-{n}", slice_index=index, time=Nanos(due), exchange="binance",
                 price=Decimal(100), quantity=Decimal("0.01"), fee=Decimal(0))
            for n in range(2)
        ]  # fmt: skip
    desk.orders.orders[key] = replace(order, progress=replace(order.progress, next_slice=ENDED))
    desk.orders.slices[token_id], desk.orders.fills[token_id] = slices, fills
    return headers


@pytest.mark.parametrize("token_id", ["a-1", "a:b", "..."])
async def test_the_links_lead_through_all_of_it(desk: Desk, token_id: str) -> None:
    headers = await given_order(desk, token_id)
    whole = (await desk.http.get(f"/orders/{token_id}", headers=headers)).json()
    address, slices, fills = f"/orders/{token_id}?slices=5&fills=4", [], []
    asked = 0
    while address and asked < 9:
        answer = await desk.http.get(address, headers=headers)
        page, link = answer.json(), answer.links.get("next", {}).get("url", "")
        assert len(page["slices"]) <= 5 and len(page["fills"]) <= 4 and answer.headers["ETag"] == '"1"'
        slices, fills, asked = slices + page["slices"], fills + page["fills"], asked + 1
        address = urljoin(str(answer.request.url), link) if link else ""
    assert (slices, fills, asked) == (whole["slices"], whole["fills"], 4)
    assert [one["outcome"] for one in slices] == ["partial"] * ENDED + ["pending"] * (
        whole["slice_count"] - ENDED
    )


async def test_an_order_without_its_parts(desk: Desk) -> None:
    headers = await given_order(desk)
    answer = await desk.http.get("/orders/a-1?slices=0&fills=0", headers=headers)
    found = answer.json()
    assert (found["slices"], found["fills"]) == ([], []) and found["slice_count"] > ENDED
    assert "Link" not in answer.headers


async def test_the_latest(desk: Desk) -> None:
    headers = await given_order(desk)
    answer = await desk.http.get("/orders/a-1?slices=2&fills=3&latest=true", headers=headers)
    assert [one["index"] for one in answer.json()["slices"]] == [5, 6]
    assert [one["fill_id"] for one in answer.json()["fills"]] == ["f-5-1", "f-6-0", "f-6-1"]
    assert "Link" not in answer.headers


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("slices=1001", "slices"),
        ("slices=-1", "slices"),
        ("fills=1001", "fills"),
        ("fills=x", "fills"),
        ("after=7", "after"),
        ("after=ä", "after"),
        ("after=LTI6LTE6LTE", "after"),  # -2:-1:-1
        ("after=MTIzNDU2Nzg5MDotMTotMQ", "after"),  # a number beyond an index
        ("after=LTE6LTE6LTE&latest=true", "after"),
        ("latest=maybe", "latest"),
    ],
)
async def test_what_is_wrong_is_named(desk: Desk, query: str, field: str) -> None:
    headers = await given_order(desk)
    answer = await desk.http.get(f"/orders/a-1?{query}", headers=headers)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_a_list_of_orders_has_another_cursor(desk: Desk) -> None:
    headers = await given_order(desk)
    await submit(desk, {**BODY, "token_id": "a-2"}, headers)
    cursor = (
        (await desk.http.get("/orders?limit=1", headers=headers)).links["next"]["url"].partition("after=")[2]
    )
    assert (await desk.http.get(f"/orders/a-1?after={cursor}", headers=headers)).status_code == 422


async def test_everybody_pages_their_own(desk: Desk) -> None:
    await given_order(desk)
    eve = await desk.user("eve")
    assert (await desk.http.get("/orders/a-1?slices=1", headers=eve)).json()["code"] == "order_not_found"
