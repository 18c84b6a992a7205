"""Keep a book of a collector, and tell all that becomes of it to whoever reads it elsewhere.

What is told, in order, each with the next number:

1. Each change that was applied. The book is live after it.
2. Each state in which it is not live. What makes it live is a change or another book, which is told as such.
3. That deep levels were dropped.
4. That another book stands in its place: after a snapshot, when another connection took over, when quantities
   are counted otherwise.

So a reader that heard every number has the same levels and the same status.
"""

from decimal import Decimal
from typing import Protocol

from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import BookChange, BookSnapshot, BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.base import Sequencer


class BookTeller(Protocol):
    """Who is told what becomes of one instrument's book."""

    def change(self, book: LiveBook, change: BookChange) -> None:
        """A change was applied."""
        ...

    def state(self, book: LiveBook) -> None:
        """It is in a state that is not live, or says another reason."""
        ...

    def cut(self, book: LiveBook, depth: int) -> None:
        """Levels beyond this depth were dropped."""
        ...

    def anew(self, book: LiveBook) -> None:
        """All of it may be another."""
        ...


class TellingBook(LiveBook):
    """A ``LiveBook`` that tells."""

    __slots__ = ("_teller",)

    def __init__(
        self,
        instrument: InstrumentId,
        sequencer: Sequencer,
        *,
        depth: int,
        multiplier: Decimal,
        teller: BookTeller,
    ) -> None:
        """Build an empty book; see ``LiveBook``."""
        super().__init__(instrument, sequencer, depth=depth, multiplier=multiplier)
        self._teller = teller

    def on_change(self, change: BookChange, now: Nanos) -> None:
        """Apply a change, and tell it unless it is old or has to wait."""
        seq = self.seq
        super().on_change(change, now)
        if self.seq != seq:
            self._teller.change(self, change)

    def on_snapshot(self, snapshot: BookSnapshot, now: Nanos) -> None:
        """Start from a snapshot, and tell it."""
        super().on_snapshot(snapshot, now)
        self._teller.anew(self)

    def take_over(self, other: LiveBook) -> None:
        """Continue with another connection's book, and tell it."""
        super().take_over(other)
        self._teller.anew(self)

    def count_in(self, scale: Decimal) -> None:
        """Read quantities otherwise, and tell it."""
        super().count_in(scale)
        self._teller.anew(self)

    def truncate(self, depth: int) -> None:
        """Drop deep levels, and tell it where there were any."""
        levels = len(self.book)
        super().truncate(depth)
        if len(self.book) != levels:
            self._teller.cut(self, depth)

    def _set(
        self, status: BookStatus, reason: str, *, is_barred: bool = False, awaits_first_change: bool = False
    ) -> None:
        super()._set(status, reason, is_barred=is_barred, awaits_first_change=awaits_first_change)
        if status is not BookStatus.LIVE:
            self._teller.state(self)
