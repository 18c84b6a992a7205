"""No input ends in 5xx: what ended so once, and what keeps the kind from coming back."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

from support.api.desk import CHEAP, PASSWORD, Desk, build
from support.api.live import Live, hear, say
from support.api.live import serving as serving_live
from support.api.place import Place, opened
from support.clocks import HandClock
from support.trading import HandBook
from twap_models import exact_json, fields, market, orders, preview, report, stream
from twap_models.base import ResponseModel
from twap_models.exact_json import TOLD
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig
from twap_server.domain.execution.pre_trade_cost import Estimate
from twap_server.domain.market.events import BookSnapshot
from twap_server.domain.market.instrument import InstrumentId

JSON = {"Content-Type": "application/json"}
HALF = '"\\ud800"'
ORDER = {
    "token_id": "a",
    "exchange": "binance",
    "symbol": "BTC-USDT",
    "quantity": 1,
    "duration": "10m",
    "interval": "1m",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(build()[0]).openapi()


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    async with serving_live(ApiConfig(passwords=CHEAP)) as live:
        yield live


BODIES = [
    ("POST", "/auth/register", {"username": "ada", "password": "correct horse"}),
    ("POST", "/auth/password", {"current_password": PASSWORD, "new_password": "correct horses"}),
    ("POST", "/auth/keys", {"name": "bot"}),
    ("POST", "/auth/refresh", {"refresh_token": "x"}),
    ("POST", "/auth/logout", {"refresh_token": "x"}),
    ("POST", "/orders/twap", ORDER | {"side": "buy", "price": 1, "carry": "skip", "randomize": 1}),
    ("POST", "/orders/twap/preview", ORDER | {"max_slippage_bps": 1, "fidelity": "l1", "start_time": "now"}),
    ("PATCH", "/orders/a", {"quantity": 1, "price": 1, "end_time": "+1h"}),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [(method, path, body, field) for method, path, body in BODIES for field in body],
    ids=lambda part: part if isinstance(part, str) else "",
)
async def test_half_a_surrogate_pair_is_refused_at_its_field(
    desk: Desk, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    headers = {**await desk.user(), **JSON, "If-Match": "*"}
    sent = json.dumps(body | {field: "@"}).replace('"@"', HALF)
    for content in (sent.encode(), sent.replace("\\ud800", "\ud800").encode(errors="surrogatepass")):
        answer = await desk.http.request(method, path, content=content, headers=headers)
        assert answer.status_code == 422, answer.text
        error = next(one for one in answer.json()["errors"] if one["field"] == field)
        assert error["message"]


async def test_half_a_surrogate_pair_in_a_name_is_no_json(desk: Desk) -> None:
    headers = {**await desk.user(), **JSON}
    for path in ("/orders/twap", "/auth/register"):
        answer = await desk.http.post(path, content=f"{{{HALF}: 1}}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
        assert "half of a surrogate pair" in answer.json()["detail"]


HASHED = {"password", "current_password", "new_password", "refresh_token"}
"""Texts that no database sees as they are."""


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [(method, path, body, field) for method, path, body in BODIES for field in body if field not in HASHED],
    ids=lambda part: part if isinstance(part, str) else "",
)
async def test_nul_is_refused_before_a_database_sees_it(
    desk: Desk, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    """PostgreSQL takes no text with the character 0."""
    headers = {**await desk.user(), "If-Match": "*"}
    for text in ("\x00", "a\x00b", "binance\x00", "BTC-USDT\x00"):
        answer = await desk.http.request(method, path, json=body | {field: text}, headers=headers)
        assert answer.status_code == 422, answer.text
        assert field in {one["field"] for one in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "/orders/%00", "token_id"),
        ("DELETE", "/orders/a%00", "token_id"),
        ("GET", "/orders?token_id=%00", "token_id"),
        ("GET", "/orders?symbol=a%00", "symbol"),
        ("GET", "/orders?exchange=%00", "exchange"),
        ("GET", "/orders?status=%00", "status"),
        ("GET", "/orders?after=%00", "after"),
        ("GET", "/orderbook/binance/%00", "symbol"),
        ("GET", "/orderbook/%00/BTC-USDT", "exchange"),
        ("DELETE", "/auth/keys/%00", "key_id"),
    ],
)
async def test_nul_in_an_address_too(desk: Desk, method: str, path: str, field: str) -> None:
    answer = await desk.http.request(method, path, headers=await desk.user())
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_nul_in_what_is_hashed_is_a_character_like_others(desk: Desk) -> None:
    account = {"username": "eve", "password": "nul\x00inside"}
    assert (await desk.http.post("/auth/register", json=account)).status_code == 201
    assert (await desk.http.post("/auth/token", data=account)).status_code == 200
    shorter = account | {"password": "nul"}
    assert (await desk.http.post("/auth/token", data=shorter)).status_code == 401
    refresh = await desk.http.post("/auth/refresh", json={"refresh_token": "\x00"})
    assert refresh.status_code == 401


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert exact_json.loads('["\\ud83d\\ude00", "\u00e9"]') == ["😀", "é"]
    with pytest.raises(ValueError, match="half of a surrogate pair"):
        exact_json.loads('{"a": ["\\ude00\\ud83d"]}')


def numbers_of(document: dict[str, Any], *, within: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every integer of what callers send: parameters, or the schemas of bodies."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            if within == "parameters":
                for parameter in operation.get("parameters", []):
                    yield f"{where} {parameter['name']}", parameter["schema"]
            else:
                yield where, operation.get("requestBody", {})


def integers(
    document: dict[str, Any], node: Any, seen: frozenset[str] = frozenset()
) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from integers(document, item, seen)
    elif isinstance(node, dict):
        if node.get("type") == "integer":
            yield node
        name = str(node.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            yield from integers(document, document["components"]["schemas"][name], seen | {name})
        for value in node.values():
            yield from integers(document, value, seen)


@pytest.mark.parametrize("within", ["parameters", "bodies"])
def test_every_whole_number_of_a_caller_fits_into_64_bits(document: dict[str, Any], within: str) -> None:
    found = [
        (name, one)
        for name, schema in numbers_of(document, within=within)
        for one in integers(document, schema)
    ]
    assert len(found) >= (6 if within == "parameters" else 1)
    for name, one in found:
        assert one["maximum"] <= fields.LARGEST_WHOLE and one["minimum"] >= -fields.LARGEST_WHOLE - 1, name


@pytest.mark.parametrize("number", [2**63, 10**40])
async def test_a_number_beyond_64_bits_is_refused_at_its_field(desk: Desk, number: int) -> None:
    headers = await desk.user()
    answer = await desk.http.post("/orders/twap", json=ORDER, headers=headers)
    assert answer.status_code == 201
    for path, name in (
        ("/orders/a/events", "since"),
        ("/orders/a/events", "limit"),
        ("/orders", "limit"),
        ("/orders/a", "slices"),
        ("/klines/binance/BTC-USDT", "limit"),
        ("/orderbook/binance/BTC-USDT", "depth"),
    ):
        answer = await desk.http.get(path, params={name: number}, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)
    last = await desk.http.get("/orders/a/events", params={"since": fields.LARGEST_WHOLE}, headers=headers)
    assert (last.status_code, last.json()) == (200, [])


def decimals_of(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Every number of a model, with what is checked before it is taken."""
    for name, field in model.model_fields.items():
        yield from ((f"{model.__name__}.{name}", one) for one in _checks(field.annotation, field.metadata))


