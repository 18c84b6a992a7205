"""Every 422 names its field and what was expected, however a body is read."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.api.place import FIELDS, QUIET, Place, opened
from twap_client.errors import InvalidValue
from twap_client.order_fields import wanted_orders
from twap_models import exact_json


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with opened() as place:
        yield place


@QUIET
@given(FIELDS, st.booleans(), st.booleans(), st.booleans())
def test_both_ways_to_read_a_body_refuse_alike(
    place: Place, fields: dict[str, Any], is_list: bool, is_signed_in: bool, is_complete: bool
) -> None:
    """Submissions are read by a route of our own, previews by FastAPI's."""
    order = {**(place.order() if is_complete else {}), **fields}
    body = [place.order(), order] if is_list else order
    headers = {"Content-Type": "application/json", **(place.headers if is_signed_in else {})}
    preview, submission = (
        place.runner.run(place.http.post(path, content=exact_json.dumps(body), headers=headers))
        for path in ("/orders/twap/preview", "/orders/twap")
    )
    refusals = [
        (one.status_code, one.json()["detail"], one.json()["errors"])
        for one in (preview, submission)
        if one.headers["content-type"] == "application/problem+json"
    ]
    assert refusals in ([], [refusals[0]] * 2 if refusals else [])
    if not is_signed_in:
        assert refusals[0][0] == 401
    for status, detail, errors in refusals:
        assert status == 401 or (errors and detail == f"{errors[0]['field']}: {errors[0]['message']}")
        assert all(error["field"].startswith("[1]") for error in errors) or not is_list


@pytest.mark.parametrize("content", [b"{", b'{"a": 1, "a": 2}', b"", b"\xff", b"[" * 3_000])
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_both_ways_refuse_alike_what_is_no_json(place: Place, content: bytes, kind: str) -> None:
    for signed_in in (place.headers, {}):
        answers = [
            place.runner.run(
                place.http.post(path, content=content, headers={"Content-Type": kind, **signed_in})
            )
            for path in ("/orders/twap/preview", "/orders/twap")
        ]
        told = [
            (one.status_code, one.json()["code"], one.json()["detail"], one.json()["errors"])
            for one in answers
        ]
        assert told[0] == told[1]
        assert told[0][0] in ({400, 422} if signed_in else {401})


BEYOND = "BEYOND"
"""Stands for ``1e19``, which ``dumps`` would write in digits."""
FOREIGN = re.compile("Value error|validation|Input|should (be|have|match)|permitted|pydantic")
"""The grammar of the library that checks values."""
TOO_LONG = "expected at most 30 significant digits and an exponent within ±18"
TOO_FINE = "expected at most 18 decimal places"


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"quantity": BEYOND}, "quantity", TOO_LONG),
        ({"quantity": Decimal("0.1234567890123456789")}, "quantity", TOO_FINE),
        ({"price": 10**40}, "price", "expected at most 30 digits"),
        ({"randomize": BEYOND}, "randomize", TOO_LONG),
        ({"interval": BEYOND}, "interval", TOO_LONG),
        ({"slices": 10**40}, "slices", "expected a whole number"),
        ({"side": 10**40}, "side", "expected 'buy' or 'sell'"),
        ({"odd": BEYOND}, "odd", "there is no such field"),
        ({"end_time": "+1h"}, "duration", "give end_time or duration, not both"),
        ({"duration": None}, "end_time", "end_time or duration is missing"),
        ({"slices": 3}, "slices", "give interval or slices, not both"),
        ({"interval": None}, "interval", "interval or slices is missing"),
        ({"start_time": "1969-01-01"}, "start_time", "expected a time from 1970"),
    ],
)
def test_every_422_names_the_field_and_what_was_expected(
    place: Place, fields: dict[str, object], field: str, message: str
) -> None:
    for path in ("/orders/twap", "/orders/twap/preview"):
        for body, name in (
            (place.order(**fields), field),
            ([place.order(), place.order(**fields)], f"[1].{field}"),
        ):
            answer = place.post(path, exact_json.dumps(body).replace(b'"BEYOND"', b"1e19"))
            assert answer.status_code == 422, answer.text
            (error,) = answer.json()["errors"]
            assert error["field"] == name and message in error["message"]
            assert not FOREIGN.search(answer.text), answer.text
            assert answer.json()["detail"] == f"{name}: {error['message']}"


