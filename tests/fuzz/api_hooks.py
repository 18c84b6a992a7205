"""What Schemathesis is told beyond the OpenAPI document: who is signed in, what there is, and what to check.

Read by ``scripts/fuzz_api.py`` through ``SCHEMATHESIS_HOOKS``. In: the server's URL and the names of its user
from the environment. Out: a line of figures in the file ``TWAP_FUZZ_FIGURES``.
"""

import atexit
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import requests
import schemathesis

URL = os.environ["TWAP_FUZZ_URL"]
USER, PASSWORD = os.environ["TWAP_FUZZ_USER"], os.environ["TWAP_FUZZ_PASSWORD"]
SIGNED_IN = os.environ.get("TWAP_FUZZ_SIGNED_IN") == "1"
ORDERS = ("fuzz-open", "fuzz-done")
"""Orders that there are, whatever the cases do."""
KNOWN = {
    "token_id": ORDERS,
    "exchange": ("binance", "kraken", "aggregate"),
    "symbol": ("BTCUSDT", "BTC-USDT", "ETH-USDT"),
}
"""Values that lead beyond 404; a part of the cases gets them in place of what was made up."""
PROBLEM = "application/problem+json"
LISTED = {("POST", "/orders/twap"), ("GET", "/ready")}
"""Whose refusals may be no problem document, as the OpenAPI document says."""
statuses: Counter[int] = Counter()
_token = ""


def sign_in() -> str:
    """A fresh access token of the user."""
    form = {"username": USER, "password": PASSWORD}
    answer = requests.post(f"{URL}/auth/token", data=form, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def make_orders() -> None:
    """Submit the orders that there are: one that works on, one that has ended."""
    order = {"exchange": "binance", "symbol": "BTCUSDT", "quantity": "0.1", "interval": "1m"}
    body = [{**order, "token_id": name, "duration": "9h"} for name in ORDERS]
    headers = {"Authorization": f"Bearer {_token}"}
    requests.post(f"{URL}/orders/twap", json=body, headers=headers, timeout=30).raise_for_status()
    requests.delete(f"{URL}/orders/{ORDERS[1]}", headers=headers, timeout=30)


if SIGNED_IN:
    _token = sign_in()
    make_orders()

    @schemathesis.auth(refresh_interval=None)  # type: ignore[untyped-decorator]
    class SignedIn:
        """Signs in anew once a case has ended the sign-in, as ``DELETE /auth/sessions`` does."""

        def get(self, case: Any, context: Any) -> str:
            global _token  # noqa: PLW0603 - one process, one user
            _token = _token or sign_in()
            return _token

        def set(self, case: Any, data: str, context: Any) -> None:
            case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook  # type: ignore[untyped-decorator]
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Write pairs of one type as lists of two: Schemathesis misreads 3.1's ``prefixItems`` in answers."""
    waiting: list[Any] = [raw_schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict) and isinstance(node.get("prefixItems"), list):
            first, *others = node.pop("prefixItems")
            assert all(other == first for other in others), "not the same: this way cannot say it"
            node["items"] = first
        waiting += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


@schemathesis.hook  # type: ignore[untyped-decorator]
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Name what there is in a part of the cases, told by their own content: a seed gives the same again."""
    for part in (case.path_parameters, case.query):
        for name in KNOWN.keys() & (part or {}).keys():
            written = repr(part[name])
            if sum(written.encode(errors="replace")) % 2:
                part[name] = KNOWN[name][len(written) % len(KNOWN[name])]
    if isinstance(case.body, dict) and "symbol" in case.body:
        chosen = sum(repr(case.body).encode(errors="replace"))
        for name in ("exchange", "symbol"):
            if chosen % 3:
                case.body[name] = KNOWN[name][chosen % len(KNOWN[name])]


@schemathesis.hook  # type: ignore[untyped-decorator]
def after_call(context: Any, case: Any, response: Any) -> None:
    """Count the answer; notice when the sign-in has ended."""
    global _token  # noqa: PLW0603
    statuses[response.status_code] += 1
    if response.status_code == 401 or case.operation.path in (
        "/auth/sessions",
        "/auth/password",
        "/auth/logout",
    ):
        _token = ""


@schemathesis.hook  # type: ignore[untyped-decorator]
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Keep all but one: ``/orders/twap`` has the methods of ``/orders/{token_id}``, too, and says so."""
    return not (case.operation.path == "/orders/twap" and failure.title == "Allow header mismatch")


@schemathesis.check  # type: ignore[untyped-decorator]
def no_fault_of_ours(context: Any, response: Any, case: Any) -> None:
    """Nothing ends in 5xx but a documented 503 that says when to come back."""
    status = response.status_code
    if status < 500:
        return
    assert status == 503, f"{status} from an input"
    assert "503" in case.operation.definition.raw["responses"], "an undocumented 503"
    assert response.headers.get("retry-after"), "a 503 without Retry-After"


@schemathesis.check  # type: ignore[untyped-decorator]
def strangers_are_refused(context: Any, response: Any, case: Any) -> None:
    """What needs a sign-in answers nobody without one."""
    ways = case.operation.definition.raw.get("security", [])
    comes_with_one = {"authorization", "x-api-key"} & {name.lower() for name in response.request.headers}
    if ways and {} not in ways and not comes_with_one:
        assert 400 <= response.status_code < 500, f"{response.status_code} without a sign-in"


@schemathesis.check  # type: ignore[untyped-decorator]
def refusals_are_problems(context: Any, response: Any, case: Any) -> None:
    """Each refusal is a problem document that names its field where a value was wrong."""
    if response.status_code < 400 or case.method.upper() == "HEAD":
        return
    if (case.operation.method.upper(), case.operation.path) in LISTED and not _is_problem(response):
        return
    assert _is_problem(response), f"a refusal of type {response.headers.get('content-type')}"
    told = response.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= told.keys()
    assert told["status"] == response.status_code
    if response.status_code == 422:
        assert told["errors"] and all(one["field"] and one["message"] for one in told["errors"]), (
            "no field named"
        )


def _is_problem(response: Any) -> bool:
    return str((response.headers.get("content-type") or [""])[0]).partition(";")[0] == PROBLEM


@atexit.register
def _write_figures() -> None:
    Path(os.environ["TWAP_FUZZ_FIGURES"]).write_text(json.dumps(statuses), encoding="utf-8")
