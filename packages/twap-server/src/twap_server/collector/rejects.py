"""Count messages that could not be read, by kind, and log them at most once a minute."""

import logging
from collections import Counter
from typing import Final

from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.errors import WireFormatError

_log = logging.getLogger(__name__)
_EVERY: Final = 60 * SECOND
_MOST_KINDS: Final = 20


class Rejects:
    """Those of one connection."""

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange
        self._kinds: Counter[str] = Counter()
        self._told_at = -_EVERY

    def note(self, error: WireFormatError) -> None:
        """Count one; ``tell`` says it."""
        kind = str(error)
        self._kinds[kind if kind in self._kinds or len(self._kinds) < _MOST_KINDS else "other kinds"] += 1

    def tell(self, now: Nanos) -> None:
        """Write what has come since the last line, unless that was less than a minute ago."""
        if not self._kinds or now - self._told_at < _EVERY:
            return
        kinds = ", ".join(f"{count} × {kind}" for kind, count in self._kinds.most_common())
        _log.warning("%s: messages rejected: %s", self._exchange, kinds)
        self._kinds.clear()
        self._told_at = now