@pytest.mark.parametrize(
    ("method", "path", "sent", "field"),
    [
        ("GET", "/orders?limit=0", None, "limit"),
        ("GET", "/orders?limit=1e19", None, "limit"),
        ("GET", f"/orders?limit={'9' * 5_000}", None, "limit"),
        ("GET", "/orders?status=x", None, "status"),
        ("GET", "/orders?after=x", None, "after"),
        ("GET", "/orders/a%20b", None, "token_id"),
        ("GET", "/orders/a/events?since=-1", None, "since"),
        ("GET", "/klines/binance/BTC-USDT?interval=7m", None, "interval"),
        ("GET", "/klines/binance/BTC-USDT?start_time=x", None, "start_time"),
        ("GET", "/orderbook/binance/BTC-USDT?depth=x", None, "depth"),
        ("GET", "/exchanges/bin%20ance/symbols", None, "exchange"),
        ("PATCH", "/orders/a", b'{"quantity": 1e19}', "quantity"),
        ("PATCH", "/orders/a", b"{}", "quantity"),
        ("PATCH", "/orders/a", b'{"end_time": 5}', "end_time"),
        ("PATCH", "/orders/a", b'"x"', "body"),
        ("POST", "/auth/register", b'{"username": 1e19, "password": "x"}', "username"),
        ("POST", "/auth/refresh", b'{"refresh_token": 1e19}', "refresh_token"),
        ("POST", "/auth/refresh", b"[]", "body"),
        ("POST", "/auth/keys", b'{"name": 1e19}', "name"),
        ("DELETE", "/auth/keys/a%20b", None, "key_id"),
    ],
)
def test_queries_paths_and_other_bodies_name_theirs(
    place: Place, method: str, path: str, sent: bytes | None, field: str
) -> None:
    headers = {**place.headers, **({"Content-Type": "application/json", "If-Match": "*"} if sent else {})}
    answer = place.runner.run(place.http.request(method, path, content=sent, headers=headers))
    assert answer.status_code == 422, answer.text
    error = answer.json()["errors"][0]
    assert error["field"] == field and error["message"]
    assert not FOREIGN.search(answer.text), answer.text


def test_forms_name_theirs(place: Place) -> None:
    answer = place.runner.run(place.http.post("/auth/token", data={"username": "ada"}))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "password")


@pytest.mark.parametrize(
    "wrong",
    [
        {"side": "BUY"},
        {"quantity": "abc", "exchange": "two words"},
        {"quantity": None},
        {"duration": "1 fortnight"},
        {"slices": 0},
        {"slices": 6, "interval": 5},
        {"end_time": "2026-01-01T00:00:00Z", "duration": 60},
        {"qty": 1, "carry": "on"},
        {"token_id": ".."},
    ],
)
@pytest.mark.parametrize("is_list", [False, True])
def test_the_python_client_says_it_in_the_same_words(
    place: Place, wrong: dict[str, Any], is_list: bool
) -> None:
    order = {**place.order(), **wrong}
    given: Any = [place.order(), order] if is_list else order
    with pytest.raises(InvalidValue) as caught:
        wanted_orders(given, {})
    headers = {"Content-Type": "application/json", **place.headers}
    answer = place.runner.run(
        place.http.post("/orders/twap/preview", content=exact_json.dumps(given), headers=headers)
    )
    told = [one.to_wire() for one in caught.value.errors]
    assert (answer.status_code, answer.json()["errors"]) == (422, told)
