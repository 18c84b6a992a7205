"""Pass failures of an exchange on to the node that asked: another class for each thing that is to be done."""

from twap_server.cluster.market_messages import Failed
from twap_server.domain.errors import (
    ExchangeUnavailable,
    InvalidRequest,
    TwapError,
    UnavailableError,
    UnknownSymbol,
)

_UNKNOWN_SYMBOL, _INVALID = UnknownSymbol.__name__, InvalidRequest.__name__


def failed(error: TwapError) -> Failed:
    """Write a failure down."""
    return Failed(
        kind=type(error).__name__,
        words=str(error),
        retry_after=error.retry_after if isinstance(error, UnavailableError) else 0,
        field=error.field if isinstance(error, InvalidRequest) else "",
    )


def failure(told: Failed) -> TwapError:
    """Make the failure again: what is no mistake of the caller's may be tried again later."""
    if told.kind == _UNKNOWN_SYMBOL:
        return UnknownSymbol(told.words)
    if told.kind == _INVALID:
        return InvalidRequest(told.words, field=told.field)
    return ExchangeUnavailable(told.words, retry_after=told.retry_after or 5)
