"""Define the failures. Every class says what to do next.

TwapError                 code, safe message (may be shown to a user)
├── RequestError          the caller can fix it
│   ├── UnknownExchange, UnknownSymbol, OrderNotFound, OrderNotOpen, InvalidRequest, UsernameTaken
│   ├── Conflict          the same key with another content
│   └── RevisionMismatch, RevisionMissing   an amendment meets another revision, or names none
├── AccessError           who you are
│   └── NotAuthenticated, NotPermitted (InviteRefused), TooManyAttempts
├── UnavailableError      try again later (``retry_after`` seconds)
│   ├── BookUnavailable, EngineBusy
│   ├── ExchangeUnavailable   Throttled: it says so; ExchangeRefuses: it will not serve us, until a moment
│   └── StoreUnavailable  nothing was recorded, but for CommitInDoubt; StoreTakenOver (LeaseLost) is for good
└── StoreConflict         a unique key was already taken

What goes wrong on the exchange side: ``domain/market/errors.py``.
"""

from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from twap_models.enums import ErrorCode
from twap_server.domain.clock import Nanos, to_text

_E = TypeVar("_E", bound=Exception)


class TwapError(Exception):
    """Base of all: ``str(error)`` is safe to show to a user."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL

    def __reduce__(self) -> tuple[Any, ...]:
        """Reach another process as it is: its class may want more to be made than its words."""
        return _made_again, (type(self), self.args, vars(self))


def _made_again(kind: type[TwapError], args: tuple[Any, ...], named: dict[str, Any]) -> TwapError:
    made = kind.__new__(kind, *args)
    vars(made).update(named)
    return made


def first_in(group: BaseExceptionGroup, kind: type[_E]) -> _E | None:
    """The first failure of a kind among what failed side by side; None without any."""
    first: BaseException | None = group.subgroup(kind)
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first if isinstance(first, kind) else None


class RequestError(TwapError):
    """The caller can fix it."""

    code = ErrorCode.INVALID_REQUEST


class InvalidRequest(RequestError):
    """A value is outside what is accepted; ``field`` names it, ``nearest`` the nearest one that would do."""

    def __init__(self, message: str, *, field: str, nearest: Decimal | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.nearest = nearest


class UnknownExchange(RequestError):
    """No such exchange is collected here."""

    code = ErrorCode.UNKNOWN_EXCHANGE


class UnknownSymbol(RequestError):
    """The exchange lists no such instrument."""

    code = ErrorCode.UNKNOWN_SYMBOL


class OrderNotFound(RequestError):
    """This user has no such order."""

    code = ErrorCode.ORDER_NOT_FOUND


class TournamentNotFound(RequestError):
    """No tournament, or no file of one, goes by that name."""

    code = ErrorCode.NOT_FOUND


class OrderNotOpen(RequestError):
    """The order has already ended."""

    code = ErrorCode.ORDER_NOT_OPEN


class RevisionMismatch(RequestError):
    """The order was amended since the caller looked."""

    code = ErrorCode.PRECONDITION_FAILED


class RevisionMissing(RequestError):
    """The caller did not say which revision the change is for."""

    code = ErrorCode.PRECONDITION_REQUIRED


class UsernameTaken(RequestError):
    """Another account has that name."""

    code = ErrorCode.USERNAME_TAKEN


class Conflict(RequestError):
    """The same key with another content."""

    code = ErrorCode.CONFLICT


class AccessError(TwapError):
    """Who you are."""

    code = ErrorCode.NOT_AUTHENTICATED


class NotAuthenticated(AccessError):
    """No token, or one that is not valid."""


class NotPermitted(AccessError):
    """Signed in, but not for this."""

    code = ErrorCode.NOT_PERMITTED


class InviteRefused(NotPermitted):
    """The invite is not valid: it is unknown, used, withdrawn or over, and nobody is told which."""

    def __init__(self) -> None:
        super().__init__(
            "the invite is not valid: it was used, withdrawn, is too old, or is misspelt; ask for another"
        )


class TooManyAttempts(AccessError):
    """Too many failed attempts; wait ``retry_after`` seconds."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(TwapError):
    """Right request, wrong moment: try again after ``retry_after`` seconds."""

    code = ErrorCode.UNAVAILABLE

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BookUnavailable(UnavailableError):
    """No live book of that instrument at the moment."""

    code = ErrorCode.BOOK_UNAVAILABLE


class ExchangeUnavailable(UnavailableError):
    """The exchange cannot be reached or refuses to answer."""

    code = ErrorCode.EXCHANGE_UNAVAILABLE


class CurveUnavailable(ExchangeUnavailable):
    """What an order's curve goes by cannot be had now; ``field`` of the request says what to give instead."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, retry_after=2)
        self.field = field


class Throttled(ExchangeUnavailable):
    """The exchange tells us to ask it nothing for ``retry_after`` seconds, or until a wall time it names."""

    def __init__(self, message: str, *, retry_after: int = 60, until: Nanos | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.until = until


class StoreUnavailable(UnavailableError):
    """The database cannot be read or written."""

    code = ErrorCode.STORAGE_UNAVAILABLE


class CommitInDoubt(StoreUnavailable):
    """The database failed while it committed: all of it was recorded or nothing; look it up by key."""


class StoreTakenOver(StoreUnavailable):
    """Another server took the database over: this one must stop, waiting does not help."""


class LeaseLost(StoreTakenOver):
    """Another node owns now what this one wanted to write: it must leave that alone."""


class ClockAhead(LeaseLost):
    """This node decided what is still to come, by the database's clock: its own is wrong, it owns nothing."""


class ExchangeRefuses(ExchangeUnavailable):
    """The exchange will not serve us for now: it limits, bans or restricts us. Nothing is asked ``until``."""

    def __init__(self, words: str, *, retry_after: int, until: Nanos) -> None:
        super().__init__(f"{words}; nothing is asked until {to_text(until)}", retry_after=retry_after)
        self.words, self.until = words, until


class EngineBusy(UnavailableError):
    """The engine's queue of commands is full."""

    code = ErrorCode.BUSY


class StoreConflict(TwapError):
    """A unique key was already taken: somebody else recorded it first."""

    code = ErrorCode.CONFLICT
