"""Pages of other hosts (CORS): whatever the API documents or sends, a page that is let in can use."""

import ast
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

import twap_server.api
from support.api.desk import CHEAP, Desk, build
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig
from twap_server.api.reports_itself import SelfReport

ORIGIN = "https://desk.example"
ALWAYS_READABLE = {
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
}
FOR_THE_BROWSER = {
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "set-cookie",
    "strict-transport-security",
    "vary",
    "x-content-type-options",
    "x-frame-options",
}
HEADER = re.compile(r"(ETag|Link|Location|Allow|Age|Date|[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)+)")
VERBS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    config = ApiConfig(passwords=CHEAP, allowed_origins=(ORIGIN,), max_anonymous_body=1_000)
    services, accounts, market, orders, clock = build(config)
    app = create_app(replace(services, self_report=SelfReport(not_ready=reasons)))
    async with AsyncClient(
        transport=ASGITransport(app, client=("10.0.0.1", 1)),
        base_url="http://testserver",
        headers={"Origin": ORIGIN},
    ) as http:
        yield Desk(app, services, accounts, market, orders, clock, http)


async def reasons() -> list[str]:
    return ["a test"]


def listed(answer: Any, header: str) -> set[str]:
    return {name.strip().lower() for name in answer.headers.get(header, "").split(",")}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in VERBS & set(item):
            yield method.upper(), path, item[method]


def headers_sent_to(operation: dict[str, Any], document: dict[str, Any]) -> set[str]:
    """What a client may have to send: parameters, credentials, the type of a body, its own id."""
    schemes = document["components"]["securitySchemes"]
    named = [schemes[name] for one in operation.get("security", []) for name in one]
    credentials = {one["name"] if one["type"] == "apiKey" else "Authorization" for one in named}
    parameters = {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}
    return {"X-Request-ID", "Content-Type"} | credentials | parameters


async def test_every_method_and_header_of_every_route_passes_the_preflight(desk: Desk) -> None:
    document = (await desk.http.get("/openapi.json")).json()
    seen: set[str] = set()
    for method, path, operation in operations(document):
        wanted = headers_sent_to(operation, document)
        seen |= wanted | {method}
        asked = {
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ",".join(sorted(wanted)),
        }
        answer = await desk.http.options(path, headers=asked)
        assert answer.status_code == 200, (method, path, answer.text)
        assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert {"PATCH", "DELETE", "if-match", "X-API-Key", "Authorization"} <= seen


def headers_in_the_code() -> set[str]:
    """Names of headers that are keys of a dictionary anywhere in the API's code."""
    files = Path(twap_server.api.__file__).parent.rglob("*.py")
    trees = [ast.parse(file.read_text("utf-8")) for file in files]
    keys = [
        key for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys
    ]
    texts = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return {text.lower() for text in texts if HEADER.fullmatch(text)}


async def test_every_header_that_is_documented_or_written_can_be_read(desk: Desk) -> None:
    answer = await desk.http.get("/openapi.json")
    exposed = listed(answer, "access-control-expose-headers")
    documented = {
        name.lower()
        for _, _, operation in operations(answer.json())
        for one in operation["responses"].values()
        for name in one.get("headers", {})
    }
    written = headers_in_the_code() - ALWAYS_READABLE - FOR_THE_BROWSER
    assert written <= documented, "what is sent is documented"
    assert documented - FOR_THE_BROWSER | {"x-request-id", "allow"} == exposed


async def test_every_header_of_real_answers_can_be_read(desk: Desk) -> None:
    headers = await desk.user()
    order = {
        "exchange": "binance",
        "symbol": "BTC-USDT",
        "quantity": 1,
        "duration": "1h",
        "interval": 60,
    }
    http, statuses, seen = desk.http, set(), set[str]()
    answers = [
        await http.post(
            "/orders/twap", json=[{**order, "token_id": name} for name in "abc"], headers=headers
        ),
        await http.get("/orders?limit=1", headers=headers),
        await http.get("/orders/a", headers=headers),
        await http.patch("/orders/a", json={"price": 1}, headers={**headers, "If-Match": "*"}),
        await http.patch("/orders/a", json={"price": 1}, headers=headers),
        await http.delete("/orders/a", headers=headers),
        await http.get("/orders/a/report?format=csv", headers=headers),
        await http.get("/orders"),
        await http.get("/nowhere"),
        await http.put("/orders/a"),
        await http.get("/ready"),
        await http.get("/orderbook/binance/ETH-USDT"),
        await http.post("/auth/token", data={"username": "x" * 2_000}),
        *[await http.post("/auth/token", data={"username": "ada", "password": "x"}) for _ in range(11)],
    ]
    for answer in answers:
        statuses.add(answer.status_code)
        assert answer.headers["access-control-allow-origin"] == ORIGIN, answer.request.url
        readable = listed(answer, "access-control-expose-headers") | ALWAYS_READABLE | FOR_THE_BROWSER
        sent = {name for name in answer.headers if not name.startswith("access-control-")}
        assert sent <= readable, answer.request.url
        seen |= sent
    assert statuses >= {200, 201, 401, 404, 405, 413, 428, 429, 503}
    assert {"etag", "link", "retry-after", "www-authenticate", "content-disposition"} <= seen


async def test_other_pages_are_not_let_in(desk: Desk) -> None:
    stranger = {"Origin": "https://evil.example"}
    asked = {**stranger, "Access-Control-Request-Method": "GET"}
    assert (await desk.http.options("/orders", headers=asked)).status_code == 400
    answer = await desk.http.get("/exchanges", headers=stranger)
    assert "access-control-allow-origin" not in answer.headers
