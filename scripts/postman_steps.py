"""Complete the generated Postman collection: variables, a sign-in by script, the steps of a first order."""

import copy
import json
from collections.abc import Iterator
from typing import Any

Item = dict[str, Any]
STEPS = "A first order, step by step"
VARIABLES = {
    "baseUrl": "http://127.0.0.1:8000",
    "username": "postman",
    "password": "a long password",
    "exchange": "binance",
    "symbol": "BTC-USDT",
    "token_id": "postman-1",
    "access_token": "",
    "access_token_until": "0",
}
"""What requests take their words from; a reader may change the first five."""
_IN_PATHS = ("exchange", "symbol", "token_id")
_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_KEEP = """const told = pm.response.json();
pm.collectionVariables.set("access_token", told.access_token);
pm.collectionVariables.set("access_token_until", String(Date.now() + (told.expires_in - 60) * 1000));"""
_SIGN_IN = """// Signs in where a request needs it and the access token has ended (it lives for 15 minutes).
const asks = pm.request.auth ? pm.request.auth.type !== "noauth" : true;
if (asks && Number(pm.collectionVariables.get("access_token_until")) < Date.now()) {
    pm.sendRequest({
        url: pm.variables.replaceIn("{{baseUrl}}/auth/token"),
        method: "POST",
        header: { "Content-Type": "application/x-www-form-urlencoded" },
        body: { mode: "urlencoded", urlencoded: [
            { key: "username", value: pm.variables.replaceIn("{{username}}") },
            { key: "password", value: pm.variables.replaceIn("{{password}}") },
        ] },
    }, (error, answer) => {
        if (error || answer.code !== 200) {
            console.error("not signed in: do the step Register first, or set username and password");
            return;
        }
        const told = answer.json();
        pm.collectionVariables.set("access_token", told.access_token);
        pm.collectionVariables.set("access_token_until", String(Date.now() + (told.expires_in - 60) * 1000));
    });
}"""
_ORDER = {
    "token_id": "{{token_id}}",
    "exchange": "{{exchange}}",
    "symbol": "{{symbol}}",
    "side": "buy",
    "quantity": "0.06",
    "duration": "6s",
    "slices": 3,
}
_BODIES: dict[str, Any] = {
    "POST /auth/register": {"username": "{{username}}", "password": "{{password}}"},
    "POST /orders/twap": _ORDER,
    "POST /orders/twap/preview": _ORDER,
    "PATCH /orders/{token_id}": {"limit_price": 1000000},
}


def _passes(words: str, check: str) -> str:
    return f'pm.test("{words}", () => {{ {check} }});'


_LIST = "const rows = pm.response.json(); pm.expect(rows).to.be.an('array').that.is.not.empty;"
_FOLLOW = """const order = pm.response.json();
const asked = pm.collectionVariables.get("token_id");
pm.test("the order is known", () => { pm.expect(order.token_id).to.equal(asked); });
if (["Accepted", "Working", "Paused"].includes(order.status)) {
    setTimeout(() => {}, 1000);  // ask again in a second, until the order has ended
    pm.execution.setNextRequest("8. Follow the order");
} else {
    pm.test("the order was filled", () => { pm.expect(order.status).to.equal("Filled"); });
}"""
_STEPS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "1. Register",
        "POST /auth/register",
        (
            (
                "test",
                _passes(
                    "there is an account (409: there was one already)",
                    "pm.expect(pm.response.code).to.be.oneOf([201, 409]);",
                ),
            ),
        ),
    ),
    (
        "2. Sign in",
        "POST /auth/token",
        (("test", _passes("signed in", "pm.response.to.have.status(200);") + "\n" + _KEEP),),
    ),
    ("3. List the exchanges", "GET /exchanges", (("test", _passes("exchanges are listed", _LIST)),)),
    (
        "4. List the symbols",
        "GET /exchanges/{exchange}/symbols",
        (("test", _passes("symbols are listed", _LIST)),),
    ),
    ("5. Get candles", "GET /klines/{exchange}/{symbol}", (("test", _passes("candles are listed", _LIST)),)),
    (
        "6. Get the order book",
        "GET /orderbook/{exchange}/{symbol}",
        (("test", _passes("the book is live", "pm.expect(pm.response.json().status).to.equal('live');")),),
    ),
    (
        "7. Submit a TWAP order",
        "POST /orders/twap",
        (
            ("prerequest", 'pm.collectionVariables.set("token_id", "postman-" + Date.now());'),
            (
                "test",
                _passes(
                    "the order was accepted", "pm.expect(pm.response.json()[0].status).to.equal('Accepted');"
                ),
            ),
        ),
    ),
    ("8. Follow the order", "GET /orders/{token_id}", (("test", _FOLLOW),)),
    (
        "9. Get the report",
        "GET /orders/{token_id}/report",
        (
            (
                "test",
                _passes(
                    "the report says what was filled",
                    "pm.expect(pm.response.json().filled_quantity).to.be.above(0);",
                ),
            ),
        ),
    ),
)