def _checks(annotation: Any, metadata: Any) -> Iterator[Any]:
    if annotation is Decimal:
        yield [getattr(one, "func", None) for one in metadata]
    for part in get_args(annotation):
        inner = getattr(part, "__metadata__", None)
        yield from _checks(part.__origin__ if inner else part, inner or metadata)


def test_no_answer_is_bound_by_what_callers_may_send() -> None:
    """What the server works out has more digits than its inputs, and must be written all the same."""
    models = {
        one
        for module in (market, orders, preview, report, stream)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, ResponseModel)
    }
    found = [pair for model in models for pair in decimals_of(model)]
    assert len(found) > 60
    assert [name for name, checks in found if fields._to_decimal in checks] == []


def test_an_estimate_beyond_30_digits_is_told() -> None:
    from twap_server.api.wire.present_preview import _estimate

    big, small = Decimal("1" * 30), Decimal("0.000000000000000001")
    told = _estimate(Estimate(filled=big + small, unfilled=Decimal("9" * 30 + ".5"), notional=big))
    assert exact_json.loads(told.to_json(), TOLD)["unfilled_quantity"] == Decimal("9" * 30 + ".5")


@pytest.mark.parametrize(
    "origin", ["http://[::1", "http://[", "http://]", "//[::1", "http://[v1.a]", "null", "", "http://h\u2100"]
)
async def test_an_origin_that_is_no_address_is_another_page(
    live: Live, origin: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(live.url, additional_headers={"Origin": origin.encode().decode("latin-1")}):
            pass
    assert refused.value.response.status_code == 403
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


@pytest.mark.parametrize("text", [b'{"type":"ping","id":"\\ud800"}', b'{"type":"ping","\\udfff":1}'])
async def test_half_a_surrogate_pair_on_a_stream_is_an_error_and_no_end(live: Live, text: bytes) -> None:
    async with live.stream() as socket:
        await socket.send(text.decode())
        told = await hear(socket)
        assert told["type"] == "error" and "half of a surrogate pair" in told["message"]
        await say(socket, type="ping", id="é😀")
        assert (await hear(socket))["id"] == "é😀"


async def test_a_text_frame_that_is_no_text_is_not_logged_as_ours(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    async with live.stream() as socket:
        for piece in (Frame(Opcode.TEXT, b"\xff", fin=False), Frame(Opcode.CONT, b"\xfe")):
            socket.transport.write(piece.serialize(mask=True))
        async with asyncio.timeout(5):
            await socket.wait_closed()
        assert socket.close_code == 1007
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


STARVED = """
import asyncio, json, resource, sys
sys.path.insert(0, "tests")
from httpx import ASGITransport, AsyncClient
from support.api.desk import Desk, PASSWORD, build
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig, PasswordConfig

async def main():
    config = ApiConfig(passwords=PasswordConfig(memory_kib=300_000, passes=1, lanes=1, max_failures=1))
    services, accounts, market, orders, clock = build(config)
    app = create_app(services)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://here") as http:
        desk = Desk(app, services, accounts, market, orders, clock, http)
        await desk.sign_in()
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        told = []
        for room in (100_000_000, None):
            resource.setrlimit(resource.RLIMIT_AS, (used + room if room else hard, hard))
            for path, sent in (
                ("/auth/token", {"data": {"username": "ada", "password": PASSWORD}}),
                ("/auth/token", {"data": {"username": "nobody", "password": PASSWORD}}),
                ("/auth/register", {"json": {"username": "eve", "password": PASSWORD}}),
            ):
                answer = await http.post(path, **sent)
                wait, code = answer.headers.get("retry-after"), answer.json().get("code")
                told.append([answer.status_code, wait, code])
        print(json.dumps(told))

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are Linux'")
def test_a_password_check_without_memory_is_busy_and_counts_as_no_wrong_one() -> None:
    """For real: the process may have 100 MB more, and a check takes 300; then it may have more again."""
    ended = subprocess.run(
        [sys.executable, "-c", STARVED], capture_output=True, text=True, check=False, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told[:3] == [[503, "2", "busy"]] * 3
    assert [status for status, *_ in told[3:]] == [200, 401, 201]


async def test_every_operation_names_what_any_body_and_any_caller_may_be_told(
    document: dict[str, Any],
) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            told = operation["responses"].keys()
            assert "requestBody" not in operation or {"400", "408", "413"} <= told, (method, path)
            assert not operation.get("security") or "401" in told, (method, path)
            assert "503" in told, (method, path)


@pytest.mark.parametrize(("kind", "words"), [(MemoryError, ()), (RuntimeError, ("can't start new thread",))])
async def test_want_of_memory_or_threads_is_busy_whatever_was_asked(
    live: Live,
    kind: type[Exception],
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def starved(*_: object, **__: object) -> None:
        raise kind(*words)

    monkeypatch.setattr(live.orders, "list", starved)
    answer = await live.http.get("/orders", headers=await live.user())
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "busy", "2")
    assert [one.levelname for one in caplog.records if "lack of memory" in one.getMessage()] == ["WARNING"]
    monkeypatch.undo()
    assert (await live.http.get("/orders", headers=await live.user())).status_code == 200


async def test_any_other_fault_of_ours_stays_one_that_says_nothing(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(live.orders, "list", broken)
    answer = await live.http.get("/orders", headers=await live.user())
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with opened() as place:
        yield place


@pytest.mark.parametrize("quantity", ["1" * 30, "9" * 12 + ".123456789012345678", "1e17"])
def test_a_preview_of_30_digits_is_priced_against_the_live_book(place: Place, quantity: str) -> None:
    levels = (
        [("99.01", "0.000000000000000001")],
        [("100.000000000000000001", "7"), ("101", "0.000000000000000001")],
    )
    book = HandBook(ts_received=HandClock().now(), confirmed_at=HandClock().now())
    book.book.replace(BookSnapshot(symbol="BTC-USDT", bids=levels[0], asks=levels[1]))
    place.market.live[InstrumentId("binance", "BTC-USDT")] = book
    answer = place.post("/orders/twap/preview", place.order(quantity=quantity, interval="7s"))
    assert answer.status_code == 200, answer.text
    told = exact_json.loads(answer.content, TOLD)[0]["expected_cost"]["sweep"]
    assert told["filled_quantity"] + told["unfilled_quantity"] > 10**11


async def test_a_request_id_that_cannot_be_echoed_is_replaced(live: Live) -> None:
    for given in (b"\xff", b"a b", b"x" * 65, b"\xed\xa0\x80"):
        answer = await live.http.get("/health", headers=[(b"X-Request-ID", given)])
        assert answer.status_code == 200 and len(answer.headers["x-request-id"]) == 32
