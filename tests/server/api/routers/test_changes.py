"""Orders at work over HTTP: pause, resume, amend for a revision, events; what is refused, and how."""

from typing import Any

import pytest
from httpx import Response

from support.api.bodies import BODY, submit
from support.api.desk import Desk
from twap_models import exact_json
from twap_models.stream import OrderEvent
from twap_server.domain.clock import SECOND
from twap_server.domain.exact import ZERO

ONE = {"quantity": 2}


async def amend(desk: Desk, body: object, match: str | None = "*", token_id: str = "a-1") -> Response:
    headers = await desk.user()
    if match is not None:
        headers["If-Match"] = match
    return await desk.http.patch(f"/orders/{token_id}", json=body, headers=headers)


def said(answer: Response, status: int, code: str) -> str:
    """The problem's words and fields, for an answer that is one."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    return " ".join([problem["detail"], *(f"{one['field']}: {one['message']}" for one in problem["errors"])])


async def test_pause_and_resume(desk: Desk) -> None:
    headers = await desk.user()
    await submit(desk, BODY)
    for what, status in (("pause", "Paused"), ("resume", "Accepted")):
        answer = await desk.http.post(f"/orders/a-1/{what}", headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert answer.headers["etag"] == '"1"', "the plan is the same"
        assert (await desk.http.get("/orders/a-1", headers=headers)).json()["status"] == status
    assert (await desk.http.get("/orders?status=open", headers=headers)).json()


async def test_the_etag_is_the_revision_and_the_next_amendment_needs_the_next_one(desk: Desk) -> None:
    headers = await desk.user()
    await submit(desk, BODY)
    seen = await desk.http.get("/orders/a-1", headers=headers)
    assert (seen.headers["etag"], seen.json()["revision"]) == ('"1"', 1)
    first = await amend(desk, ONE, seen.headers["etag"])
    assert (first.status_code, first.json()["revision"], first.headers["etag"]) == (200, 2, '"2"')
    late = await amend(desk, ONE, seen.headers["etag"])
    assert "revision 2" in said(late, 412, "precondition_failed")
    assert len(desk.orders.amendments) == 1
    assert (await amend(desk, ONE, first.headers["etag"])).json()["revision"] == 3


@pytest.mark.parametrize("match", ['"1"', "1", 'W/"1"', "*", ' "1" ', " * "])
async def test_spellings_of_a_revision(desk: Desk, match: str) -> None:
    await submit(desk, BODY)
    assert (await amend(desk, ONE, match)).status_code == 200


@pytest.mark.parametrize(
    "match", ["", "one", '"1', '"-1"', "1.0", '"1", "2"', "w/1", "W/1", "1" * 10, '"x"', "**"]
)
async def test_a_match_that_is_no_revision_is_422(desk: Desk, match: str) -> None:
    await submit(desk, BODY)
    assert "If-Match: expected a revision" in said(await amend(desk, ONE, match), 422, "invalid_request")
    assert not desk.orders.amendments


async def test_without_a_match_nothing_is_changed(desk: Desk) -> None:
    await submit(desk, BODY)
    assert "If-Match" in said(await amend(desk, ONE, None), 428, "precondition_required")
    assert not desk.orders.amendments


@pytest.mark.parametrize(
    ("body", "limit_set", "limit"),
    [
        ({"price": None}, True, None),
        ({"price": "99.50"}, True, "99.5"),
        ({"limit_price": 99}, True, 99),
        ({"quantity": 3}, False, None),
        ({"quantity": 3, "price": None}, True, None),
    ],
)
async def test_a_limit_is_changed_taken_away_or_left(
    desk: Desk, body: dict[str, Any], limit_set: bool, limit: object
) -> None:
    await submit(desk, BODY)
    assert (await amend(desk, body)).status_code == 200
    (wanted,) = desk.orders.amendments
    assert wanted.limit_set is limit_set
    assert wanted.limit == (None if limit is None else exact_json.parse_decimal(str(limit)))


async def test_digits_and_relative_times_reach_the_engine(desk: Desk) -> None:
    headers = await desk.user() | {"If-Match": "*", "Content-Type": "application/json"}
    await submit(desk, BODY)
    content = b'{"quantity": 1.000000000000000001, "end_time": "+30m"}'
    answer = await desk.http.patch("/orders/a-1", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    (wanted,) = desk.orders.amendments
    assert f"{wanted.quantity}" == "1.000000000000000001"
    assert wanted.end == desk.clock.now() + 1800 * SECOND


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "nothing to change: give quantity, price or end_time"),
        ({"quantity": None}, "nothing to change"),
        ({"quantity": "1_0"}, "quantity: "),
        ({"quantity": True}, "quantity: "),
        ({"price": "x"}, "price: "),
        ({"end_time": "soon"}, "end_time: expected an ISO 8601 time"),
        ({"end_time": "0001-01-01"}, "end_time: expected a time from 1970"),
        ({"quantity": 1, "colour": 1}, "colour: "),
        ({"quantity": 1, "interval": 5}, "interval: "),
        ([ONE], ""),
        ("quantity", ""),
    ],
)
async def test_a_wrong_body_is_422_and_names_the_field(desk: Desk, body: object, words: str) -> None:
    await submit(desk, BODY)
    assert words in said(await amend(desk, body), 422, "invalid_request")
    assert not desk.orders.amendments


async def test_a_body_that_is_no_json(desk: Desk) -> None:
    headers = await desk.user() | {"If-Match": "*", "Content-Type": "application/json"}
    await submit(desk, BODY)
    said(await desk.http.patch("/orders/a-1", content=b"{", headers=headers), 400, "malformed_json")
    twice = b'{"quantity": 1, "quantity": 2}'
    said(await desk.http.patch("/orders/a-1", content=twice, headers=headers), 400, "malformed_json")


CHANGES = [("POST", "/pause"), ("POST", "/resume"), ("PATCH", "")]


@pytest.mark.parametrize(("method", "path"), [*CHANGES, ("GET", "/events")])
async def test_anothers_order_counts_as_none(desk: Desk, method: str, path: str) -> None:
    await submit(desk, BODY)
    eve = await desk.user("eve") | {"If-Match": "*"}
    body = ONE if method == "PATCH" else None
    said(
        await desk.http.request(method, f"/orders/a-1{path}", json=body, headers=eve), 404, "order_not_found"
    )
    anonymous = {"If-Match": "*"}
    said(
        await desk.http.request(method, f"/orders/a-1{path}", json=body, headers=anonymous),
        401,
        "not_authenticated",
    )
    assert sum(map(len, desk.orders.log.values())) == 1, "only that it was accepted"


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_an_order_that_has_ended_is_not_changed(desk: Desk, method: str, path: str) -> None:
    headers = await desk.user() | {"If-Match": "*"}
    await submit(desk, BODY)
    await desk.http.delete("/orders/a-1", headers=headers)
    body = ONE if method == "PATCH" else None
    answer = await desk.http.request(method, f"/orders/a-1{path}", json=body, headers=headers)
    assert "Canceled" in said(answer, 409, "order_not_open")


async def test_events_of_one_order_are_those_of_the_stream(desk: Desk) -> None:
    headers = await desk.user()
    await submit(desk, BODY)
    await submit(desk, {**BODY, "token_id": "b"})
    for what in ("pause", "resume"):
        await desk.http.post(f"/orders/a-1/{what}", headers=headers)
    await amend(desk, ONE)
    await desk.http.delete("/orders/a-1", headers=headers)

    async def listed(**params: int | str) -> list[OrderEvent]:
        answer = await desk.http.get("/orders/a-1/events", params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return [OrderEvent.model_validate(one) for one in exact_json.loads(answer.content)]

    every = await listed()
    assert [event.event.value for event in every] == ["accepted", "paused", "resumed", "amended", "ended"]
    assert [event.seq for event in every] == [1, 3, 4, 5, 6], "one order of several"
    assert [event.order.status.value for event in every] == [
        "Accepted",
        "Paused",
        "Accepted",
        "Accepted",
        "Canceled",
    ]
    assert [event.order.revision for event in every] == [1, 1, 1, 2, 2]
    assert every[0].order.remaining_quantity > ZERO
    assert await listed(since=3, limit=2) == every[2:4]
    assert await listed(limit=1) == every[:1]
    assert await listed(since=6) == []
    assert await listed(latest="true", limit=2) == every[-2:]
    assert await listed(before=5, limit=2) == every[1:3]
    assert await listed(before=1) == []


@pytest.mark.parametrize(
    "query",
    ["since=-1", "since=x", "before=x", "since=1&before=3", "before=3&latest=true", "limit=0", "limit=1001"],
)
async def test_bad_pages_of_events(desk: Desk, query: str) -> None:
    await submit(desk, BODY)
    answer = await desk.http.get(f"/orders/a-1/events?{query}", headers=await desk.user())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.split("=", maxsplit=1)[0]
