"""Define what can fail, as a tree that says what to do next.

::

    TwapClientError
    ├── UsageError (a ValueError)   what this library was given is wrong; nothing was sent
    │   ├── NaiveTime           a time without its zone
    │   ├── InvalidValue        a field of an order, a name, a password; ``field`` says which
    │   └── InvalidSetting      an address, an environment variable or another setting
    ├── StillOpen               (a TimeoutError) an order was not seen to close in time; it goes on
    ├── WrongEventLoop          a client is used in a second event loop; nothing was sent
    ├── Unencodable             text that UTF-8 cannot write; nothing was sent
    ├── ApiError (status, code, request_id, errors)    the server answered, and refused
    │   ├── BadRequest          400, 422: change the request
    │   │   └── RevisionMissing     428: say which revision of the order the change is made for
    │   ├── NotAuthenticated    401: sign in
    │   ├── NotPermitted        403: not with this account
    │   ├── NotFound            404
    │   ├── Conflict            409: the state does not allow it
    │   │   └── RevisionMismatch    412: the order was amended since you looked
    │   ├── RateLimited         429: wait ``retry_after`` seconds
    │   ├── Unavailable         502, 503, 504: repeat later, after ``retry_after`` seconds if given
    │   └── ServerError         any other 5xx, or an answer that makes no sense
    ├── TransportError          no answer; whether the server acted is unknown
    │   ├── ConnectFailed       nothing was sent
    │   ├── RequestTimedOut     no answer in time
    │   └── ConnectionLost      the connection broke before the answer was complete
    └── StreamError             the live feed
        ├── StreamClosed        the connection ended or fell silent
        ├── NotReady            (a TimeoutError) the stream was not ready in time
        └── ProtocolMismatch    the other side does not speak this protocol
"""

from collections.abc import Sequence
from typing import Literal, Self

from twap_models import FieldError


class TwapClientError(Exception):
    """Base of everything this library raises on purpose.

    Attributes:
        may_have_acted: something was sent, and what became of it is not known: no answer, or a senseless one.
        in_doubt: what may have been changed therefore, in words; empty when nothing.
        token_ids: the orders that may have been made or changed; empty where nothing is in doubt.
        asked_for: the orders that the call was about, whatever became of it; where a ``token_id`` was made
            up, it stands here: submit again with the same.
        advice: what to do about it in a program that uses this library, in words.
    """

    may_have_acted: bool = False
    in_doubt: str = ""
    advice: str = ""
    token_ids: tuple[str, ...] = ()
    asked_for: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """What went wrong, without what is in doubt and what to do."""
        return super().__str__()

    def __str__(self) -> str:
        said = f"{self.message}: {self.advice}" if self.advice else self.message
        if not self.in_doubt:
            return said
        look = f": look with orders.get({self.token_ids[0]!r})" if self.token_ids else ""
        return f"{said}; {self.in_doubt}{look}"


class UsageError(TwapClientError, ValueError):
    """What this library was given is wrong. Nothing was sent."""


class NaiveTime(UsageError):
    """A time without its zone: it would mean another moment on each machine."""


class InvalidValue(UsageError):
    """A value that no server takes; the message says what was expected.

    Attributes:
        field: which; of several, the first.
        errors: all of them, as ``BadRequest.errors`` has them.
    """

    def __init__(self, message: str, *, field: str = "", errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.field = field
        self.errors = list(errors)

    @classmethod
    def of(cls, errors: Sequence[FieldError]) -> Self:
        """Tell of all wrong fields."""
        said = [": ".join(filter(None, [one.field, one.message])) for one in errors]
        return cls("; ".join(said), field=errors[0].field, errors=errors)


class InvalidSetting(UsageError):
    """The server's address, an environment variable or another setting cannot be used."""


class StillOpen(TwapClientError, TimeoutError):
    """An order was not closed within the time allowed, or nobody could see it close. It goes on."""


class WrongEventLoop(TwapClientError, RuntimeError):
    """A client is used in a second event loop. Make one in each. Nothing was sent."""


class Unencodable(TwapClientError):
    """Text that UTF-8 cannot write: a terminal or a file gave bytes in another encoding. Nothing was sent."""


class ApiError(TwapClientError):
    """The server refused the request.

    Attributes:
        status: HTTP status, or 0 when the refusal came over the stream.
        code: one of the documented codes, such as ``unknown_symbol``.
        request_id: names the request in the server's log; empty when unknown.
        errors: the wrong fields, for an invalid request.
        retry_after: seconds to wait, when the server said so.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        request_id: str = "",
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.errors = list(errors)
        self.retry_after = retry_after


class BadRequest(ApiError):
    """The request itself is wrong; ``errors`` names the fields."""


class RevisionMissing(BadRequest):
    """The request does not name the revision that it is made for. ``orders.amend`` always does."""


class NotAuthenticated(ApiError):
    """Nobody is signed in, or the sign-in is no longer valid."""


class NotPermitted(ApiError):
    """Signed in, but not allowed to do this."""


class NotFound(ApiError):
    """No such order, exchange, symbol or route."""


class Conflict(ApiError):
    """The state does not allow it: the name is taken, the order is closed."""


class RevisionMismatch(Conflict):
    """The order was amended since you looked, and nothing was changed: get it anew, and decide again."""


class RateLimited(ApiError):
    """Too many requests; ``retry_after`` says how long to wait."""


class Unavailable(ApiError):
    """The server, or an exchange behind it, cannot answer now."""


class ServerError(ApiError):
    """The server failed, or answered something that is not its contract."""


class TransportError(TwapClientError):
    """No complete answer came."""


ConnectReason = Literal["refused", "dns", "tls", "proxy", "timeout", "unreachable", "not_twap", "other"]
"""What stands between: nothing listens, the name has no address, TLS, the proxy, time ran out, no route,
a server of another kind."""


class ConnectFailed(TransportError):
    """The server could not be reached; nothing was sent.

    Attributes:
        reason: what stands between, for programs; the message says it in words.
    """

    def __init__(self, message: str, *, reason: ConnectReason = "other") -> None:
        super().__init__(message)
        self.reason: ConnectReason = reason


class RequestTimedOut(TransportError):
    """No answer within the time allowed; the server may have acted all the same."""


class ConnectionLost(TransportError):
    """The connection broke; the server may have acted all the same."""


class StreamError(TwapClientError):
    """The live feed failed."""


class StreamClosed(StreamError):
    """The feed's connection ended, or delivered nothing for too long."""


class NotReady(StreamError, TimeoutError):
    """The stream was not ready within the time allowed. It goes on trying."""


class ProtocolMismatch(StreamError):
    """The other side sent something that is not this protocol."""


_BY_STATUS: dict[int, type[ApiError]] = {
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    412: RevisionMismatch,
    428: RevisionMissing,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def error_class(status: int) -> type[ApiError]:
    """Give the class that stands for an HTTP status of 400 or above."""
    return _BY_STATUS.get(status) or (ServerError if status >= 500 else BadRequest)
