"""Number the book messages of each topic (``seq``), whoever reads them.

It never falls while the server runs, and stays while nothing changed: across the removal and return of a
book, and exchanges that join or leave a merged one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from twap_server.domain.market.events import BookState, BookStatus
from twap_server.domain.market.instrument import InstrumentId

_State = tuple[tuple[str, int, BookStatus | None], ...]
_NOTHING = (-1, None)


@dataclass(slots=True)
class _Single:
    """What was told of one exchange's book, and what the book itself counted then."""

    told: int = 0
    counted: int = 0

    def tell(self, counted: int) -> int:
        """The book's own count goes on; a lower one is another book's, and stands after the one before."""
        self.told += counted - self.counted if counted >= self.counted else 1 + counted
        self.counted = counted
        return self.told


@dataclass(slots=True)
class _Merged:
    """What was told of a merged book, and which books it was made of."""

    told: int = 0
    state: _State = ()

    def tell(self, state: _State) -> int:
        """One more for each state that differs from the one before."""
        self.told += state != self.state
        self.state = state
        return self.told


class BookCounters:
    """All topics' counters; shared by all who make book messages."""

    def __init__(self) -> None:
        self._single: dict[InstrumentId, _Single] = {}
        self._merged: dict[str, _Merged] = {}

    def single(self, instrument: InstrumentId, view: BookState) -> int:
        """The number of one exchange's book as it is now."""
        return self._single.setdefault(instrument, _Single()).tell(view.seq)

    def merged(self, symbol: str, views: Mapping[str, BookState | None]) -> int:
        """The number of the merged book of these views (exchange to book, None where there is none)."""
        state = tuple(
            (name, *((view.seq, view.status) if view is not None else _NOTHING))
            for name, view in sorted(views.items())
        )
        return self._merged.setdefault(symbol, _Merged()).tell(state)
