"""Put what is told of one book in order, and notice what is missing.

1. Until the whole book has come, hold all that is told.
2. The whole book says after which message it is so: drop what is held up to that one, take the rest.
3. Each message after that has the next number. A hole: trust nothing, and begin anew with 1.
4. A pulse says the number of the last message. If that has not come by the next pulse, it is lost: a hole.
   After silence nothing was on its way: what has not come by the first pulse is lost.
5. Another book stands in its place: hold what follows, ask for the whole book, show the old one meanwhile.
6. A message of a higher epoch: another collector has taken over. Begin anew. One of a lower epoch: ignore it.
"""

from collections.abc import Callable
from typing import Final, assert_never

from twap_server.cluster.market_messages import (
    AnewTold,
    BookPulse,
    BookTold,
    ChangeTold,
    CutTold,
    StateTold,
    WholeBook,
)
from twap_server.cluster.replica_book import ReplicaBook
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.market.errors import FeedError
from twap_server.domain.market.events import BookStatus

MOST_HELD: Final = 10_000
"""Messages held while waiting for the whole book; one more and the wait starts anew."""
WAITING: Final = "waiting for the whole book of its collector"
_LOST: Final = "messages of its collector were lost"
_PATIENCE: Final = 2
"""Pulses for which a book is shown although another stands in its place, or no pulse names it."""


class HeardBook:
    """One replica, and how far it has come."""

    def __init__(self, book: ReplicaBook, clock: Clock, ask: Callable[[], None]) -> None:
        """Wait for the whole book; ``ask`` is called each time it is needed."""
        self.book = book
        self.epoch = 0
        self.number = 0
        """Of the last message that was taken."""
        self.is_waiting = True
        """Whether the whole book is needed."""
        self._clock, self._ask = clock, ask
        self._held: list[BookTold] = []
        self._due = 0
        """A number that the last pulse told and that had not come then."""
        self._pulses_waited = self._unlisted = 0

    def hear(self, told: BookTold) -> None:
        """Take what is told, or hold it."""
        self.begin(told.epoch)
        if told.epoch != self.epoch:
            return
        if not self.is_waiting:
            self._next(told)
            return
        self._hold(told)
        if isinstance(told, WholeBook):
            self.take_whole(told)
        elif isinstance(told, StateTold) and self.book.status is BookStatus.LIVE:
            self.book.take_state(told)  # of the book that stands in its place, and this one is no better

    def take_whole(self, whole: WholeBook) -> None:
        """Take the whole book where it is needed, and what was told after it."""
        self.begin(whole.epoch)
        if whole.epoch != self.epoch or not self.is_waiting:
            return
        if whole.number < self.number:  # asked for before, and late: what was shown since was newer
            self._ask()
            return
        if not self._is_taken(whole):
            return
        held, self._held = self._held, []
        for told in held:
            self.hear(told)

    def begin(self, epoch: int) -> None:
        """Note who tells now. If it is another collector than before, nothing of before fits."""
        if epoch <= self.epoch:
            return
        reason = "another collector has taken over" if self.epoch else WAITING
        self.epoch = epoch
        self.number = self._due = 0
        self._held.clear()
        self.lose(reason)

    def lose(self, reason: str) -> None:
        """Trust nothing until the whole book has come."""
        self._wait()
        self.book.resync(reason)

    def compare(self, epoch: int, told: BookPulse, *, late: int, was_silent: bool) -> None:
        """Compare with what a pulse says.

        Args:
            epoch: of the collector.
            told: what it says.
            late: nanoseconds by which it is late.
            was_silent: nothing was heard of the collector for too long before.
        """
        self.begin(epoch)
        if epoch != self.epoch:
            return
        self._unlisted = 0
        pulse = self.book.pulse
        assert pulse is not None
        pulse.heard_at = Nanos(self._clock.monotonic() - told.silence - late)
        pulse.borne = told.borne
        if was_silent and (self.is_waiting or self.number < told.number):
            self.lose(_LOST)
        elif self.is_waiting:
            self._wait_on()
        elif told.number == self.number:
            self.book.confirm(Nanos(self._clock.now() - told.age - late))
        elif self.number < self._due:
            self.lose(_LOST)
        self._due = told.number

    def not_listed(self, *, was_silent: bool) -> None:
        """A pulse does not name the book: the first may have been on its way, the second means it."""
        self._unlisted += 1
        if (was_silent or self._unlisted >= _PATIENCE) and not self.is_waiting:
            self.lose("its collector does not collect it any more")

    def _next(self, told: BookTold) -> None:
        if told.number <= self.number:
            return
        if told.number != self.number + 1:
            self.lose(_LOST)
            self._hold(told)
            return
        match told:
            case ChangeTold():
                self._change(told)
            case StateTold():
                self.book.take_state(told)
            case CutTold():
                self.book.truncate(told.depth)
            case AnewTold():
                self._wait()
                self._hold(told)
                return  # until then it is the book of before, as of the number before
            case WholeBook():
                self._is_taken(told)
            case _:
                assert_never(told)
        self.number = told.number

    def _change(self, told: ChangeTold) -> None:
        pulse = self.book.pulse
        assert pulse is not None
        pulse.heard_at = self._clock.monotonic()
        try:
            self.book.take_change(told, self._clock.now())
        except FeedError:  # it is resyncing already
            self._wait()

    def _is_taken(self, whole: WholeBook) -> bool:
        try:
            self.book.take_whole(whole, self._clock.now())
        except FeedError as error:
            self.lose(str(error))
            return False
        self.number, self.is_waiting = whole.number, False
        return True

    def _hold(self, told: BookTold) -> None:
        if len(self._held) >= MOST_HELD:
            self._held.clear()
        self._held.append(told)

    def _wait(self) -> None:
        self.is_waiting = True
        self._pulses_waited = 0
        self._ask()

    def _wait_on(self) -> None:
        """The whole book has not come, or could not be had: ask again, and show the old one no longer."""
        self._pulses_waited += 1
        if self._pulses_waited >= _PATIENCE and self.book.status is not BookStatus.RESYNCING:
            self.book.resync(WAITING)
        self._ask()
