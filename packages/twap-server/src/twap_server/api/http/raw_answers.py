"""Write problem documents as bytes, for what is refused before there is a request."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from secrets import token_hex

from twap_models.enums import ErrorCode
from twap_models.errors import Problem
from twap_server.api.http.connection_slots import Full
from twap_server.api.http.security_headers import ALWAYS

RETRY_AFTER_S = 2
"""Connections come and go, so room may be there soon."""
PROBLEM_JSON = "application/problem+json"


def problem_body(status: int, code: ErrorCode, detail: str, request_id: str) -> bytes:
    """Write the document alone."""
    return Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, request_id=request_id
    ).to_json()


def raw_problem(
    status: int,
    code: ErrorCode,
    detail: str,
    *,
    headers: Iterable[tuple[bytes, bytes]] = (),
    retry_after: int | None = None,
) -> bytes:
    """Write a whole answer after which the connection is closed."""
    request_id = token_hex(16)
    body = problem_body(status, code, detail, request_id)
    own = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"x-request-id", request_id.encode()),
    ]
    if retry_after is not None:
        own.append((b"retry-after", str(retry_after).encode()))
    start = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
    lines = (name + b": " + value + b"\r\n" for name, value in (*headers, *own, *ALWAYS))
    return b"".join((start, *lines, b"\r\n", body))


NO_ROOM: Mapping[Full, tuple[int, ErrorCode, str]] = {
    Full.ALL: (
        503,
        ErrorCode.BUSY,
        "all connections are in use: wait as long as Retry-After says, then try again; fewer that are "
        "kept open help (api.max_connections, api.stream.max_connections)",
    ),
    Full.ADDRESS: (
        429,
        ErrorCode.RATE_LIMITED,
        "too many connections from your address: close some or use them again, wait as long as Retry-After "
        "says (api.max_connections_per_address, api.stream.max_per_address)",
    ),
}
"""Status, code and words of a refusal."""


def no_room(full: Full, headers: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """The answer to a connection that finds no room."""
    status, code, detail = NO_ROOM[full]
    return raw_problem(status, code, detail, headers=headers, retry_after=RETRY_AFTER_S)
