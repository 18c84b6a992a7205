"""Remember what goes wrong between this node and others: said once in the log, and shown at ``/ready``.

What is wrong with one message is wrong with the next thousand. So each sentence is logged when it begins,
and not again until it was not heard for a minute; so long ``/ready`` shows it.
"""

import logging
from typing import Final

from twap_server.domain.clock import SECOND, Clock, Nanos

log = logging.getLogger(__name__)

_SHOWN_FOR: Final = 60 * SECOND
_MOST: Final = 10
"""Sentences; others may say what is in them."""


class Troubles:
    """Of one node. They stop it from nothing: it goes on with what it can read."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: dict[str, Nanos] = {}

    def note(self, words: str) -> None:
        """It has happened, or happens again."""
        if not self._is_going_on(words):
            log.warning("%s", words)
        self._last.pop(words, None)
        self._last[words] = self._clock.monotonic()
        while len(self._last) > _MOST:
            del self._last[next(iter(self._last))]

    def remarks(self) -> list[str]:
        """What happened lately, in words."""
        return [words for words in self._last if self._is_going_on(words)]

    def _is_going_on(self, words: str) -> bool:
        last = self._last.get(words)
        return last is not None and self._clock.monotonic() - last < _SHOWN_FOR
