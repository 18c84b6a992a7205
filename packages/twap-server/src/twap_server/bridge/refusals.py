"""Say of what kind a failure of ccxt is, by the names of its classes."""

from collections.abc import Mapping
from typing import Final

from twap_server.exchanges.ccxt.wire import RefusedAs

_KINDS: Final[Mapping[str, RefusedAs]] = {
    "BadSymbol": "unknown_symbol",
    "RateLimitExceeded": "rate",
    "DDoSProtection": "rate",
    "AuthenticationError": "not_permitted",
    "PermissionDenied": "not_permitted",
    "NetworkError": "busy",
    "MarketClosed": "busy",
}
_MOST_TEXT: Final = 300


def kind_of(error: BaseException) -> RefusedAs:
    """The kind, by the nearest class that has one."""
    error = _first(error)
    return next((_KINDS[one.__name__] for one in type(error).__mro__ if one.__name__ in _KINDS), "other")


def words_of(error: BaseException) -> str:
    """What ccxt says, for the log."""
    error = _first(error)
    return f"{type(error).__name__}: {error}"[:_MOST_TEXT]


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
