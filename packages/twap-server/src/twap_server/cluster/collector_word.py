"""Note when the collector of an exchange spoke last, by the clock of whoever reads its books.

A pulse says when it was told, by the collector's monotonic clock. The two clocks began at different moments,
but they run alike: the quickest of the last pulses shows how far they are apart, and so by how much any other
was late. What came late was told earlier, and counts from then.
"""

from typing import Final

from twap_server.books.pulse import Pulse
from twap_server.domain.clock import SECOND, Clock, Nanos

BORNE: Final = 2 * SECOND
"""Without a word of the collector for so long its books are not trusted."""
_WINDOW: Final = 60 * SECOND
"""The quickest pulse of this window and the one before counts, so that no drift of the clocks adds up."""
_DRIFT: Final = 1_000
"""Clocks drift apart by no more than one part in so many: what comes later than that is late."""


class CollectorWord(Pulse):
    """Of one exchange. Never heard of, it is silent."""

    __slots__ = ("_before", "_least", "_window", "was_heard")

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.borne = BORNE
        self.was_heard = False
        self.begin()

    def begin(self) -> None:
        """Begin with another collector: its clock began somewhere else."""
        self._least: int | None = None
        self._before: int | None = None
        self._window = self._clock.monotonic()

    def hear(self, moment: Nanos) -> int:
        """Note a pulse told at this moment of the collector's clock; return by how much it is late."""
        now = self._clock.monotonic()
        apart = now - moment
        if now - self._window >= _WINDOW:
            self._before = self._slowed(now - self._window)
            self._window, self._least = now, None
        self._least = apart if self._least is None else min(self._least, apart)
        late = apart - (self._least if self._before is None else min(self._least, self._before))
        self.heard_at, self.was_heard = Nanos(now - late), True
        return late

    def _slowed(self, lasted: int) -> int | None:
        """What counts as the quickest pulse of the window that ends."""
        if self._least is None or self._before is None:
            return self._least
        return min(self._least, self._before + lasted // _DRIFT)

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard, or nothing for too long."""
        return not self.was_heard or super().is_silent

    @property
    def words(self) -> str:
        """What to say of a book whose collector is silent."""
        if not self.was_heard:
            return "no collector of it is known"
        return f"no word from the collector for {self.silence // SECOND} s"


class ToldPulse(Pulse):
    """The pulse of a book's connection, as its collector tells it. A silent collector is silence, too."""

    __slots__ = ("_word",)

    def __init__(self, clock: Clock, word: CollectorWord) -> None:
        super().__init__(clock)
        self._word = word

    @property
    def is_silent(self) -> bool:
        """Whether the connection, or the collector, has been silent for too long."""
        return self._word.is_silent or super().is_silent

    @property
    def words(self) -> str:
        """What to say of the book."""
        return self._word.words if self._word.is_silent else super().words
