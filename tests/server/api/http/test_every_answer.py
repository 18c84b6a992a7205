"""What every answer has, whoever wrote it: security headers, the methods a path has, HEAD."""

import re
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from support.api.desk import PASSWORD, Desk, build
from support.api.raw import (
    HEALTH,
    PARSERS,
    UPGRADE,
    Answer,
    ask,
    configured,
    connected,
    served,
)
from twap_server.api.app import create_app
from twap_server.api.http import bounded_protocol
from twap_server.api.http.security_headers import ALWAYS
from twap_server.runtime.loops import HttpParser

SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
CHUNKED = b"POST /auth/refresh HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
BY_PROTOCOL: dict[str, tuple[bytes, int]] = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "a wrong chunk": (CHUNKED + b"zz\r\n", 400),
    "a head too large": (HEALTH[:-2] + b"X: " + b"x" * 70_000, 400),
    "a wrong upgrade": (UPGRADE.replace(b"Sec-WebSocket-Key: ", b"X-Key: "), 400),
    "another version": (UPGRADE.replace(b"Version: 13", b"Version: 8"), 400),
    "an upgrade elsewhere": (UPGRADE.replace(b"/ws", b"/nowhere"), 403),
    "a foreign page": (UPGRADE[:-2] + b"Origin: https://evil.example\r\n\r\n", 403),
    "a body too large": (HEALTH[:-2].replace(b"GET", b"POST") + b"Content-Length: 99999999\r\n\r\n", 413),
    "no such path": (HEALTH.replace(b"/health", b"/nowhere"), 404),
    "a preflight": (
        HEALTH[:-2].replace(b"GET", b"OPTIONS")
        + b"Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n\r\n",
        400,
    ),
    "no answer at all to say": (HEALTH, 200),
}


def check_careful(headers: Any) -> None:
    assert {name: headers.get(name) for name in SECURITY} == SECURITY
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"]


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("case", BY_PROTOCOL)
async def test_every_answer_has_the_security_headers(parser: HttpParser, case: str) -> None:
    request, status = BY_PROTOCOL[case]
    config = configured(allowed_origins=["https://desk.example"])
    async with served(config, parser=parser) as one, connected(one.port) as connection:
        answer = await ask(connection, request)
        assert answer.status == status
        check_careful(answer.headers)
        if status >= 400 and case != "a preflight":
            check_problem(answer)


def check_problem(answer: Answer) -> None:
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status and len(problem["detail"]) > 10
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_the_documented_headers_are_those_that_are_sent() -> None:
    page = (Path(__file__).parents[4] / "docs" / "security.md").read_text(encoding="utf-8")
    table = page.partition("### Headers of every answer")[2].partition("\n#")[0]
    first_cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    documented = {name.lower() for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)}
    assert documented == {name.decode() for name, _ in ALWAYS} | {"strict-transport-security"}


@pytest.mark.parametrize("parser", PARSERS)
async def test_what_is_no_request_is_told_why(parser: HttpParser) -> None:
    async with served(parser=parser) as one, connected(one.port) as connection:
        answer = await ask(connection, b"this is no HTTP\r\n\r\n")
        assert answer.status == 400 and "expected an HTTP request" in answer.json()["detail"]


@pytest.mark.parametrize("parser", PARSERS)
async def test_a_body_that_comes_too_slowly_is_told(parser: HttpParser) -> None:
    slow = HEALTH[:-2].replace(b"GET /health", b"POST /auth/register")
    slow += b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n"
    async with served(configured(body_timeout=0.01), parser=parser) as one, connected(one.port) as connection:
        answer = await ask(connection, slow)
        assert answer.status == 408
        check_careful(answer.headers)
        check_problem(answer)


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/docs/assets/swagger-ui.css", "/openapi.json"])
async def test_pages_have_a_policy_of_their_own(desk: Desk, path: str) -> None:
    answer = await desk.http.get(path)
    check_careful(answer.headers)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "base-uri 'none'" in policy
    assert ("script-src 'self'" in policy) == (path == "/docs")
    assert "unsafe-eval" not in policy and "script-src 'self' 'unsafe-inline'" not in policy


