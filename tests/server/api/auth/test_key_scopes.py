"""What each route needs, and that an API key does what its scopes say and nothing else (F145)."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route, WebSocketRoute

from support.api.desk import Desk
from support.api.key_rings import READ, key_with, make

ORDER = {
    "token_id": "a",
    "exchange": "binance",
    "symbol": "BTC-USDT",
    "quantity": 1,
    "duration": "1h",
    "interval": 60,
}
ANYBODY = {
    "GET /exchanges",
    "GET /exchanges/{exchange}/books",
    "GET /exchanges/{exchange}/symbols",
    "GET /klines/{exchange}/{symbol:path}",
    "GET /trades/{exchange}/{symbol:path}",
    "GET /orderbook/{exchange}/{symbol:path}",
    "GET /health",
    "GET /ready",
    "GET /metrics",
    "GET /server",
    "GET /auth/methods",
    "GET /auth/oidc/start",
    "GET /auth/oidc/callback",
    "POST /auth/oidc/token",
    "POST /auth/register",
    "POST /auth/token",
    "POST /auth/refresh",
    "POST /auth/logout",
    "POST /auth/browser/sign-in",
    "POST /auth/browser/refresh",
    "POST /auth/browser/log-out",
    "GET /",
    "GET /dashboard/{path:path}",
    "GET /docs",
    "GET /docs/start.js",
    "GET /docs/assets/{name}",
    "GET /openapi.json",
}
"""Routes that need no scope: open ones, and those that are given the credential they are about."""
NEEDED = {
    "GET /auth/me": "read",
    "GET /costs": "read",
    "GET /orders": "read",
    "GET /orders/{token_id}": "read",
    "GET /orders/{token_id}/events": "read",
    "GET /orders/{token_id}/proof": "read",
    "GET /orders/{token_id}/report": "read",
    "GET /tournaments": "read",
    "GET /tournaments/{name}": "read",
    "GET /tournaments/{name}/page": "read",
    "GET /tournaments/{name}/reports/{report}": "read",
    "POST /orders/preview": "read",
    "POST /orders/twap/preview": "read",
    "POST /orders": "trade",
    "POST /orders/twap": "trade",
    "PATCH /orders/{token_id}": "trade",
    "DELETE /orders/{token_id}": "trade",
    "POST /orders/{token_id}/pause": "trade",
    "POST /orders/{token_id}/resume": "trade",
    "POST /auth/keys": "account",
    "GET /auth/keys": "account",
    "DELETE /auth/keys": "account",
    "DELETE /auth/keys/{key_id}": "account",
    "POST /auth/invites": "account",
    "GET /auth/invites": "account",
    "DELETE /auth/invites/{invite_id}": "account",
    "DELETE /auth/sessions": "account",
    "POST /auth/password": "account",
}


def routes_of(desk: Desk) -> Iterator[tuple[str, list[str]]]:
    """Every route of the app with the scopes that it asks for, as FastAPI knows them."""
    waiting: list[Any] = list(desk.app.routes)
    while waiting:
        route = waiting.pop()
        if hasattr(route, "original_router"):
            waiting += list(route.original_router.routes)
            continue
        if isinstance(route, Mount):
            waiting += list(route.routes)
            continue
        if isinstance(route, WebSocketRoute):
            assert route.path == "/ws", "a new stream says what it needs"
            continue
        assert isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            yield f"{method} {route.path}", scopes_asked(route) if isinstance(route, APIRoute) else []


def scopes_asked(route: APIRoute) -> list[str]:
    waiting, found = [route.dependant], set[str]()
    while waiting:
        one = waiting.pop()
        found |= set(one.own_oauth_scopes or ())
        waiting += one.dependencies
    return sorted(found)


def test_every_route_names_the_scope_it_needs(desk: Desk) -> None:
    asked = dict(routes_of(desk))
    assert {name for name, scopes in asked.items() if not scopes} == ANYBODY
    assert {name: scopes for name, scopes in asked.items() if scopes} == {
        name: [scope] for name, scope in NEEDED.items()
    }


@pytest.mark.parametrize(("name", "scope"), NEEDED.items(), ids=str)
async def test_a_key_does_what_its_scope_says_and_nothing_else(desk: Desk, name: str, scope: str) -> None:
    headers = {key: await key_with(desk, [key]) for key in ("read", "trade")}
    method, _, path = name.partition(" ")
    url = path.replace("{token_id}", "a").replace("{key_id}", "a").replace("{invite_id}", "a")
    for has, sent in headers.items():
        answer = await desk.http.request(method, url, headers=sent)
        if has == scope:
            assert answer.status_code not in (401, 403), answer.text
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
            assert (f"lacks the scope {scope} (it has {has})" in answer.text) or scope == "account"


async def test_the_scope_is_told_before_the_body_is_judged(desk: Desk) -> None:
    answer = await desk.http.post("/orders/twap", json={"odd": 1}, headers=await key_with(desk, READ))
    assert answer.status_code == 403
    assert answer.json()["detail"] == (
        "this API key lacks the scope trade (it has read): use one that has it, or sign in"
    )
    assert desk.orders.orders == {}


async def test_a_key_without_words_does_what_keys_always_did(desk: Desk) -> None:
    made = await make(desk, await desk.user())
    assert (made["scopes"], made["expires"], made["last_used"]) == (["read", "trade"], None, None)
    key = {"X-API-Key": made["key"]}
    assert (await desk.http.post("/orders/twap", json=ORDER, headers=key)).status_code == 201
    assert (await desk.http.get("/orders/a", headers=key)).status_code == 200


async def test_the_document_says_which_scope_and_that_no_key_manages_credentials(desk: Desk) -> None:
    document = (await desk.http.get("/openapi.json")).json()
    told = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for one in operation.get("security", ()):
                if scopes := one.get("OAuth2PasswordBearer"):
                    told[f"{method.upper()} {path}"] = scopes[0]
                    assert ({"APIKeyHeader": []} in operation["security"]) is (scopes[0] != "account")
                    assert {"401", "403"} <= set(operation["responses"]), path
    assert told == NEEDED
    flow = document["components"]["securitySchemes"]["OAuth2PasswordBearer"]["flows"]["password"]
    assert set(flow["scopes"]) == {"read", "trade", "account"}
