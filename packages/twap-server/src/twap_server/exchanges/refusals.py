"""What exchanges' refusals have in common: kinds by HTTP status, and by what their texts contain."""

from collections.abc import Iterable
from typing import Final

from twap_server.domain.refusal import RefusalKind

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
