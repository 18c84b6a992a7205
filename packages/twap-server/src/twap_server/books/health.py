"""Remember how each kept book fares: its states of the last 15 minutes, how often it broke, how busy it is.

In: the registry's word that a state changed, and a look at every book once a second, which finds what nobody
tells: silence, and how far ``seq`` has come. Books themselves count nothing more for it. Bounded: 100 states
and 11 samples for each kept book, none for others.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from twap_server.books.live import LiveBook
from twap_server.books.pulse import Pulse
from twap_server.books.registry import BookRegistry
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.status import CollectedBook, StateSince

WINDOW: Final = 15 * 60 * SECOND
MOST_STATES: Final = 100
_SAMPLES: Final = 11
"""One a second: a rate is that of the last ten seconds."""
_LOOK_EVERY_S: Final = 1
_USABLE: Final = (BookStatus.LIVE, BookStatus.STALE)
"""It had been whole; a silent connection may speak again, and of a gap."""


@dataclass(slots=True)
class _Watched:
    """One book, since it is kept."""

    book: LiveBook
    pulse: Pulse | None
    """Of the connection that fed it when it was looked at last."""
    states: deque[StateSince]
    """Oldest first, never empty; the last one is its state now."""
    samples: deque[tuple[Nanos, int]]
    """Monotonic moment and ``seq`` then."""
    resyncs: int = 0
    reconnects: int = 0


class BookHealth:
    """Of all books of a registry."""

    def __init__(self, registry: BookRegistry, clock: Clock) -> None:
        """Listen from now on; ``watch`` has to run for rates and silence to be seen."""
        self._registry = registry
        self._clock = clock
        self._watched: dict[InstrumentId, _Watched] = {}
        registry.listen(self._on_status)

    async def watch(self) -> None:
        """Look at every book once a second, for ever."""
        while True:
            self.look()
            await self._clock.sleep(_LOOK_EVERY_S)

    def look(self) -> None:
        """Note what has become of each kept book, and forget the others."""
        kept = {book.instrument for book in self._registry}
        for instrument in self._watched.keys() - kept:
            del self._watched[instrument]
        moment = self._clock.monotonic()
        for book in self._registry:
            self._note(book).samples.append((moment, book.seq))

    def of(self, exchange: str) -> Sequence[CollectedBook]:
        """Tell how the books of an exchange are now, by symbol."""
        books = (book for book in self._registry if book.instrument.exchange == exchange)
        return [self._told(book) for book in sorted(books, key=lambda one: one.instrument.symbol)]

    def _on_status(self, instrument: InstrumentId) -> None:
        book = self._registry.live_book(instrument)
        if book is None:
            self._watched.pop(instrument, None)
        else:
            self._note(book)

    def _note(self, book: LiveBook) -> _Watched:
        """What is known of a book, its state now included."""
        known = self._watched.get(book.instrument)
        if known is None or known.book is not book:
            known = self._watched[book.instrument] = self._begun(book)
        status, before = book.shown_status, known.states[-1]
        is_fed_anew = book.pulse is not known.pulse
        if is_fed_anew:
            known.reconnects += known.pulse is not None
            known.pulse = book.pulse
        if status is not before.status:
            is_broken = before.status in _USABLE and status is BookStatus.RESYNCING
            known.resyncs += is_broken and not is_fed_anew
            known.states.append(self._state_of(book))
        return known

    def _state_of(self, book: LiveBook) -> StateSince:
        view = book.view(0)
        return StateSince(time=self._clock.now(), status=view.status, reason=view.reason)

    def _begun(self, book: LiveBook) -> _Watched:
        return _Watched(
            book=book,
            pulse=book.pulse,
            states=deque([self._state_of(book)], MOST_STATES),
            samples=deque([(self._clock.monotonic(), book.seq)], _SAMPLES),
        )

    def _told(self, book: LiveBook) -> CollectedBook:
        known, view = self._note(book), book.view(0)
        return CollectedBook(
            instrument=book.instrument,
            status=view.status,
            reason=view.reason,
            since=known.states[-1].time,
            changes=book.seq,
            changes_per_second=self._rate(known),
            resyncs=known.resyncs,
            reconnects=known.reconnects,
            last_change=book.ts_received or None,
            lag=book.lag,
            history=_within(known.states, Nanos(self._clock.now() - WINDOW)),
        )

    def _rate(self, known: _Watched) -> Decimal | None:
        """Of the samples there are; none until the first second has passed."""
        moment, seq = known.samples[0]
        passed = self._clock.monotonic() - moment
        if passed < SECOND:
            return None
        return Decimal((known.book.seq - seq) * 10 * SECOND // passed).scaleb(-1)


def _within(states: Sequence[StateSince], begin: Nanos) -> tuple[StateSince, ...]:
    """Those of the window, the first of them as it was when the window began."""
    later = [state for state in states if state.time > begin]
    before = [state for state in states if state.time <= begin]
    if not before:
        return tuple(later)
    return (StateSince(time=begin, status=before[-1].status, reason=before[-1].reason), *later)
