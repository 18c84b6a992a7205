"""Sort an exchange's refusals into a few kinds, whatever words the exchange uses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from twap_server.domain.clock import Nanos
from twap_server.domain.errors import ExchangeUnavailable, Throttled, TwapError, UnknownSymbol


class RefusalKind(Enum):
    """Only the first is about what was asked for; all others may pass."""

    UNKNOWN_SYMBOL = auto()
    RATE = auto()
    BUSY = auto()
    NOT_PERMITTED = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal that was understood."""

    kind: RefusalKind
    until: Nanos | None = None
    """Wall time until which the exchange will go on refusing, where it says so."""
    wait_s: int = 0
    """For how long nothing is to be asked after it, where its manual says so and the answer does not."""


WORDS: Final[Mapping[RefusalKind, str]] = {
    RefusalKind.UNKNOWN_SYMBOL: "the exchange does not know this symbol",
    RefusalKind.RATE: "the exchange asks us to slow down",
    RefusalKind.BUSY: "the exchange is too busy to serve this",
    RefusalKind.NOT_PERMITTED: "the exchange does not permit us this",
    RefusalKind.OTHER: "the exchange refused this",
}
"""In our own words: an exchange's text never reaches a user."""

_BY_STATUS: Final = {
    401: RefusalKind.NOT_PERMITTED,
    403: RefusalKind.NOT_PERMITTED,
    418: RefusalKind.RATE,
    429: RefusalKind.RATE,
    451: RefusalKind.NOT_PERMITTED,
}
_SERVER_ERRORS = 500


def by_status(status: int) -> RefusalKind:
    """Tell the kind from an HTTP status alone; no status says that a symbol is unknown."""
    return _BY_STATUS.get(status, RefusalKind.BUSY if status >= _SERVER_ERRORS else RefusalKind.OTHER)


def by_text(text: str, marks: Iterable[tuple[str, RefusalKind]]) -> RefusalKind | None:
    """Tell the kind from the first mark that a text contains, in any case; None where it contains none."""
    lower = text.lower()
    return next((kind for mark, kind in marks if mark in lower), None)


def failure(kind: RefusalKind, *, wait_s: int) -> TwapError:
    """Make the error of a refusal that came in the body of a good answer.

    Args:
        kind: of the refusal.
        wait_s: for how long nothing is asked where too much was.
    """
    if kind is RefusalKind.UNKNOWN_SYMBOL:
        return UnknownSymbol(WORDS[kind])
    if kind is RefusalKind.RATE:
        return Throttled(WORDS[kind], retry_after=wait_s)
    return ExchangeUnavailable(WORDS[kind])