def completed(made: dict[str, Any], openapi: dict[str, Any]) -> dict[str, Any]:
    """The collection with its steps first; ``made`` is what openapi-to-postmanv2 wrote."""
    routes = dict(_all_routes(made, openapi))
    steps = [_step(name, routes[route], events) for name, route, events in _STEPS]
    return {
        "info": {
            "name": made["info"]["name"],
            "description": openapi["info"]["description"],
            "schema": _SCHEMA,
        },
        "auth": _bearer(),
        "event": [_event("prerequest", _SIGN_IN)],
        "variable": [{"key": key, "value": value} for key, value in VARIABLES.items()],
        "item": [{"name": STEPS, "item": steps}, *_folders(routes, openapi)],
    }


def _all_routes(made: dict[str, Any], openapi: dict[str, Any]) -> Iterator[tuple[str, Item]]:
    """Each route, such as ``GET /orders``, and its request."""
    items = {
        _route_of(item["request"]): item["request"] for folder in made["item"] for item in folder["item"]
    }
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            route = f"{method.upper()} {path}"
            yield route, _request(route, items[route], operation)


def _route_of(request: Item) -> str:
    parts = [f"{{{part[1:]}}}" if part.startswith(":") else part for part in request["url"]["path"]]
    return f"{request['method']} /{'/'.join(parts)}"


def _request(route: str, request: Item, operation: Item) -> Item:
    """A request without what differs from one making to the next, and with our words in it."""
    wanted = {
        "method": request["method"],
        "description": operation.get("description", operation["summary"]),
        "header": [_plain(one) for one in request.get("header", ())],
        "url": _address(request["url"]),
    }
    if body := _body(route, request.get("body") or {}):
        wanted["body"] = body
    if not operation.get("security"):
        wanted["auth"] = {"type": "noauth"}
    return wanted


def _address(url: Item) -> Item:
    """Ours are the words in the path; what a query may say is there, switched off."""
    path = [f"{{{{{part[1:]}}}}}" if part[1:] in _IN_PATHS else part for part in url["path"]]
    query = [{**_plain(one), "disabled": True} for one in url.get("query", ())]
    left = [_plain(one) for one in url.get("variable", ()) if one["key"] not in _IN_PATHS]
    raw = "{{baseUrl}}/" + "/".join(path)
    made: Item = {"raw": raw, "host": ["{{baseUrl}}"], "path": path}
    return made | ({"query": query} if query else {}) | ({"variable": left} if left else {})


def _plain(one: Item) -> Item:
    kept = {key: one[key] for key in ("key", "value", "disabled") if key in one}
    told = one.get("description")
    text = told.get("content") if isinstance(told, dict) else told
    return kept | ({"description": text} if text else {})


def _body(route: str, body: Item) -> Item:
    if route in _BODIES:
        text = json.dumps(_BODIES[route], indent=2)
        return {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
    if body.get("mode") == "urlencoded":
        return {"mode": "urlencoded", "urlencoded": [_form_field(one) for one in body["urlencoded"]]}
    return {key: body[key] for key in ("mode", "raw", "options") if key in body} if body.get("mode") else {}


def _form_field(one: Item) -> Item:
    known = one["key"] in ("username", "password")
    return (
        {"key": one["key"], "value": f"{{{{{one['key']}}}}}", "type": "text"}
        if known
        else {
            "key": one["key"],
            "value": "",
            "type": "text",
            "disabled": True,
        }
    )


def _step(name: str, request: Item, events: tuple[tuple[str, str], ...]) -> Item:
    return {
        "name": name,
        "request": copy.deepcopy(request),
        "response": [],
        "event": [_event(when, script) for when, script in events],
    }


def _folders(routes: dict[str, Item], openapi: dict[str, Any]) -> list[Item]:
    """A folder for each part of the API."""
    tags: dict[str, list[Item]] = {one["name"]: [] for one in openapi["tags"]}
    for route, request in routes.items():
        method, path = route.split(" ", 1)
        for tag in openapi["paths"][path][method.lower()]["tags"]:
            tags[tag].append({"name": route, "request": request, "response": []})
    return [{"name": f"All of {tag}", "item": items} for tag, items in tags.items()]


def _bearer() -> Item:
    return {"type": "bearer", "bearer": [{"key": "token", "value": "{{access_token}}", "type": "string"}]}


def _event(when: str, script: str) -> Item:
    return {"listen": when, "script": {"type": "text/javascript", "exec": script.split("\n")}}
