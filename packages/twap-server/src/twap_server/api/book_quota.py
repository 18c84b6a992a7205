"""Limit how many books each user and each address may have collected.

Each book is counted for who asks for it, and for a while after: as long as it lingers. Who has not signed in
is counted by address, and only for books that no user and no order holds. When the server is full, books that
only such callers asked for make room for those of users. Orders are not asked: theirs are collected anyway.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from twap_server.api.config import ApiConfig
from twap_server.api.ports import Books
from twap_server.books.interest import DEFAULT_LINGER_S
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import BookUnavailable
from twap_server.domain.market.instrument import InstrumentId

ANONYMOUS = "anonymous:"
"""Begins the name of an owner that has not signed in."""
_LINGER = DEFAULT_LINGER_S * SECOND


class Reader(NamedTuple):
    """Who asks for books."""

    name: str
    """A user's id, or an address."""
    anonymous: bool


class BookQuota:
    """Holds books of the market for readers, within bounds."""

    def __init__(self, market: Books, clock: Clock, config: ApiConfig) -> None:
        """Start with all the room there is."""
        self._market, self._clock, self._config = market, clock, config
        self._held: dict[Reader, dict[InstrumentId, int]] = {}
        """How often each reader holds each of its books now; 0: it lingers."""
        self._lingering: OrderedDict[tuple[Reader, InstrumentId], Nanos] = OrderedDict()
        """With the time of release, the oldest first."""

    def books_of(self, reader: Reader) -> int:
        """Books that are counted for a reader."""
        self._forget_over()
        return len(self._held.get(reader, ()))

    def hold(self, reader: Reader, instruments: Sequence[InstrumentId], owner: str) -> None:
        """Ask for books until released, all or none of them.

        Raises:
            BookUnavailable: no room for them; the message says whose bound it is.
        """
        self._forget_over()
        known = self._held.get(reader, {})
        counted = [one for one in instruments if one not in known and self._counts(reader, one)]
        self._check_own(reader, len(known) + len(counted))
        if reader.anonymous and counted:
            self._check_anonymous(reader, len(counted))
        self._make_room(reader, instruments)
        for instrument in instruments:
            self._market.hold(instrument, owner)
            if instrument in known or instrument in counted:
                self._count(reader, instrument)

    def release(self, reader: Reader, instruments: Sequence[InstrumentId], owner: str) -> None:
        """Give books up; they count on as long as they linger."""
        held = self._held.get(reader, {})
        for instrument in instruments:
            self._market.release(instrument, owner)
            if held.get(instrument):
                held[instrument] -= 1
                if not held[instrument]:
                    self._lingering[reader, instrument] = self._clock.monotonic()

    def _counts(self, reader: Reader, instrument: InstrumentId) -> bool:
        return not (reader.anonymous and self._market.is_held(instrument, but=ANONYMOUS))

    def _count(self, reader: Reader, instrument: InstrumentId) -> None:
        held = self._held.setdefault(reader, {})
        held[instrument] = held.get(instrument, 0) + 1
        self._lingering.pop((reader, instrument), None)

    def _check_own(self, reader: Reader, books: int) -> None:
        config = self._config
        most = config.max_anonymous_books_per_address if reader.anonymous else config.max_books_per_user
        if books > max(most, len(self._held.get(reader, ()))):
            whose = "from your address without a sign-in" if reader.anonymous else "by you"
            raise _no_room(f"{most} books were asked for {whose} within the last minute, as many as may be")

    def _check_anonymous(self, reader: Reader, more: int) -> None:
        """Let the address with most books, if it has more than this one would have, give some up."""
        most = self._config.max_anonymous_books
        while self._anonymous() + more > most:
            fullest = max((one for one in self._held if one.anonymous), key=self._size, default=reader)
            if self._size(fullest) <= self._size(reader) + more or not self._let_go_of(fullest):
                raise _no_room(f"{most} books are collected for callers without a sign-in, as many as may be")

    def _make_room(self, reader: Reader, instruments: Sequence[InstrumentId]) -> None:
        most = self._config.max_books
        while self._market.books_with(instruments) > max(most, self._market.books_with(())):
            if reader.anonymous or not self._let_go_of(None):
                raise _no_room(f"{most} books are collected already, as many as this server takes")

    def _let_go_of(self, whose: Reader | None) -> bool:
        """End the lingering of the book released longest ago; of None: of anybody without a sign-in."""
        for reader, instrument in self._lingering:
            if reader == whose or (whose is None and reader.anonymous):
                self._forget(reader, instrument)
                self._market.let_go(instrument)
                return True
        return False

    def _anonymous(self) -> int:
        return sum(len(books) for reader, books in self._held.items() if reader.anonymous)

    def _size(self, reader: Reader) -> int:
        return len(self._held.get(reader, ()))

    def _forget_over(self) -> None:
        over = self._clock.monotonic() - _LINGER
        while self._lingering:
            (reader, instrument), released = next(iter(self._lingering.items()))
            if released > over:
                return
            self._forget(reader, instrument)

    def _forget(self, reader: Reader, instrument: InstrumentId) -> None:
        del self._lingering[reader, instrument]
        del self._held[reader][instrument]
        if not self._held[reader]:
            del self._held[reader]


def _no_room(why: str) -> BookUnavailable:
    return BookUnavailable(f"{why}: read one of them, or try again later", retry_after=60)
