"""Remember what goes wrong between this node and others: said once in the log, and shown at ``/ready``.

What is wrong with one message is wrong with the next thousand. So each kind of trouble is logged when it
begins, and not again until it was not heard for a minute; so long ``/ready`` shows it.
"""

import logging
from dataclasses import dataclass
from pathlib import PurePath
from traceback import walk_tb
from typing import Final

from twap_server.domain.clock import SECOND, Clock, Nanos

log = logging.getLogger(__name__)

_SHOWN_FOR: Final = 60 * SECOND
_MOST: Final = 10
"""Kinds; others may say what is in them."""


@dataclass(slots=True)
class _Trouble:
    words: str
    last: Nanos
    lasts: bool


class Troubles:
    """Of one node. They stop it from nothing: it goes on with what it can read."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Trouble] = {}

    def note(self, words: str, *, kind: str = "", lasts: bool = False) -> None:
        """It has happened, or happens again.

        Args:
            words: what is shown, until it is told in other words.
            kind: of trouble, of which one line is enough for the log; without one, the words are.
            lasts: it goes on though nothing more is heard of it, until the connection to NATS is another.
        """
        if self._begins(words, kind or words, lasts=lasts):
            log.warning("%s", words)

    def note_fault(self, doing: str, error: Exception) -> None:
        """Something of ours failed that nobody waits for; the log says where, once for each place."""
        place = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)][-1:]
        where = "".join(f" at {PurePath(file).name}:{line}" for file, line in place)
        words = f"{doing} ({type(error).__name__}{where}): the log has more"
        if self._begins(words, words):
            log.error("%s", words, exc_info=error)

    def end_lasting(self) -> None:
        """The connection to NATS is another one."""
        self._known = {kind: one for kind, one in self._known.items() if not one.lasts}

    def remarks(self) -> list[str]:
        """What happened lately, in words."""
        return [one.words for one in self._known.values() if self._is_going_on(one)]

    def _begins(self, words: str, kind: str, *, lasts: bool = False) -> bool:
        before = self._known.pop(kind, None)
        self._known[kind] = _Trouble(words, self._clock.monotonic(), lasts)
        while len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        return before is None or not self._is_going_on(before)

    def _is_going_on(self, one: _Trouble) -> bool:
        return one.lasts or self._clock.monotonic() - one.last < _SHOWN_FOR