async def test_the_report_page_loads_and_runs_nothing(desk: Desk) -> None:
    headers = await desk.user()
    order = {"exchange": "binance", "symbol": "BTC-USDT", "quantity": 1, "duration": "1h", "interval": 60}
    await desk.http.post("/orders/twap", json={**order, "token_id": "a"}, headers=headers)
    answer = await desk.http.get("/orders/a/report?format=html", headers=headers)
    assert answer.headers["content-type"].startswith("text/html")
    check_careful(answer.headers)
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("peer", "proto", "told"),
    [("10.9.8.7", "https", True), ("10.9.8.7", "http", False), ("10.1.1.1", "https", False)],
)
async def test_browsers_are_held_to_tls_where_a_trusted_proxy_says_so(
    peer: str, proto: str, told: bool
) -> None:
    app = create_app(build(configured(trusted_proxies=["10.9.8.7"]))[0])
    async with AsyncClient(
        transport=ASGITransport(app, client=(peer, 1)), base_url="http://testserver"
    ) as http:
        answer = await http.get("/health", headers={"X-Forwarded-Proto": proto})
    assert ("strict-transport-security" in answer.headers) == told


GETS = ["/health", "/exchanges", "/orders", "/docs", "/openapi.json", "/metrics", "/nowhere", "/auth/keys"]


@pytest.mark.parametrize("parser", PARSERS)
async def test_head_says_what_get_would_and_sends_nothing(parser: HttpParser) -> None:
    async with served(parser=parser) as one, connected(one.port) as connection:
        token = (await one.user())["Authorization"]
        for path in GETS:
            asked = (
                HEALTH.replace(b"/health", path.encode())[:-2] + f"Authorization: {token}\r\n\r\n".encode()
            )
            got = await ask(connection, asked)
            head = await ask(connection, asked.replace(b"GET", b"HEAD", 1))
            assert (head.status, head.body) == (got.status, b""), path
            assert head.headers["content-type"] == got.headers["content-type"]
            if path not in ("/metrics", "/nowhere"):
                assert head.headers["content-length"] == got.headers["content-length"]


async def test_head_has_no_body_on_any_server(desk: Desk) -> None:
    answer = await desk.http.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
    assert (await desk.http.head("/orders/twap")).status_code == 401, "GET of an order"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/orders/a", {"DELETE", "GET", "HEAD", "PATCH"}),
        ("GET", "/auth/token", {"POST"}),
        ("PUT", "/auth/keys", {"DELETE", "GET", "HEAD", "POST"}),
        ("POST", "/health", {"GET", "HEAD"}),
        ("PATCH", "/orders/a/pause", {"POST"}),
        ("BREW", "/docs", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_is_told_all_right_ones(
    desk: Desk, method: str, path: str, allowed: set[str]
) -> None:
    answer = await desk.http.request(method, path)
    assert answer.status_code == 405
    assert {name.strip() for name in answer.headers["allow"].split(",")} == allowed
    assert answer.json()["code"] == "method_not_allowed"
    assert all(name in answer.json()["detail"] for name in allowed)


@pytest.mark.parametrize("token_id", [".", ".."])
async def test_an_order_that_no_address_can_name_is_refused(desk: Desk, token_id: str) -> None:
    headers = await desk.user()
    order = {"exchange": "binance", "symbol": "BTC-USDT", "quantity": 1, "duration": "1h", "interval": 60}
    answer = await desk.http.post("/orders/twap", json={**order, "token_id": token_id}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "token_id"
    assert "address" in answer.json()["detail"]
    good = await desk.http.post("/orders/twap", json={**order, "token_id": "..."}, headers=headers)
    assert good.status_code == 201


def test_the_bounds_of_a_head_are_as_documented() -> None:
    assert (bounded_protocol.LARGEST_HEAD, bounded_protocol.HEAD_WITHIN_S) == (65_536, 10) and PASSWORD
