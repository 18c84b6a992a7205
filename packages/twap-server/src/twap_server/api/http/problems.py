"""Turn failures into problem documents (RFC 9457). Only here are status, title and code decided.

Messages of ``TwapError`` are safe to show. Anything unexpected becomes a 500 that says nothing but the
request's id; the log has the rest.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import Match
from starlette.types import Scope

from twap_models.enums import ErrorCode
from twap_models.errors import FieldError, Problem
from twap_models.exact_json import UnreadText
from twap_models.plain_words import field_of, nearest_of, plain
from twap_server.api.http.exact_json import Unreadable, reply
from twap_server.api.http.one_or_list import LIST, ONE
from twap_server.api.http.own_page import BrowserSignInEnded
from twap_server.api.http.raw_answers import PROBLEM_JSON
from twap_server.domain.errors import InvalidRequest, TooManyAttempts, TwapError, UnavailableError

BODY_TAGS = frozenset({"body", "query", "path", "header", ONE, LIST})
"""Parts of a validation error's location that are no field of the caller's."""

STATUS: Mapping[ErrorCode, int] = {
    ErrorCode.INVALID_REQUEST: 422,
    ErrorCode.MALFORMED_JSON: 400,
    ErrorCode.BODY_TOO_LARGE: 413,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.UNKNOWN_EXCHANGE: 404,
    ErrorCode.UNKNOWN_SYMBOL: 404,
    ErrorCode.ORDER_NOT_FOUND: 404,
    ErrorCode.ORDER_NOT_OPEN: 409,
    ErrorCode.PRECONDITION_FAILED: 412,
    ErrorCode.PRECONDITION_REQUIRED: 428,
    ErrorCode.USERNAME_TAKEN: 409,
    ErrorCode.CONFLICT: 409,
    ErrorCode.NOT_AUTHENTICATED: 401,
    ErrorCode.NOT_PERMITTED: 403,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.TOO_MANY_SUBSCRIPTIONS: 429,
    ErrorCode.NOT_IMPLEMENTED: 501,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.BOOK_UNAVAILABLE: 503,
    ErrorCode.EXCHANGE_UNAVAILABLE: 503,
    ErrorCode.STORAGE_UNAVAILABLE: 503,
    ErrorCode.BUSY: 503,
    ErrorCode.INTERNAL: 500,
}
_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
_BY_STATUS: Mapping[int, ErrorCode] = {
    400: ErrorCode.MALFORMED_JSON,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.BODY_TOO_LARGE,
    500: ErrorCode.INTERNAL,
}


def request_id(request: HTTPConnection) -> str:
    """The id the middleware gave this request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def problem(
    request: HTTPConnection,
    code: ErrorCode,
    detail: str,
    *,
    status: int | None = None,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Write one problem document."""
    number = STATUS[code] if status is None else status
    body = Problem(
        title=HTTPStatus(number).phrase,
        status=number,
        detail=detail,
        code=code,
        request_id=request_id(request),
        errors=list(errors),
    )
    return reply(body, number, headers=headers, media_type=PROBLEM_JSON)


async def answer_twap_error(request: Request, error: Exception) -> Response:
    """Turn any named failure of ours into its problem document."""
    assert isinstance(error, TwapError)
    detail = str(error) if error.code is not ErrorCode.INTERNAL else "something went wrong on our side"
    errors: list[FieldError] = []
    if isinstance(error, InvalidRequest):
        errors.append(FieldError(field=error.field, message=detail, nearest=error.nearest))
        detail = f"{error.field}: {detail}"
    return problem(request, error.code, detail, errors=errors, headers=_headers_of(error))


async def answer_validation_error(request: Request, error: Exception) -> Response:
    """Name every wrong field; a broken JSON text is a 400."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    for item in found:
        if isinstance(item.get("input"), Unreadable):
            return problem(request, ErrorCode.MALFORMED_JSON, item["input"].why)
    errors = [
        FieldError(field=_field(item), message=_message(item), nearest=nearest_of(item))
        for item in found[:100]
    ]
    first = f"{errors[0].field}: {errors[0].message}"
    return problem(request, ErrorCode.INVALID_REQUEST, first, errors=errors)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Turn the framework's own refusals (no route, wrong method, body too large) into problems."""
    assert isinstance(error, HTTPException)
    code = _BY_STATUS.get(error.status_code, ErrorCode.INVALID_REQUEST)
    detail = str(error.detail)
    if code is ErrorCode.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:  # nobody said what is missing
        detail = f"there is no {request.method} {request.url.path[:200]} here"
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_of(request))
        detail = f"expected one of {headers['Allow']}, got {request.method[:40]}"
    return problem(request, code, detail, status=error.status_code, headers=headers)


def _methods_of(request: Request) -> list[str]:
    """All methods that a path has: each is a route of its own to the framework, which names only one."""
    found = [method for method in _METHODS if _is_routed({**request.scope, "method": method}, request.app)]
    return sorted([*found, "HEAD"] if "GET" in found else found)


def _is_routed(scope: Scope, app: FastAPI) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in app.routes)


def install(app: FastAPI) -> None:
    """Give the app its handlers."""
    app.add_exception_handler(TwapError, answer_twap_error)
    app.add_exception_handler(RequestValidationError, answer_validation_error)
    app.add_exception_handler(HTTPException, answer_http_error)


def _headers_of(error: TwapError) -> dict[str, str]:
    if isinstance(error, (UnavailableError, TooManyAttempts)):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, BrowserSignInEnded):
        return {"WWW-Authenticate": "Bearer", "Set-Cookie": error.cookie}
    return {"WWW-Authenticate": "Bearer"} if error.code is ErrorCode.NOT_AUTHENTICATED else {}


def _field(item: Mapping[str, Any]) -> str:
    return field_of(item, apart_from=BODY_TAGS) or "body"


def _message(item: Mapping[str, Any]) -> str:
    given = item.get("input")
    if isinstance(given, UnreadText) and item["type"] != "extra_forbidden":
        return given.why
    return plain(str(item["msg"]))
