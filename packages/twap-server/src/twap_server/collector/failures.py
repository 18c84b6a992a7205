"""Name what failed on the way to an exchange, and until when nothing should be asked.

The same words over HTTP and on the stream. Neither an exchange's text nor a library's reaches a user.
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from socket import gaierror
from typing import Final

from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import ExchangeRefuses, TwapError
from twap_server.domain.market.errors import AttemptRefused
from twap_server.domain.market.refusal import WORDS, Refusal, RefusalKind

MAX_WAIT_S: Final = 3 * 24 * 3600
"""The longest ban that exchanges announce."""

_WORDS: Final = {
    400: "the exchange does not understand our request",
    401: "the exchange wants a sign-in",
    403: "the exchange does not let this address in",
    404: "the exchange has nothing under this address",
    418: "the exchange has banned this address for asking too much",
    429: "the exchange asks us to slow down",
    451: "the exchange does not serve this location",
    503: "the exchange is overloaded or in maintenance",
}
_BARS: Final = {403: 60, 418: 120, 429: 60, 451: 600}
"""Statuses that mean us, and how many seconds to ask nothing where the answer does not say."""
_BARRED_KINDS: Final = (RefusalKind.RATE, RefusalKind.NOT_PERMITTED)
_SERVER_ERRORS = 500
_UNREACHED: Final = (
    (gaierror, "the name {host} cannot be resolved (DNS)"),
    (ssl.SSLError, "{host} does not speak TLS with us"),
    (ConnectionRefusedError, "{host} refuses the connection: nothing listens there"),
    (ConnectionResetError, "{host} broke the connection off"),
    (TimeoutError, "{host} does not answer"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpFailure:
    """An answer other than the one asked for."""

    words: str
    wait_s: int
    """For how long nothing is to be asked; 0: the next request may do better."""
    is_barred: bool
    """The exchange means us: it limits, bans or restricts."""


def of_http(status: int, *, retry_after: str, refusal: Refusal, now: Nanos) -> HttpFailure:
    """Name an HTTP failure.

    Args:
        status: of the answer.
        retry_after: its header of that name: seconds, a date, or nothing.
        refusal: what its body means.
        now: wall time.
    """
    told = [one for one in (_seconds_of(retry_after, now), _seconds_until(refusal.until, now)) if one]
    is_barred = status in _BARS or refusal.kind in _BARRED_KINDS
    default = refusal.wait_s or _BARS.get(status, 60) if is_barred else 5 if status == 503 else 0
    wait = min(max(told, default=default), MAX_WAIT_S)
    return HttpFailure(
        words=f"{_words_of(status, refusal)} (HTTP {status})", wait_s=wait, is_barred=is_barred
    )


def of_reach(error: BaseException, host: str) -> str:
    """Name why a host could not be reached; libraries wrap what the system said."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of {host} is not trusted ({cause.verify_message})"
        words = next((words for kind, words in _UNREACHED if isinstance(cause, kind)), None)
        if words is not None:
            return words.format(host=host)
    return f"{host} cannot be reached"


def words_of(error: TwapError) -> str:
    """Return what a failure says without its moment: the same failure again has the same words."""
    return error.words if isinstance(error, AttemptRefused | ExchangeRefuses) else str(error)


def until_of(error: TwapError | None) -> Nanos | None:
    """Return until when nothing is asked, where a failure says so."""
    return error.until if isinstance(error, AttemptRefused | ExchangeRefuses) else None


def _words_of(status: int, refusal: Refusal) -> str:
    found = _WORDS.get(status)
    if found is None and status >= _SERVER_ERRORS:
        return "the exchange failed to answer"
    return found or WORDS[refusal.kind]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and what it was raised from, groups taken apart."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _causes(one)
        error = error.__cause__ or error.__context__


def _seconds_of(header: str, now: Nanos) -> int:
    if header.isascii() and header.isdigit() and len(header) < 10:
        return int(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return 0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, int(aware.timestamp()) - now // SECOND)


def _seconds_until(moment: Nanos | None, now: Nanos) -> int:
    return max(0, -(-(moment - now) // SECOND)) if moment else 0
