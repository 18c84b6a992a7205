"""Study how fast a level of a book refills after somebody took much of it: an event study over a recording.

In: trades, with what the book displayed before them, and the book at later moments. Out: for each lag how
much is displayed again, with the untouched best level of the other side beside it. An event is a level of
which trades took at least a share while the book stood still (one order makes many prints). Times are those
of receipt. Pure: the book and the time are passed in, and no float decides.

What is counted again is cut to nothing and all: a level that others left as well counts as not refilled, one
that holds more than before as refilled. Later trades may take from the same level meanwhile, so refilling is
rather faster than what is measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappop, heappush
from typing import Final, NamedTuple, Protocol

from twap_models.enums import Side
from twap_server.domain.clock import MILLISECOND, Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.market.events import PriceLevel

LAGS: Final = tuple(
    ms * MILLISECOND for ms in (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000)
)
WHOLE: Final = 1_000_000
"""Shares are counted in millionths."""


class BookReading(Protocol):
    """A live book, as it is now."""

    def displayed(self, side: Side, price: Decimal) -> Decimal:
        """What a taker of that side finds at a price; 0 where there is no level."""
        ...

    def best(self, side: Side) -> Decimal:
        """The best price for a taker of that side."""
        ...


class Look(NamedTuple):
    """An event's level and the untouched one, some time later; in millionths."""

    refilled: int
    """Of what was taken, how much is displayed again."""
    displayed: int
    """Of what was displayed before the event."""
    untouched: int
    """Of what the best level of the other side displayed then."""
    moved: int
    """How far the best price lies from where it was, in millionths of that; positive: worse for a taker."""


@dataclass(slots=True, kw_only=True, eq=False)
class RefillEvent:
    """A level of which much was taken."""

    at: Nanos
    side: Side
    """Of those who took."""
    price: Decimal
    before: Decimal
    taken: Decimal
    best: Decimal
    """The best price for such a taker at that moment: the level may lie behind it."""
    other: PriceLevel
    """The best level of the other side at that moment."""
    looks: dict[int, Look] = field(default_factory=dict)
    """By lag; none where the recording ends earlier, or the book was not live."""

    def look(self, book: BookReading) -> Look:
        """What is displayed now."""
        now = book.displayed(self.side, self.price)
        other = book.displayed(_other(self.side), self.other.price)
        again = now - (self.before - self.taken)
        away = (book.best(self.side) - self.best) * self.side.sign
        return Look(
            _share(again, self.taken),
            _share(now, self.before),
            _share(other, self.other.quantity),
            int(away * WHOLE / self.best),
        )


class RefillStudy:
    """Collects the events of one book."""

    def __init__(self, *, least: Decimal, lags: Sequence[int] = LAGS) -> None:
        """Args: least: share of a level that has to be taken, above 0, at most 1; lags: nanoseconds."""
        self._least, self._lags = least, tuple(lags)
        self.events: list[RefillEvent] = []
        self._due: list[tuple[int, int, int]] = []
        """When, number of the event, lag."""
        self._open: dict[tuple[Side, Decimal], RefillEvent] = {}
        """Levels that were traded at while the book stood still."""
        self._state = -1
        self._known: set[tuple[Side, Decimal]] = set()

    def trade(
        self,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        *,
        before: Decimal,
        best: Decimal,
        other: PriceLevel,
        state: int,
        now: Nanos,
    ) -> None:
        """Take a print in.

        Args:
            side: of the taker.
            price, quantity: of the trade.
            before: what the book displays at that price, as it was last received; 0: the print is left out.
            best: the best price for a taker of that side, in the same book.
            other: best level of the other side.
            state: rises with each change of the book.
            now: when the print was received.
        """
        if state != self._state:
            self._open, self._known, self._state = {}, set(), state
        if before <= ZERO:
            return
        key = (side, price)
        event = self._open.get(key)
        if event is None:
            event = self._open[key] = RefillEvent(
                at=now, side=side, price=price, before=before, taken=ZERO, best=best, other=other
            )
        event.taken = min(before, event.taken + quantity)
        if key not in self._known and event.taken >= self._least * before:
            self._known.add(key)
            self.events.append(event)
            for lag in self._lags:
                heappush(self._due, (event.at + lag, len(self.events) - 1, lag))

    def next_due(self) -> Nanos | None:
        """When the next look is due."""
        return Nanos(self._due[0][0]) if self._due else None

    def look(self, now: Nanos, book: BookReading | None) -> None:
        """Take the looks that are due; None: the book is not live, so they are left out."""
        while self._due and self._due[0][0] <= now:
            _, number, lag = heappop(self._due)
            if book is not None:
                self.events[number].looks[lag] = self.events[number].look(book)

    def seen(self, lag: int) -> Iterator[tuple[Nanos, Look]]:
        """Each event that was looked at after that time, in order."""
        return ((one.at, one.looks[lag]) for one in self.events if lag in one.looks)


def _other(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY


def _share(part: Decimal, whole: Decimal) -> int:
    """In millionths, rounded down, cut to nothing and all."""
    return min(max(int(part * WHOLE / whole), 0), WHOLE) if whole > ZERO else 0
