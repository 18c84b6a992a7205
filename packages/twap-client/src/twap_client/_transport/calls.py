"""Build requests and read answers: statuses become exceptions, bodies are read as exact JSON."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import TypeAdapter, ValidationError

from twap_client.errors import (
    ApiError,
    ConnectFailed,
    ServerError,
    TwapClientError,
    Unencodable,
    UsageError,
    error_class,
)
from twap_models import Problem, exact_json

__all__ = [
    "Answer",
    "Call",
    "Timeout",
    "check_encodable",
    "httpx",
    "in_doubt",
    "read_answer",
    "read_model",
    "seconds_of",
]

if TYPE_CHECKING or find_spec("httpx2") is None:
    import httpx
else:
    # Authlib builds on httpx2 where that is installed too; exceptions must come from the one it builds on.
    from twap_client._transport.oauth import AsyncOAuth2Client

    _base = next(kind for kind in AsyncOAuth2Client.__mro__ if kind.__name__ == "AsyncClient")
    httpx = import_module(_base.__module__.partition(".")[0])


_T = TypeVar("_T")

Timeout: TypeAlias = timedelta | float | None
"""How long one call may take in all, repeats included; a number is seconds. None: as
``ClientConfig.request_timeout`` says, for each attempt."""

_NOT_OURS = "is no answer of a twap server: is the address right, does something stand in between?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request.

    Attributes:
        body: plain values, written as exact JSON.
        headers: beside those that every call has.
        signed: whether it needs a sign-in.
        repeatable: whether doing it twice is the same as doing it once.
        lists: statuses whose body is a list and therefore no error.
        as_text: whether the answer is a text of any kind, no JSON.
        timeout: how long all of it may take; None: as the settings say, for each attempt.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    signed: bool = True
    repeatable: bool = False
    lists: frozenset[int] = frozenset()
    as_text: bool = False
    timeout: Timeout = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        after: the next page's cursor, from the ``Link`` header.
        oldest_available: of candles that the exchange's reach cut, from the header of that name.
    """

    status: int
    body: Any
    after: str | None = None
    oldest_available: str | None = None


@contextmanager
def in_doubt(what: str, *token_ids: str) -> Iterator[None]:
    """Around what changes something: a failure that leaves open whether it was changed says so.

    Args:
        what: what may have happened, in words.
        token_ids: the orders that it is about; ``asked_for`` of every failure names them, of a cancelled
            call too.
    """
    try:
        yield
    except TwapClientError as error:
        error.asked_for = token_ids
        if error.may_have_acted:
            error.in_doubt, error.token_ids = what, token_ids
        raise
    except asyncio.CancelledError as error:
        setattr(error, "asked_for", token_ids)  # noqa: B010  it has no such attribute of its own
        error.add_note(what)
        raise


def seconds_of(timeout: Timeout) -> float | None:
    """Read a timeout.

    Raises:
        UsageError: it is no length of time above 0.
    """
    if timeout is None:
        return None
    try:
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
    except (TypeError, ValueError):
        seconds = 0.0
    if not seconds > 0:
        raise UsageError(f"timeout: expected seconds above 0 or a timedelta, got {timeout!r}")
    return seconds


def check_encodable(**texts: str) -> None:
    """Let no text pass that UTF-8 cannot write.

    Raises:
        Unencodable: names which, and never what.
    """
    for name, text in texts.items():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Unencodable(
                f"{name}: character {error.start + 1} is no text in UTF-8: "
                "is the terminal or the file in another encoding?"
            ) from None


def read_answer(
    response: "httpx.Response", lists: frozenset[int] = frozenset(), *, as_text: bool = False
) -> Answer:
    """Read a response.

    Raises:
        ApiError: the server refused, or its answer is not JSON.
        ConnectFailed: a proxy answered, and wants to know who asks.
    """
    status = response.status_code
    if status == 407:
        raise ConnectFailed("the proxy wants a name and a password: NAME:PASSWORD@HOST:PORT", reason="proxy")
    if as_text and status < 300:
        return Answer(status=status, body=response.content.decode("utf-8", "replace"))
    try:
        body = exact_json.loads(response.content, exact_json.TOLD) if response.content else None
    except ValueError:
        body = None
        if status < 400:
            raise ServerError(
                "the answer is not JSON: is this a twap server?", status=status, code="invalid_answer"
            ) from None
    if status >= 300 and not (status in lists and isinstance(body, list)):
        raise _refusal(response, body)
    return Answer(
        status=status,
        body=body,
        after=_next_cursor(response),
        oldest_available=response.headers.get("X-Oldest-Available"),
    )


def read_model(kind: TypeAdapter[_T], answer: Answer) -> _T:
    """Read the answer's body as what its route promises.

    Raises:
        ServerError: it is something else.
    """
    try:
        return kind.validate_python(answer.body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        unreadable = ServerError(
            f"the answer is not what this client expects: {where} {first['msg']}",
            status=answer.status,
            code="invalid_answer",
        )
        unreadable.may_have_acted = True
        raise unreadable from error


def _refusal(response: "httpx.Response", body: Any) -> ApiError:
    status = response.status_code
    try:
        problem = Problem.model_validate(body)
    except ValidationError:
        problem = Problem(title="", status=status, detail=f"HTTP {status} {_NOT_OURS}", code="")
    return error_class(status)(
        problem.detail or problem.title,
        status=status,
        code=str(problem.code),
        request_id=problem.request_id,
        errors=problem.errors,
        retry_after=_retry_after(response.headers.get("Retry-After", "")),
    )


def _next_cursor(response: "httpx.Response") -> str | None:
    url = response.links.get("next", {}).get("url", "")
    return next(iter(parse_qs(urlsplit(url).query).get("after", [])), None)


def _retry_after(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
