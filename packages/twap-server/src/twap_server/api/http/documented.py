"""Describe problem answers in the OpenAPI document: by status, with their content type."""

from typing import Any

from twap_models.errors import Problem

_WORDS = {
    400: "The body is not JSON.",
    401: "Not signed in.",
    403: "Not permitted to this caller: `detail` says why, and names the scope an API key lacks.",
    404: "No such thing, or not yours.",
    408: "The body did not arrive in time.",
    409: "It conflicts with what is recorded.",
    412: "The order was amended since you looked.",
    413: "The body is too large.",
    422: "A value is wrong; `errors` names the fields.",
    428: "`If-Match` is missing.",
    429: "Too many attempts; see `Retry-After`.",
    503: "Not available at the moment; see `Retry-After`.",
}

HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {"description": "The order's `revision`, for `If-Match`.", "schema": {"type": "string"}},
    "Link": {
        "description": 'The next page, relative to this address: `<orders?after=…>; rel="next"`.',
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    "Set-Cookie": {
        "description": "`twap_refresh`: the refresh token, for `/auth/browser` alone.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}},
    "X-Oldest-Available": {
        "description": "Fewer candles than asked for: none that opens before this time can be had.",
        "schema": {"type": "string", "format": "date-time"},
    },
    "Content-Disposition": {"description": "A name for the file.", "schema": {"type": "string"}},
}
"""Of answers, beside those that every answer has."""
_HEADERS_OF = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def with_headers(status: int, *names: str) -> dict[int | str, dict[str, Any]]:
    """Document the headers of an answer that is no problem."""
    return {status: {"headers": {name: HEADERS[name] for name in names}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document these problem answers of a route."""
    return {
        status: {
            "description": _WORDS[status],
            "headers": {name: HEADERS[name] for name in _HEADERS_OF.get(status, ())},
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


_OF_A_BODY, _OF_A_CALLER, _OF_ANY = (400, 408, 413), (401,), (503,)


def tell_common(operation: dict[str, Any]) -> None:
    """Document what any operation with a body, or of somebody signed in, may answer."""
    told = operation["responses"]
    statuses = _OF_A_BODY if "requestBody" in operation else ()
    for status in (*statuses, *(_OF_A_CALLER if operation.get("security") else ()), *_OF_ANY):
        told.setdefault(str(status), problems(status)[status])
    operation["responses"] = dict(sorted(told.items()))


PROBLEM_SCHEMA: dict[str, Any] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
