"""Every failure is a problem document with a request id; nothing inside leaks out."""

import json
import logging
from collections.abc import AsyncIterator

import pytest

from support.api.desk import Desk
from twap_models import Problem, TwapOrderRequest, exact_json
from twap_server.domain.errors import EngineBusy, StoreUnavailable


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("PUT", "/orders", 405, "method_not_allowed"),
        ("GET", "/exchanges/nowhere/symbols", 404, "unknown_exchange"),
        ("GET", "/klines/binance/NOPE", 404, "unknown_symbol"),
        ("GET", "/klines/binance/BTCUSDT?interval=7m", 422, "invalid_request"),
        ("GET", "/klines/binance/BTCUSDT?limit=1001", 422, "invalid_request"),
        ("GET", "/orderbook/kraken/BTCUSDT", 503, "book_unavailable"),
        ("GET", "/orders", 401, "not_authenticated"),
    ],
)
async def test_problem(desk: Desk, method: str, path: str, status: int, code: str) -> None:
    answer = await desk.http.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    body = Problem.from_json(answer.content)
    assert (answer.status_code, body.status, body.code) == (status, status, code)
    assert body.request_id == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    if status == 503:
        assert int(answer.headers["retry-after"]) > 0
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_body_too_large(desk: Desk) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    for content in (b" " * 1_100_000, chunks()):
        headers = {**await desk.user(), "Content-Type": "application/json"}
        answer = await desk.http.post("/orders/twap", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["/auth/register", "/auth/token", "/orders/twap", "/orders/twap/preview"])
async def test_little_is_read_before_it_is_known_who_asks(desk: Desk, path: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 1_000

    kind = "application/x-www-form-urlencoded" if path == "/auth/token" else "application/json"
    for content in (b" " * 17_000, chunks()):
        answer = await desk.http.post(path, content=content, headers={"Content-Type": kind})
        if answer.status_code == 401:  # told before anything was read
            continue
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert "16384 bytes without a sign-in" in answer.json()["detail"]


async def test_an_object_of_many_members_is_no_work(desk: Desk) -> None:
    text = "{" + ",".join(f'"k{n}":1' for n in range(101)) + "}"
    for path in ("/orders/twap", "/orders/twap/preview"):
        headers = {**await desk.user(), "Content-Type": "application/json"}
        answer = await desk.http.post(path, content=text, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
        assert "at most 100 members" in answer.json()["detail"]


@pytest.mark.parametrize("text", ["[" + "0," * 25_000 + "0]", "[" + "0," * 400_000])
async def test_a_text_of_many_values_is_counted_before_it_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    headers = {**await desk.user(), "Content-Type": "application/json"}
    monkeypatch.setattr(exact_json, "_reader", None)
    answer = await desk.http.post("/orders/twap", content=text, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert "at most 25,000 values in all" in answer.json()["detail"]


async def test_the_longest_list_of_whole_orders_is_not_too_many_values(desk: Desk) -> None:
    orders = [dict.fromkeys(TwapOrderRequest.model_fields) for _ in range(1_000)]
    headers = {**await desk.user(), "Content-Type": "application/json"}
    answer = await desk.http.post("/orders/twap", content=json.dumps(orders), headers=headers)
    assert answer.json()["code"] != "malformed_json"


async def test_a_bug_says_nothing_but_its_id(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(desk.market, "exchanges", broken)
    with caplog.at_level(logging.ERROR):
        answer = await desk.http.get("/exchanges", headers={"X-Request-ID": "my-id"})
    assert answer.status_code == 500
    assert answer.json()["request_id"] == "my-id"
    assert "secret" not in answer.text
    assert "my-id" in caplog.text


@pytest.mark.parametrize("error", [EngineBusy("full"), StoreUnavailable("the disk is away", retry_after=7)])
async def test_unavailable(desk: Desk, monkeypatch: pytest.MonkeyPatch, error: EngineBusy) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(desk.orders, "list", fail)
    answer = await desk.http.get("/orders", headers=await desk.user())
    assert answer.status_code == 503
    assert answer.json()["code"] == error.code
    assert answer.headers["retry-after"] == str(error.retry_after)


async def test_a_strange_request_id_is_replaced(desk: Desk) -> None:
    answer = await desk.http.get("/health", headers={"X-Request-ID": "a b\tc"})
    assert answer.headers["x-request-id"] != "a b\tc"
